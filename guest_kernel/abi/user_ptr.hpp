// User pointers as system calls receive them: typed, knowing their direction, never dereferenced.
// The kernel copies through them with mm/user_copy.hpp; the runtime's stubs accept plain pointers in their
// place.
#pragma once
#include <type_traits>

#include "guest_kernel/base/types.hpp"

namespace astra::abi {

enum class Direction { In, Out, InOut };

/// `count`-less pointer to T in the calling program. Arithmetic is in elements; comparison only with null.
template <class T, Direction D>
class UserPtr {
  public:
    using Type = T;
    static constexpr Direction kDirection = D;
    static_assert(std::is_trivially_copyable_v<T> && std::is_standard_layout_v<T>);

    constexpr UserPtr() = default;
    constexpr explicit UserPtr(UserAddr address) : address_(address) {}
    [[nodiscard]] constexpr UserAddr address() const { return address_; }
    [[nodiscard]] constexpr bool is_null() const { return address_.is_null(); }
    [[nodiscard]] constexpr UserPtr operator+(u64 n) const { return UserPtr(address_ + n * sizeof(T)); }
    /// The same bytes seen as another type: for calls whose argument's type depends on another (ioctl,
    /// fcntl).
    template <class U>
    [[nodiscard]] constexpr UserPtr<U, D> as() const {
        return UserPtr<U, D>(address_);
    }

  private:
    UserAddr address_;
};

template <class T>
using In = UserPtr<T, Direction::In>;
template <class T>
using Out = UserPtr<T, Direction::Out>;
template <class T>
using InOut = UserPtr<T, Direction::InOut>;

/// A NUL-terminated string in the program: a path when the argument is called path, old_path, new_path, …
class UserString {
  public:
    constexpr UserString() = default;
    constexpr explicit UserString(UserAddr address) : address_(address) {}
    [[nodiscard]] constexpr UserAddr address() const { return address_; }
    [[nodiscard]] constexpr bool is_null() const { return address_.is_null(); }

  private:
    UserAddr address_;
};

}  // namespace astra::abi
