// The program's arguments.
#pragma once
#include <span>
#include <string_view>

#include "guest_kernel/base/types.hpp"

namespace astra::args {

/// How many there are, the program's name included.
usize count();
/// Argument `i` (0: the program's name); panics when there is none.
std::string_view at(usize i);

/// All of them in order: `for (std::string_view a : args::all()) …`. The text lives as long as the program.
class Args {
  public:
    class Iterator {
      public:
        explicit Iterator(usize at) : at_(at) {}
        std::string_view operator*() const { return args::at(at_); }
        Iterator& operator++() { return at_++, *this; }
        bool operator==(const Iterator&) const = default;

      private:
        usize at_;
    };
    [[nodiscard]] Iterator begin() const { return Iterator(0); }
    [[nodiscard]] Iterator end() const { return Iterator(count()); }
};
inline Args all() { return {}; }

}  // namespace astra::args
