// astra-supervisor GUEST-FOLDER IMAGE-STORE: runs one guest for the daemon, which hands it the guest's
// listening socket as descriptor 3. Status: 0 the guest ended and its exit record is written; 1 it is not.
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/resource.h>

#include "vmm/engines/process.hpp"
#include "vmm/supervisor/supervisor.hpp"

using namespace astra::vmm;

int main(int argc, char** argv) {
    if (argc != 3) {
        fmt::print(stderr, "usage: astra-supervisor GUEST-FOLDER IMAGE-STORE (started by astrad)\n");
        return 2;
    }
    ::signal(SIGPIPE, SIG_IGN);
    ::signal(SIGHUP, SIG_IGN);
    // No core dumps of guest memory.
    rlimit none{0, 0};
    ::setrlimit(RLIMIT_CORE, &none);
    Fd listener(ProcessSpec::kFirstInherited);
    if (::fcntl(listener.get(), F_SETFD, FD_CLOEXEC) < 0) {
        fmt::print(stderr, "astra-supervisor: descriptor 3 is not a socket\n");
        return 1;
    }
    auto done = supervisor::Supervisor::supervise({argv[1]}, argv[2], std::move(listener));
    if (!done) fmt::print(stderr, "astra-supervisor: {}\n", done.error().message);
    return done ? 0 : 1;
}
