// syslog(2): the kernel log for dmesg.
#include "guest_kernel/drivers/log.hpp"
#include "guest_kernel/mm/user_copy.hpp"
#include "guest_kernel/sched/process.hpp"
#include "guest_kernel/syscalls/syscalls.hpp"

namespace astra::syscalls {

namespace {
enum Action {
    kClose,
    kOpen,
    kRead,
    kReadAll,
    kReadClear,
    kClear,
    kConsoleOff,
    kConsoleOn,
    kConsoleLevel,
    kSizeUnread,
    kSizeBuffer
};
}

SyscallResult sys_syslog(int type, Out<u8> buf, int length) {
    if (type < kClose || type > kSizeBuffer) return fail(Errno::kEINVAL);
    if (type != kReadAll && type != kSizeBuffer && !sched::current_process().credentials().is_root())
        return fail(Errno::kEPERM);
    switch (type) {
        case kReadAll: {
            if (buf.is_null() || length < 0) return fail(Errno::kEINVAL);
            Vector<char> text;
            TRY(text.resize(log_size() < static_cast<usize>(length) ? log_size()
                                                                    : static_cast<usize>(length)));
            usize count = read_log({text.data(), text.size()});
            TRY(mm::copy_out(buf.address(), {reinterpret_cast<u8*>(text.data()), count}));
            return static_cast<i64>(count);
        }
        case kConsoleOff: set_console_log_level(LogLevel::Error); return 0;
        case kConsoleOn: set_console_log_level(LogLevel::Warning); return 0;
        case kConsoleLevel:
            if (length < 1 || length > 8) return fail(Errno::kEINVAL);
            set_console_log_level(length <= 4   ? LogLevel::Error
                                  : length <= 5 ? LogLevel::Warning
                                  : length <= 7 ? LogLevel::Info
                                                : LogLevel::Debug);
            return 0;
        case kSizeBuffer: return static_cast<i64>(log_size());
        case kClose:
        case kOpen: return 0;
        default: return fail(Errno::kEINVAL);  // destructive reads: the ring is for everyone
    }
}

}  // namespace astra::syscalls
