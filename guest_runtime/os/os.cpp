// Errno names and texts come from the kernel's own table.
#include "guest_runtime/os/os.hpp"

#include <algorithm>

#include "guest_runtime/os/panic.hpp"
#include "guest_runtime/sys/constants.hpp"

namespace astra::os {

namespace {
thread_local int last_error = 0;
}

std::string_view error_string(int number) {
    switch (number) {
#define ASTRA_ERRNO_TEXT(name, value, text) \
    case value: return text;
        ASTRA_ERRNO_TABLE(ASTRA_ERRNO_TEXT)
#undef ASTRA_ERRNO_TEXT
        default: return "Unknown error";
    }
}

std::string_view error_name(int number) {
    const char* name = abi::errno_name(number);
    return name ? name : "";
}

int last_errno() { return last_error; }

io::Result<i64> check(i64 answer) {
    if (answer >= 0 || answer < -4095)
        return answer;  // addresses may look negative; errno values end at 4095
    last_error = static_cast<int>(-answer);
    return std::unexpected(io::Error::from_raw_os_error(last_error));
}

io::Result<void> check_done(i64 answer) {
    TRY(check(answer));
    return {};
}

io::Result<OwnedFd> OwnedFd::from(i64 answer) {
    auto fd = TRY(check(answer));
    return OwnedFd(static_cast<int>(fd));
}

int OwnedFd::raw(std::source_location where) const {
    if (fd_ < 0) panic("use of a moved or closed handle", where);
    return fd_;
}

io::Result<void> OwnedFd::close() { return check_done(sys::close(std::exchange(fd_, -1))); }

io::Result<OwnedFd> OwnedFd::try_clone() const { return from(sys::fcntl(raw(), sys::kDupFdCloseOnExec, 3)); }

// One call moves at most this much (read(2), NOTES); more would be cut short anyway.
constexpr usize kMost = 0x7ffff000;

io::Result<usize> read(int fd, std::span<u8> to) {
    return static_cast<usize>(TRY(check(sys::read(fd, to.data(), std::min(to.size(), kMost)))));
}

io::Result<usize> write(int fd, std::span<const u8> from) {
    return static_cast<usize>(TRY(check(sys::write(fd, from.data(), std::min(from.size(), kMost)))));
}

io::Result<void> set_nonblocking(int fd, bool on) {
    i64 flags = TRY(check(sys::fcntl(fd, sys::kGetFlags, 0)));
    flags = on ? flags | sys::kNonBlock : flags & ~i64{sys::kNonBlock};
    return check_done(sys::fcntl(fd, sys::kSetFlags, static_cast<u64>(flags)));
}

}  // namespace astra::os
