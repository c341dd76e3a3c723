// Fixed-width names and the strong address types that keep the three address spaces apart.
#pragma once
#include <compare>
#include <cstddef>
#include <cstdint>

namespace astra {

using u8 = std::uint8_t;
using u16 = std::uint16_t;
using u32 = std::uint32_t;
using u64 = std::uint64_t;
using i8 = std::int8_t;
using i16 = std::int16_t;
using i32 = std::int32_t;
using i64 = std::int64_t;
using usize = std::size_t;

inline constexpr usize kPageShift = 12;
inline constexpr usize kPageSize = usize{1} << kPageShift;
inline constexpr usize kHugePageShift = 21;
inline constexpr usize kHugePageSize = usize{1} << kHugePageShift;

/// Rounds `value` down to a multiple of `unit` (a power of two).
constexpr u64 align_down(u64 value, u64 unit) { return value & ~(unit - 1); }
/// Rounds `value` up to a multiple of `unit` (a power of two). Wraps at 2^64 like the addition it is.
constexpr u64 align_up(u64 value, u64 unit) { return (value + unit - 1) & ~(unit - 1); }
constexpr bool is_aligned(u64 value, u64 unit) { return (value & (unit - 1)) == 0; }

/// An address of one kind. Kinds never convert into each other; `raw()` is the one way out.
template <class Tag>
class Address {
  public:
    constexpr Address() = default;
    constexpr explicit Address(u64 raw) : raw_(raw) {}
    [[nodiscard]] constexpr u64 raw() const { return raw_; }
    [[nodiscard]] constexpr bool is_null() const { return raw_ == 0; }
    [[nodiscard]] constexpr Address page() const { return Address(align_down(raw_, kPageSize)); }
    [[nodiscard]] constexpr u64 page_offset() const { return raw_ & (kPageSize - 1); }
    friend constexpr auto operator<=>(Address, Address) = default;
    friend constexpr Address operator+(Address a, u64 n) { return Address(a.raw_ + n); }
    friend constexpr Address operator-(Address a, u64 n) { return Address(a.raw_ - n); }
    friend constexpr u64 operator-(Address a, Address b) { return a.raw_ - b.raw_; }
    constexpr Address& operator+=(u64 n) { return raw_ += n, *this; }

  private:
    u64 raw_ = 0;
};

/// Guest-physical.
using PhysAddr = Address<struct PhysTag>;
/// Guest-virtual in the kernel's half.
using VirtAddr = Address<struct VirtTag>;
/// Guest-virtual in a program's half: only the fault-safe copies of mm/user_copy.hpp may follow it.
using UserAddr = Address<struct UserTag>;

}  // namespace astra
