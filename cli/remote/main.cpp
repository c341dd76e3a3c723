// The astra-control program: every command, those that talk to a daemon among them. `astra` starts it.
#include "cli/remote/remote_command.hpp"
#include "cli/standard_streams.hpp"

using namespace astra;

int main(int argc, char** argv) {
    cli::open_standard_streams();
    cli::Commands commands = cli::make_local_commands();
    commands.push_back(cli::make_completion_command());
    commands.push_back(cli::make_manual_command());
    for (auto make : {cli::make_guest_commands, cli::make_stream_commands, cli::make_copy_commands,
                      cli::make_stats_commands, cli::make_image_commands})
        for (auto& command : make()) commands.push_back(std::move(command));
    auto client = control::make_local_client();
    return cli::run_command_line({argv + 1, argv + argc}, std::move(commands), *client);
}
