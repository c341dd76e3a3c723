// TRY: unwraps a std::expected or returns its error to the caller.
#pragma once
#include <expected>
#include <utility>

/// Evaluates to the value of `expr` (a std::expected); on error returns that error from the enclosing
/// function.
#define TRY(expr)                                                  \
    ({                                                             \
        auto&& astra_try_ = (expr);                                \
        if (!astra_try_.has_value()) [[unlikely]]                  \
            return std::unexpected(std::move(astra_try_.error())); \
        *std::move(astra_try_);                                    \
    })
