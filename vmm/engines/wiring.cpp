// Socket pairs and pipes for machines.
#include "vmm/engines/wiring.hpp"

#include <fcntl.h>
#include <sys/socket.h>

namespace astra::vmm {

Result<Ends> make_socket_pair() {
    int pair[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) return fail_errno("socketpair");
    Ends ends{Fd(pair[0]), Fd(pair[1])};
    if (::fcntl(pair[0], F_SETFL, O_NONBLOCK) != 0) return fail_errno("socketpair: O_NONBLOCK");
    return ends;
}

Result<Ends> make_pipe() {
    int pair[2];
    if (::pipe2(pair, O_CLOEXEC) != 0) return fail_errno("pipe");
    Ends ends{Fd(pair[0]), Fd(pair[1])};
    // More room only saves the writer from waiting; a refusal (the user's pipe limit) leaves a working pipe.
    (void)::fcntl(pair[1], F_SETPIPE_SZ, kPipeBytes);
    if (::fcntl(pair[0], F_SETFL, O_NONBLOCK) != 0) return fail_errno("pipe: O_NONBLOCK");
    return ends;
}

}  // namespace astra::vmm
