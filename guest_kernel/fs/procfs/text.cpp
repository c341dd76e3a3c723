// Text in the making.
#include "guest_kernel/fs/procfs/text.hpp"

namespace astra::fs {

void Text::append(std::string_view text) {
    if (!text_.append(text)) failed_ = true;
}

void Text::add(const char* format, ...) {
    char line[256];
    va_list arguments;
    va_start(arguments, format);
    va_list again;
    va_copy(again, arguments);
    usize length = format_to_v(line, sizeof line, format, arguments);
    va_end(arguments);
    if (length < sizeof line) {
        append({line, length});
    } else {
        usize before = text_.size();
        if (text_.resize(before + length + 1)) {
            format_to_v(text_.data() + before, length + 1, format, again);
            (void)text_.resize(before + length);  // shorter: cannot fail
        } else {
            failed_ = true;
        }
    }
    va_end(again);
}

void Text::append_escaped(std::string_view text) {
    for (char c : text) {
        if (c == ' ' || c == '\t' || c == '\n' || c == '\\')
            add("\\%03o", static_cast<unsigned>(static_cast<u8>(c)));
        else
            append({&c, 1});
    }
}

Result<String> Text::take() {
    if (failed_) return fail(Errno::kENOMEM);
    return std::move(text_);
}

}  // namespace astra::fs
