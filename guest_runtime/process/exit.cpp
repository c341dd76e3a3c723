// Ways to end this process.
#include "guest_runtime/process/exit.hpp"

#include "guest_runtime/stdio/print.hpp"
#include "guest_runtime/sys/constants.hpp"
#include "guest_runtime/sys/syscall.hpp"

namespace astra::process {

void abort() {
    // A handler or a blocked signal must not keep the process alive.
    abi::SigAction action{};
    abi::SigSet none = 0;
    sys::rt_sigaction(sys::kSigAbort, &action, nullptr, sizeof none);
    abi::SigSet only = u64{1} << (sys::kSigAbort - 1);
    sys::rt_sigprocmask(1, &only, nullptr, sizeof only);
    sys::tgkill(static_cast<int>(sys::getpid()), static_cast<int>(sys::gettid()), sys::kSigAbort);
    for (;;) sys::exit_group(127);
}

u32 id() { return static_cast<u32>(sys::getpid()); }

int report(const io::Result<void>& result) {
    if (result) return 0;
    eprintln("Error: {}", result.error());
    return 1;
}

}  // namespace astra::process
