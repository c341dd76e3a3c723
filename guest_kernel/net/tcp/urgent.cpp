// Urgent data (RFC 9293, 3.8.5; RFC 6093), as Linux has it: the pointer means the byte behind the urgent one
// (net.ipv4.tcp_stdurg is 0), and one byte at a time is kept out of line.
#include "guest_kernel/net/tcp/connection.hpp"

namespace astra::inet::tcp {

/// Every segment before the urgent byte says where it is, as far as 16 bits can.
void Connection::mark_urgent(Header& header) const {
    if (!sends_urgent() || !before(header.sequence, send_urgent_)) return;
    const u32 distance = send_urgent_ - header.sequence;
    if (distance > 0xffff && !after(header.sequence + 0xffff, next_)) return;
    header.flags |= kUrg;
    header.urgent = static_cast<u16>(distance < 0xffff ? distance : 0xffff);
}

/// Takes note of a segment's urgent pointer, and of the urgent byte when the segment has it.
void Connection::note_urgent(const Packet& packet, const Header& header) {
    using enum UrgentMark::State;
    const u32 at = header.sequence + header.urgent - (header.urgent != 0);
    const bool told = header.flags & kUrg && !before(at, receive_next_) &&
                      (urgent_.state == None || after(at, urgent_.sequence));
    if (told) {
        // The last byte read was followed by an urgent one, which nobody will ask for any more.
        if (urgent_.state != None && !settings_.urgent_inline && bytes_to_mark() == 0 && received_bytes_ > 0)
            consume(1);
        urgent_ = {.state = Awaited, .byte = 0, .sequence = at};
        notify(kUrgentChange);
    }
    if (urgent_.state != Awaited) return;
    const u32 offset = urgent_.sequence - header.sequence;
    if (offset >= packet.size()) return;
    urgent_.byte = packet.data()[offset];
    urgent_.state = There;
    notify(kReadableChange);
}

u32 Connection::bytes_to_mark(u32 skip) const {
    const u32 from = read_next() + skip;
    const bool ahead = urgent_.state != UrgentMark::State::None && !before(urgent_.sequence, from);
    return ahead ? urgent_.sequence - from : ~u32{0};
}

}  // namespace astra::inet::tcp
