// Loops around write(2) and pread(2).
#include "vmm/base/io.hpp"

#include <unistd.h>

namespace astra::vmm {

Result<void> write_all(int fd, std::span<const u8> bytes) {
    while (!bytes.empty()) {
        ssize_t n = ::write(fd, bytes.data(), bytes.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return fail_errno("write");
        bytes = bytes.subspan(static_cast<usize>(n));
    }
    return {};
}

Result<void> read_at(int fd, u64 offset, std::span<u8> bytes) {
    while (!bytes.empty()) {
        ssize_t n = ::pread(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return fail_errno("read");
        if (n == 0) return fail(Code::Corrupt, "the file ends early");
        bytes = bytes.subspan(static_cast<usize>(n));
        offset += static_cast<u64>(n);
    }
    return {};
}

}  // namespace astra::vmm
