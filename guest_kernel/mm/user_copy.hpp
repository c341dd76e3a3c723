// The only way the kernel follows a program's pointers: typed copies that know their direction and survive
// faults. Never called with a spin lock held, nor with a mutex of rank AddressSpace or above.
#pragma once
#include <span>

#include "guest_kernel/abi/user_ptr.hpp"
#include "guest_kernel/arch/arch.hpp"
#include "guest_kernel/base/vector.hpp"

namespace astra::mm {

/// True when [start, start+length) lies in the program half.
constexpr bool is_user_range(UserAddr start, u64 length) {
    return start.raw() <= arch::kUserEnd && length <= arch::kUserEnd - start.raw();
}
/// Whole-range copies: EFAULT when any byte cannot be reached.
Result<void> copy_in(std::span<u8> to, UserAddr from);
Result<void> copy_out(UserAddr to, std::span<const u8> from);
/// Copies as much as can be reached; EFAULT only when nothing could.
Result<usize> copy_in_some(std::span<u8> to, UserAddr from);
Result<usize> copy_out_some(UserAddr to, std::span<const u8> from);

/// Reads one T. Errors: EFAULT.
template <class T, abi::Direction D>
requires(D != abi::Direction::Out) Result<T> read(abi::UserPtr<T, D> from) {
    T value;
    TRY(copy_in({reinterpret_cast<u8*>(&value), sizeof value}, from.address()));
    return value;
}
/// Writes one T. Errors: EFAULT.
template <class T, abi::Direction D>
requires(D != abi::Direction::In) Result<void> write(abi::UserPtr<T, D> to, const T& value) {
    static_assert(std::has_unique_object_representations_v<T> || !std::is_class_v<T> || sizeof(T) > 0);
    return copy_out(to.address(), {reinterpret_cast<const u8*>(&value), sizeof value});
}
/// Writes one T unless the pointer is null (optional outputs).
template <class T, abi::Direction D>
requires(D != abi::Direction::In) Result<void> write_if(abi::UserPtr<T, D> to, const T& value) {
    return to.is_null() ? Result<void>{} : write(to, value);
}
template <class T, abi::Direction D>
requires(D != abi::Direction::Out) Result<void> read_array(abi::UserPtr<T, D> from, std::span<T> to) {
    return copy_in({reinterpret_cast<u8*>(to.data()), to.size_bytes()}, from.address());
}
template <class T, abi::Direction D>
requires(D != abi::Direction::In) Result<void> write_array(abi::UserPtr<T, D> to, std::span<const T> from) {
    return copy_out(to.address(), {reinterpret_cast<const u8*>(from.data()), from.size_bytes()});
}
/// A NUL-terminated string of at most `limit` bytes, terminator included. Errors: EFAULT; `too_long` when it
/// has none.
Result<String> read_string(abi::UserString from, usize limit, Errno too_long);
/// A path: PATH_MAX bytes, ENAMETOOLONG.
Result<String> read_path(abi::UserString from);

}  // namespace astra::mm
