// The contract's user accesses, over user_copy.S.
#include "guest_kernel/arch/arch.hpp"

extern "C" {
astra::usize astra_copy_user(void* to, const void* from, astra::usize count);
astra::usize astra_clear_user(void* to, astra::usize count);
astra::u32 astra_user_compare_exchange(void* word, astra::u32 expected, astra::u32 desired, astra::u32* seen);
astra::u32 astra_user_load(const void* word, astra::u32* value);
}

namespace astra::arch {

namespace {

void* pointer(UserAddr address) { return reinterpret_cast<void*>(address.raw()); }

}  // namespace

usize copy_from_user(void* to, UserAddr from, usize count) {
    return astra_copy_user(to, pointer(from), count);
}
usize copy_to_user(UserAddr to, const void* from, usize count) {
    return astra_copy_user(pointer(to), from, count);
}
usize clear_user(UserAddr to, usize count) { return astra_clear_user(pointer(to), count); }

bool user_compare_exchange(UserAddr word, u32 expected, u32 desired, u32& seen) {
    return astra_user_compare_exchange(pointer(word), expected, desired, &seen) != 0;
}
bool user_load(UserAddr word, u32& value) { return astra_user_load(pointer(word), &value) != 0; }

}  // namespace astra::arch
