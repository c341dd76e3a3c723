// From words to a command.
#include "cli/command.hpp"

#include <algorithm>

#include "cli/messages.hpp"

namespace astra::cli {
namespace {

/// True when `word` is an option of `app` that takes the next word as its value.
bool takes_next_word(const CLI::App& app, const std::string& word) {
    bool is_long = word.starts_with("--");
    if (is_long && word.find('=') != std::string::npos) return false;
    // "-eK=V": the value is in the same word.
    if (!is_long && word.size() > 2) return false;
    const CLI::Option* option = app.get_option_no_throw(word);
    return option && option->get_items_expected_max() > 0;
}

int usage_error(const std::string& message, const CLI::App& app, int status) {
    std::string name = app.get_parent() ? "astra " + app.get_name() : "astra";
    say(control::Error{control::Code::InvalidArgument, message, "see " + name + " --help"});
    return status;
}

}  // namespace

std::vector<std::string> split_program(const CLI::App& app, std::vector<std::string>& words) {
    size_t end = 0;  // of the options
    while (end < words.size() && words[end].size() > 1 && words[end][0] == '-' && words[end] != "--")
        end += takes_next_word(app, words[end]) ? 2 : 1;
    end = std::min(end, words.size());
    size_t start = end < words.size() && words[end] == "--" ? end + 1 : end;
    std::vector<std::string> program(words.begin() + static_cast<std::ptrdiff_t>(start), words.end());
    words.resize(end);
    return program;
}

Commands make_local_commands() {
    Commands commands;
    commands.push_back(make_run_command());
    commands.push_back(make_doctor_command());
    commands.push_back(make_version_command());
    return commands;
}

bool is_command(const Commands& commands, std::string_view word) {
    CLI::App app;
    return std::ranges::any_of(
        commands, [&](const auto& command) { return command->describe(app)->get_name() == word; });
}

int run_command_line(std::vector<std::string> words, Commands commands, control::Client& client) {
    CLI::App app(
        "Launch a Linux program inside its own tiny operating system, and see every system call it makes.",
        "astra");
    app.require_subcommand(1);
    app.failure_message(CLI::FailureMessage::simple);
    std::vector<CLI::App*> apps;
    for (auto& command : commands) apps.push_back(command->describe(app));

    size_t chosen = 0;
    while (chosen < apps.size() && (words.empty() || apps[chosen]->get_name() != words[0])) chosen++;
    if (chosen < apps.size() && commands[chosen]->takes_program()) {
        std::vector<std::string> options(words.begin() + 1, words.end());
        commands[chosen]->take_program(split_program(*apps[chosen], options));
        words.resize(1);
        words.insert(words.end(), options.begin(), options.end());
    }
    if (chosen == apps.size() && !words.empty() && !words[0].starts_with('-'))
        return usage_error("there is no command '" + words[0] + "'", app, 2);
    const CLI::App& context = chosen < apps.size() ? *apps[chosen] : app;
    try {
        std::ranges::reverse(words);  // CLI11 takes them back to front
        app.parse(std::move(words));
    } catch (const CLI::CallForHelp&) { return print(context.help()); } catch (const CLI::ParseError& error) {
        return usage_error(error.what(), context,
                           chosen < commands.size() ? commands[chosen]->usage_status() : 2);
    }
    return commands[chosen]->run(client);
}

}  // namespace astra::cli
