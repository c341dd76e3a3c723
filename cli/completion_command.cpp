// astra completion, astra manual: what shells and man(1) need to know, made from the parser's own
// definitions.
#include <fmt/format.h>

#include <algorithm>

#include "cli/command.hpp"
#include "cli/messages.hpp"

namespace astra::cli {
namespace {

std::vector<const CLI::App*> subcommands(const CLI::App& app) {
    return app.get_subcommands([](const CLI::App*) { return true; });
}

/// `text` with every character of `special` behind `escape`.
std::string escaped(std::string_view text, std::string_view special, std::string_view escape) {
    std::string out;
    for (char c : text) {
        if (special.find(c) != special.npos) out += escape;
        out += c;
    }
    return out;
}

/// "run) words="--rootfs --image …" ;;" for every command.
std::string bash_cases(const CLI::App& root) {
    std::string text;
    for (const CLI::App* command : subcommands(root)) {
        std::string words;
        for (const CLI::App* sub : subcommands(*command)) words += sub->get_name() + " ";
        for (const CLI::Option* option : command->get_options())
            for (const std::string& name : option->get_lnames()) words += "--" + name + " ";
        text += fmt::format("        {}) words=\"{}\" ;;\n", command->get_name(), words);
    }
    return text;
}

std::string bash_completion(const CLI::App& root) {
    std::string names;
    for (const CLI::App* command : subcommands(root)) names += command->get_name() + " ";
    return "_astra() {\n    local words=\"" + names + "\"\n    if [ \"$COMP_CWORD\" -gt 1 ]; then\n" +
           "        case ${COMP_WORDS[1]} in\n" + bash_cases(root) + "        esac\n    fi\n" +
           "    COMPREPLY=($(compgen -W \"$words\" -- \"${COMP_WORDS[COMP_CWORD]}\"))\n}\n" +
           "complete -o default -F _astra astra\n";
}

std::string zsh_completion(const CLI::App& root) {
    return "autoload -U +X bashcompinit && bashcompinit\n" + bash_completion(root);
}

/// Commands of `app` and their options, which fish offers once all of `condition` has been typed.
std::string fish_lines(const CLI::App& app, const std::string& condition) {
    auto quoted = [](const std::string& text) { return "'" + escaped(text, "'\\", "\\") + "'"; };
    std::string text;
    for (const CLI::App* command : subcommands(app)) {
        text += fmt::format("complete -c astra -n {} -a {} -d {}\n", quoted(condition), command->get_name(),
                            quoted(command->get_description()));
        std::string seen = "__fish_seen_subcommand_from " + command->get_name();
        for (const CLI::Option* option : command->get_options()) {
            std::string names;
            for (const std::string& name : option->get_lnames()) names += " -l " + name;
            for (const std::string& name : option->get_snames()) names += " -s " + name;
            if (names.empty()) continue;
            bool value = option->get_items_expected_min() > 0;
            text += fmt::format("complete -c astra -n {}{}{} -d {}\n", quoted(seen), names,
                                value ? " -r" : "", quoted(option->get_description()));
        }
        text += fish_lines(*command, seen);
    }
    return text;
}

std::string fish_completion(const CLI::App& root) { return fish_lines(root, "__fish_use_subcommand"); }

struct Shell {
    const char* name;
    std::string (*completion)(const CLI::App& root);
};
constexpr Shell kShells[] = {{"bash", bash_completion}, {"zsh", zsh_completion}, {"fish", fish_completion}};

class CompletionCommand : public Command {
  public:
    CLI::App* describe(CLI::App& app) override {
        root_ = &app;
        CLI::App* command =
            app.add_subcommand("completion", "print completions: source <(astra completion bash)");
        std::vector<std::string> names;
        for (const Shell& shell : kShells) names.emplace_back(shell.name);
        command->add_option("shell", shell_, "bash, zsh or fish")
            ->check(CLI::IsMember(names).description(""))
            ->type_name("SHELL");
        return command;
    }
    int run(control::Client&) override {
        return print(std::ranges::find(kShells, shell_, &Shell::name)->completion(*root_));
    }

