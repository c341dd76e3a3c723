// The astra program.
#include <fcntl.h>
#include <unistd.h>

#include "cli/command.hpp"

int main(int argc, char** argv) {
    // Descriptors 0 to 2 must be what they are called: a file opened later must not become our stdout.
    for (int fd = ::open("/dev/null", O_RDWR); fd >= 0; fd = ::dup(fd)) {
        if (fd > STDERR_FILENO) {
            ::close(fd);
            break;
        }
    }
    auto client = astra::control::make_local_client();
    return astra::cli::run_command_line({argv + 1, argv + argc}, *client);
}
