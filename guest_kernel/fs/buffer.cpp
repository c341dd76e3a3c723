// Buffers: bytes between files and the memory of programs or of the kernel.
#include <algorithm>

#include "guest_kernel/fs/file.hpp"

namespace astra::fs {

Result<usize> KernelBuffer::put(std::span<const u8> from) {
    usize n = std::min(from.size(), remaining());
    __builtin_memcpy(bytes_.data() + done_, from.data(), n);
    done_ += n;
    return n;
}

Result<usize> KernelBuffer::take(std::span<u8> to) {
    usize n = std::min(to.size(), remaining());
    __builtin_memcpy(to.data(), bytes_.data() + done_, n);
    done_ += n;
    return n;
}

Result<usize> UserBuffer::put(std::span<const u8> from) {
    usize n = TRY(mm::copy_out_some(address_, from.first(std::min(from.size(), count_))));
    address_ += n;
    count_ -= n;
    return n;
}

Result<usize> UserBuffer::take(std::span<u8> to) {
    usize n = TRY(mm::copy_in_some(to.first(std::min(to.size(), count_)), address_));
    address_ += n;
    count_ -= n;
    return n;
}

Result<IovecBuffer> IovecBuffer::from(abi::In<abi::IoVec> segments, u64 count) {
    constexpr u64 kMaxSegments = 1024;         // UIO_MAXIOV
    constexpr u64 kMaxTransfer = 0x7fff'f000;  // MAX_RW_COUNT
    if (count > kMaxSegments) return fail(Errno::kEINVAL);
    IovecBuffer buffer;
    TRY(buffer.segments_.resize(count));
    TRY(mm::read_array(segments, std::span<abi::IoVec>(buffer.segments_.data(), count)));
    for (abi::IoVec& s : buffer.segments_) {
        if (static_cast<i64>(s.len) < 0) return fail(Errno::kEINVAL);
        if (!mm::is_user_range(UserAddr(s.base), s.len)) return fail(Errno::kEFAULT);
        s.len = std::min(s.len, kMaxTransfer - buffer.remaining_);
        buffer.remaining_ += s.len;
    }
    return buffer;
}

/// Moves up to `count` bytes: `copy(address, done, n)` moves n at most and answers how many.
template <class Copy>
Result<usize> IovecBuffer::transfer(usize count, Copy&& copy) {
    usize done = 0;
    while (done < count && remaining_ > 0) {
        abi::IoVec& s = segments_[at_];
        if (s.len == 0) {
            at_++;
            continue;
        }
        usize wanted = std::min<usize>(s.len, count - done);
        Result<usize> moved = copy(UserAddr(s.base), done, wanted);
        if (!moved) {
            if (done > 0) break;
            return moved;
        }
        s.base += *moved;
        s.len -= *moved;
        remaining_ -= *moved;
        done += *moved;
        if (*moved < wanted) break;
    }
    return done;
}

Result<usize> IovecBuffer::put(std::span<const u8> from) {
    return transfer(from.size(), [from](UserAddr to, usize at, usize n) {
        return mm::copy_out_some(to, from.subspan(at, n));
    });
}

Result<usize> IovecBuffer::take(std::span<u8> to) {
    return transfer(to.size(), [to](UserAddr from, usize at, usize n) {
        return mm::copy_in_some(to.subspan(at, n), from);
    });
}

}  // namespace astra::fs
