// astra version.
#include <nlohmann/json.hpp>

#include "cli/command.hpp"
#include "cli/messages.hpp"

namespace astra::cli {
namespace {

class VersionCommand : public Command {
  public:
    CLI::App* describe(CLI::App& app) override {
        CLI::App* version = app.add_subcommand("version", "print the version");
        version->add_option("-o,--output", format_, "table or json")
            ->check(CLI::IsMember({"table", "json"}).description(""))
            ->type_name("FORMAT");
        return version;
    }
    int run(control::Client&) override {
        if (format_ == "json") return print(nlohmann::json{{"version", ASTRA_VERSION}}.dump() + "\n");
        return print("astra " ASTRA_VERSION "\n");
    }

  private:
    std::string format_ = "table";
};

}  // namespace

std::unique_ptr<Command> make_version_command() { return std::make_unique<VersionCommand>(); }

}  // namespace astra::cli
