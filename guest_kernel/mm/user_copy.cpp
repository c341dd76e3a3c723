// Copies between kernel and program: ranges are checked here, faults are handled by arch.
#include "guest_kernel/mm/user_copy.hpp"

#include <algorithm>

#include "guest_kernel/arch/upcalls.hpp"

namespace astra::mm {

namespace {

constexpr usize kPathMax = 4096;

/// Nothing to copy is no access, wherever the pointer leads (as Linux's copy_to_user).
bool is_reachable(UserAddr start, usize length) { return length == 0 || is_user_range(start, length); }

/// A copy may fault and then sleep, which nobody who holds a spin lock may.
void check_context() {
#if ASTRA_KERNEL_CHECKS
    if (!arch::interrupts_enabled()) panic("program memory accessed with interrupts off");
#endif
}

/// Bytes of [start, start + length) below the end of the program half.
usize reachable(UserAddr start, usize length) {
    if (start.raw() >= arch::kUserEnd) return 0;
    return std::min<u64>(length, arch::kUserEnd - start.raw());
}

}  // namespace

Result<void> copy_in(std::span<u8> to, UserAddr from) {
    check_context();
    if (!is_reachable(from, to.size()) || arch::copy_from_user(to.data(), from, to.size()) != 0)
        return fail(Errno::kEFAULT);
    return {};
}

Result<void> copy_out(UserAddr to, std::span<const u8> from) {
    check_context();
    if (!is_reachable(to, from.size()) || arch::copy_to_user(to, from.data(), from.size()) != 0)
        return fail(Errno::kEFAULT);
    return {};
}

Result<usize> copy_in_some(std::span<u8> to, UserAddr from) {
    check_context();
    usize wanted = reachable(from, to.size());
    usize done = wanted - arch::copy_from_user(to.data(), from, wanted);
    if (done == 0 && !to.empty()) return fail(Errno::kEFAULT);
    return done;
}

Result<usize> copy_out_some(UserAddr to, std::span<const u8> from) {
    check_context();
    usize wanted = reachable(to, from.size());
    usize done = wanted - arch::copy_to_user(to, from.data(), wanted);
    if (done == 0 && !from.empty()) return fail(Errno::kEFAULT);
    return done;
}

Result<String> read_string(abi::UserString from, usize limit, Errno too_long) {
    String text;
    char chunk[256];
    for (usize done = 0; done < limit;) {
        UserAddr at = from.address() + done;
        // Never past the page that holds the terminator.
        usize part = std::min({sizeof chunk, limit - done, kPageSize - static_cast<usize>(at.page_offset())});
        TRY(copy_in({reinterpret_cast<u8*>(chunk), part}, at));
        auto* end = static_cast<const char*>(__builtin_memchr(chunk, 0, part));
        TRY(text.append({chunk, end ? static_cast<usize>(end - chunk) : part}));
        if (end) return text;
        done += part;
    }
    return fail(too_long);
}

Result<String> read_path(abi::UserString from) { return read_string(from, kPathMax, Errno::kENAMETOOLONG); }

}  // namespace astra::mm
