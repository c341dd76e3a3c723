// UTF-8 (RFC 3629, section 4: the table of well-formed sequences).
#include "guest_runtime/text/utf8.hpp"

namespace astra::text {

bool is_utf8(std::string_view text) {
    for (usize i = 0; i < text.size();) {
        u8 first = static_cast<u8>(text[i++]);
        if (first < 0x80) continue;
        int more = first >= 0xc2 && first <= 0xdf   ? 1
                   : first >= 0xe0 && first <= 0xef ? 2
                   : first >= 0xf0 && first <= 0xf4 ? 3
                                                    : 0;
        if (more == 0) return false;
        u8 low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
        u8 high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
        for (; more > 0; more--, low = 0x80, high = 0xbf) {
            if (i == text.size()) return false;
            u8 next = static_cast<u8>(text[i++]);
            if (next < low || next > high) return false;
        }
    }
    return true;
}

}  // namespace astra::text
