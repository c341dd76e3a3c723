// The kernel's and the program's accesses to program memory, page by page through the emulated MMU.
#include <algorithm>
#include <cstring>

#include "guest_kernel/arch/host/host.hpp"

namespace astra::arch {

namespace {

/// Calls `act(bytes, done, length)` on each piece of [at, at + count) that lies in one page; returns the
/// bytes left at the first unresolved fault.
template <class F>
usize for_each_page(UserAddr at, usize count, host::Access access, bool from_user, F&& act) {
    usize done = 0;
    while (done < count) {
        usize length = std::min<usize>(count - done, kPageSize - (at + done).page_offset());
        u8* bytes = host::reach(at + done, access, from_user);
        if (!bytes) break;
        act(bytes, done, length);
        done += length;
    }
    return count - done;
}

usize read(void* to, UserAddr from, usize count, bool from_user) {
    return for_each_page(
        from, count, host::Access::Read, from_user,
        [&](u8* bytes, usize done, usize length) { memcpy(static_cast<u8*>(to) + done, bytes, length); });
}

usize write(UserAddr to, const void* from, usize count, bool from_user) {
    return for_each_page(to, count, host::Access::Write, from_user, [&](u8* bytes, usize done, usize length) {
        memcpy(bytes, static_cast<const u8*>(from) + done, length);
    });
}

}  // namespace

usize copy_from_user(void* to, UserAddr from, usize count) { return read(to, from, count, false); }
usize copy_to_user(UserAddr to, const void* from, usize count) { return write(to, from, count, false); }
usize clear_user(UserAddr to, usize count) {
    return for_each_page(to, count, host::Access::Write, false,
                         [](u8* bytes, usize, usize length) { memset(bytes, 0, length); });
}

bool user_compare_exchange(UserAddr word, u32 expected, u32 desired, u32& seen) {
    u8* bytes = host::reach(word, host::Access::Write, false);
    if (!bytes) return false;
    __atomic_compare_exchange_n(reinterpret_cast<u32*>(bytes), &expected, desired, false, __ATOMIC_SEQ_CST,
                                __ATOMIC_SEQ_CST);
    seen = expected;
    return true;
}

bool user_load(UserAddr word, u32& value) {
    u8* bytes = host::reach(word, host::Access::Read, false);
    if (!bytes) return false;
    value = __atomic_load_n(reinterpret_cast<u32*>(bytes), __ATOMIC_SEQ_CST);
    return true;
}

namespace host {

bool program_read(UserAddr from, void* to, usize count) { return read(to, from, count, true) == 0; }
bool program_write(UserAddr to, const void* from, usize count) { return write(to, from, count, true) == 0; }
bool program_touch(UserAddr at, Access access) { return reach(at, access, true) != nullptr; }

}  // namespace host

}  // namespace astra::arch
