// The kernel's own symbols, for backtraces: a table the build writes into section .astra_symbols after
// linking.
#pragma once
#include <string_view>

#include "guest_kernel/base/types.hpp"

namespace astra {

struct Symbol {
    std::string_view name;  // demangled; empty when unknown
    u64 offset = 0;         // bytes into the function
};
/// The function that `address` lies in.
Symbol find_symbol(u64 address);

}  // namespace astra
