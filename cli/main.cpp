// The astra program: the commands that need nobody else. For all others it becomes astra-control, beside it.
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "cli/command.hpp"
#include "cli/messages.hpp"
#include "cli/standard_streams.hpp"

using namespace astra;

namespace {

/// Returns only when it cannot be started: the exit status.
int become_control(char** argv) {
    std::error_code error;
    std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", error).parent_path();
    program /= "astra-control";
    ::execv(program.c_str(), argv);
    cli::say(control::Error{control::Code::NotFound,
                            fmt::format("cannot start {}: {}", program.string(), std::strerror(errno)),
                            "install it beside astra"});
    return 1;
}

}  // namespace

int main(int argc, char** argv) {
    cli::open_standard_streams();
    cli::Commands commands = cli::make_local_commands();
    if (argc < 2 || !cli::is_command(commands, argv[1])) return become_control(argv);
    auto client = control::make_local_client();
    return cli::run_command_line({argv + 1, argv + argc}, std::move(commands), *client);
}
