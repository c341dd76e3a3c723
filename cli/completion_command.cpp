// astra completion: what a shell needs to complete our commands and options, made from the parser itself.
#include <fmt/format.h>

#include "cli/command.hpp"
#include "cli/messages.hpp"

namespace astra::cli {
namespace {

/// "run) words="--rootfs --image …" ;;" for every command.
std::string cases(const CLI::App& root) {
    std::string text;
    for (const CLI::App* command : root.get_subcommands([](const CLI::App*) { return true; })) {
        std::string words;
        for (const CLI::App* sub : command->get_subcommands([](const CLI::App*) { return true; }))
            words += sub->get_name() + " ";
        for (const CLI::Option* option : command->get_options())
            for (const std::string& name : option->get_lnames()) words += "--" + name + " ";
        text += fmt::format("        {}) words=\"{}\" ;;\n", command->get_name(), words);
    }
    return text;
}

class CompletionCommand : public Command {
  public:
    CLI::App* describe(CLI::App& app) override {
        root_ = &app;
        CLI::App* command =
            app.add_subcommand("completion", "print completions: source <(astra completion bash)");
        command->add_option("shell", shell_, "bash, or zsh")
            ->check(CLI::IsMember({"bash", "zsh"}).description(""))
            ->type_name("SHELL");
        return command;
    }
    int run(control::Client&) override {
        std::string names;
        for (const CLI::App* command : root_->get_subcommands([](const CLI::App*) { return true; }))
            names += command->get_name() + " ";
        std::string text = shell_ == "zsh" ? "autoload -U +X bashcompinit && bashcompinit\n" : "";
        text += "_astra() {\n    local words=\"" + names + "\"\n    if [ \"$COMP_CWORD\" -gt 1 ]; then\n" +
                "        case ${COMP_WORDS[1]} in\n" + cases(*root_) + "        esac\n    fi\n" +
                "    COMPREPLY=($(compgen -W \"$words\" -- \"${COMP_WORDS[COMP_CWORD]}\"))\n}\n" +
                "complete -o default -F _astra astra\n";
        return print(text);
    }

  private:
    const CLI::App* root_ = nullptr;
    std::string shell_ = "bash";
};

}  // namespace

std::unique_ptr<Command> make_completion_command() { return std::make_unique<CompletionCommand>(); }

}  // namespace astra::cli