  private:
    const CLI::App* root_ = nullptr;
    std::string shell_ = "bash";
};

/// Text as man(7) takes it: nothing in it is a request or an escape.
std::string roff(std::string_view text) {
    std::string out;
    for (size_t i = 0; i < text.size(); i++) {
        bool begins = i == 0 || text[i - 1] == '\n';
        if (begins && (text[i] == '.' || text[i] == '\'')) out += "\\&";
        if (text[i] == '\\')
            out += "\\e";
        else if (text[i] == '-')
            out += "\\-";
        else
            out += text[i];
    }
    return out;
}

std::string manual_option(const CLI::Option& option) {
    std::string names;
    for (const std::string& name : option.get_snames()) names += (names.empty() ? "-" : ", -") + name;
    for (const std::string& name : option.get_lnames()) names += (names.empty() ? "--" : ", --") + name;
    if (names.empty()) names = option.get_name();
    bool value = option.get_items_expected_max() > 0 && option.nonpositional();
    std::string type = value ? " \\fI" + roff(option.get_type_name()) + "\\fR" : "";
    return ".TP\n\\fB" + roff(names) + "\\fR" + type + "\n" + roff(option.get_description()) + "\n";
}

/// The page of `app`, which is known as `name`.
std::string manual_page(const CLI::App& app, const std::string& name) {
    std::string title = name, words = name;
    std::ranges::replace(title, ' ', '-');
    std::ranges::transform(words, words.begin(), [](char c) { return static_cast<char>(::toupper(c)); });
    std::ranges::replace(words, ' ', '-');
    std::string text = fmt::format(".TH {} 1 \"\" \"ASTRA {}\" \"ASTRA manual\"\n.SH NAME\n{} \\- {}\n",
                                   words, ASTRA_VERSION, roff(title), roff(app.get_description()));
    bool commands = !subcommands(app).empty();
    text += ".SH SYNOPSIS\n.B " + roff(name) + (commands ? "\n\\fICOMMAND\\fR" : "") + "\n[\\fIOPTIONS\\fR]";
    for (const CLI::Option* option : app.get_options())
        if (!option->nonpositional()) text += " \\fI" + roff(option->get_name()) + "\\fR";
    text += "\n";
    if (commands) text += ".SH COMMANDS\n";
    for (const CLI::App* command : subcommands(app))
        text += ".TP\n\\fB" + roff(command->get_name()) + "\\fR\n" + roff(command->get_description()) + "\n";
    text += ".SH OPTIONS\n";
    for (const CLI::Option* option : app.get_options()) text += manual_option(*option);
    if (!app.get_footer().empty()) text += ".SH NOTES\n.nf\n" + roff(app.get_footer()) + "\n.fi\n";
    return text;
}

class ManualCommand : public Command {
  public:
    CLI::App* describe(CLI::App& app) override {
        root_ = &app;
        CLI::App* command = app.add_subcommand("manual", "print a manual page: man -l <(astra manual run)");
        command->add_option("command", path_, "of this command (of astra itself)")->type_name("COMMAND");
        return command;
    }
    int run(control::Client&) override {
        const CLI::App* app = root_;
        std::string name = "astra";
        for (const std::string& word : path_) {
            auto below = subcommands(*app);
            auto found = std::ranges::find(below, word, [](const CLI::App* sub) { return sub->get_name(); });
            if (found == below.end()) {
                say(control::Error{control::Code::NotFound, "there is no command '" + word + "'",
                                   "see " + name + " --help"});
                return 2;
            }
            app = *found;
            name += " " + word;
        }
        return print(manual_page(*app, name));
    }

  private:
    const CLI::App* root_ = nullptr;
    std::vector<std::string> path_;
};

}  // namespace

std::unique_ptr<Command> make_completion_command() { return std::make_unique<CompletionCommand>(); }
std::unique_ptr<Command> make_manual_command() { return std::make_unique<ManualCommand>(); }

}  // namespace astra::cli
