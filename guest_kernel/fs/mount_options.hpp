// mount(2)'s data: words like "size=10m,mode=755".
#pragma once
#include <string_view>

#include "guest_kernel/base/result.hpp"
#include "guest_kernel/base/try.hpp"

namespace astra::fs {

/// Calls apply(key, value) for each word; `value` is empty without "=". The first error ends it.
template <class Apply>
Result<void> each_option(std::string_view text, Apply&& apply) {
    while (!text.empty()) {
        std::string_view option = text.substr(0, text.find(','));
        text.remove_prefix(option.size() + (option.size() < text.size()));
        if (option.empty()) continue;
        usize key = option.find('=');
        if (key == std::string_view::npos) key = option.size();
        TRY(apply(option.substr(0, key), option.substr(key + (key < option.size()))));
    }
    return {};
}

/// The number of `base` at the front of `text`, which is taken off it. Errors: EINVAL (no text, too large).
inline Result<u64> take_number(std::string_view& text, u32 base) {
    if (text.empty()) return fail(Errno::kEINVAL);
    u64 value = 0;
    while (!text.empty() && text.front() >= '0' && text.front() < static_cast<char>('0' + base)) {
        if (value > (~u64{0} - 9) / base) return fail(Errno::kEINVAL);
        value = value * base + static_cast<u64>(text.front() - '0');
        text.remove_prefix(1);
    }
    return value;
}
/// All of `text` as a number below `limit`. Errors: EINVAL.
inline Result<u64> whole_number(std::string_view text, u32 base, u64 limit) {
    u64 value = TRY(take_number(text, base));
    return text.empty() && value < limit ? Result<u64>(value) : fail(Errno::kEINVAL);
}

}  // namespace astra::fs
