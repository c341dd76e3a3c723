// Standard descriptors that are there.
#include "cli/standard_streams.hpp"

#include <fcntl.h>
#include <unistd.h>

namespace astra::cli {

void open_standard_streams() {
    for (int fd = ::open("/dev/null", O_RDWR); fd >= 0; fd = ::dup(fd)) {
        if (fd > STDERR_FILENO) {
            ::close(fd);
            break;
        }
    }
}

}  // namespace astra::cli
