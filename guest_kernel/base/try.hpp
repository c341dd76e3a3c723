// TRY: unwraps a std::expected or returns its error to the caller.
#pragma once
#include <expected>
#include <utility>

#define ASTRA_TRY_NAMED(expr, name)                          \
    ({                                                       \
        auto&& name = (expr);                                \
        if (!name.has_value()) [[unlikely]]                  \
            return std::unexpected(std::move(name.error())); \
        *std::move(name);                                    \
    })
#define ASTRA_TRY_EXPAND(expr, number) ASTRA_TRY_NAMED(expr, astra_try_##number)
#define ASTRA_TRY_NUMBERED(expr, number) ASTRA_TRY_EXPAND(expr, number)

/// Evaluates to the value of `expr` (a std::expected); on error returns that error from the enclosing
/// function. Nests. Never after another part of the same expression made an object that must be destroyed, as
/// in `Path{mount, TRY(find())}`: g++ does not destroy it when TRY returns from there, so a reference would
/// leak.
#define TRY(expr) ASTRA_TRY_NUMBERED(expr, __COUNTER__)
