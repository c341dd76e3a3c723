// getrandom(2).
#include "guest_kernel/drivers/random.hpp"

#include "guest_kernel/mm/user_copy.hpp"
#include "guest_kernel/sched/thread.hpp"
#include "guest_kernel/syscalls/syscalls.hpp"

namespace astra::syscalls {

namespace {
constexpr u32 kNonblock = 1, kRandom = 2, kInsecure = 4;
}

SyscallResult sys_getrandom(Out<u8> buf, usize count, u32 flags) {
    if (flags & ~(kNonblock | kRandom | kInsecure) ||
        (flags & (kRandom | kInsecure)) == (kRandom | kInsecure))
        return fail(Errno::kEINVAL);
    constexpr usize kMost = 0x7fff'ffff;
    usize wanted = count < kMost ? count : kMost;
    usize done = 0;
    while (done < wanted) {
        u8 chunk[256];
        usize length = wanted - done < sizeof chunk ? wanted - done : sizeof chunk;
        random_bytes({chunk, length});
        auto copied = mm::copy_out_some((buf + done).address(), {chunk, length});
        if (!copied && done == 0) return fail(copied.error());
        done += copied.value_or(0);
        if (copied.value_or(0) < length) break;
        if (done >= 256 && done < wanted && sched::current().signal_pending()) break;
    }
    return static_cast<i64>(done);
}

}  // namespace astra::syscalls
