// DNS on the wire. What a server sends is not trusted: every length is checked.
#include "guest_runtime/net/dns_message.hpp"

#include <algorithm>

#include "guest_runtime/text/text.hpp"

namespace astra::net {

namespace {

std::unexpected<io::Error> malformed() {
    return io::failure(io::ErrorKind::InvalidData, "malformed answer of a name server");
}

/// Reads big-endian fields from front to back.
class Reader {
  public:
    explicit Reader(std::span<const u8> bytes) : bytes_(bytes) {}
    io::Result<u16> u16be() {
        auto b = TRY(take(2));
        return static_cast<u16>(b[0] << 8 | b[1]);
    }
    io::Result<std::span<const u8>> take(usize count) {
        if (bytes_.size() < count) return malformed();
        auto taken = bytes_.first(count);
        bytes_ = bytes_.subspan(count);
        return taken;
    }
    /// A name is skipped: labels up to an empty one or a pointer to earlier labels (RFC 1035, 4.1.4).
    io::Result<void> skip_name() {
        for (;;) {
            u8 length = TRY(take(1))[0];
            if (length == 0) return {};
            if ((length & 0xc0) == 0xc0) {
                TRY(take(1));
                return {};
            }
            if (length > 63) return malformed();
            TRY(take(length));
        }
    }

  private:
    std::span<const u8> bytes_;
};

io::Result<void> put16(Vector<u8>& to, u16 value) {
    TRY(to.push_back(static_cast<u8>(value >> 8)));
    TRY(to.push_back(static_cast<u8>(value)));
    return {};
}

}  // namespace

io::Result<Vector<u8>> make_query(u16 id, std::string_view name, DnsType type) {
    auto invalid = [] { return io::failure(io::ErrorKind::InvalidInput, "invalid host name"); };
    if (name.ends_with('.')) name.remove_suffix(1);
    if (name.empty() || name.size() > 253) return invalid();
    Vector<u8> message;
    constexpr u16 kRecursionDesired = 0x0100, kInternet = 1;
    for (u16 field : {id, kRecursionDesired, u16{1}, u16{0}, u16{0}, u16{0}}) TRY(put16(message, field));
    for (std::string_view label : text::Split(name, '.')) {
        if (label.empty() || label.size() > 63) return invalid();
        TRY(message.push_back(static_cast<u8>(label.size())));
        TRY(message.append({reinterpret_cast<const u8*>(label.data()), label.size()}));
    }
    TRY(message.push_back(0));
    TRY(put16(message, static_cast<u16>(type)));
    TRY(put16(message, kInternet));
    return message;
}

io::Result<Vector<IpAddr>> read_answer(std::span<const u8> message, u16 id, DnsType type) {
    Reader in(message);
    u16 answered = TRY(in.u16be());
    u16 flags = TRY(in.u16be());
    if (answered != id || !(flags & 0x8000)) return malformed();
    u16 code = flags & 0xf;
    if (code == 3) return io::failure(io::ErrorKind::NotFound, "no such host");
    if (code != 0) return io::failure(io::ErrorKind::Other, "the name server failed");
    u16 questions = TRY(in.u16be());
    u16 answers = TRY(in.u16be());
    TRY(in.take(4));
    for (; questions > 0; questions--) {
        TRY(in.skip_name());
        TRY(in.take(4));
    }
    Vector<IpAddr> found;
    for (; answers > 0; answers--) {
        TRY(in.skip_name());
        u16 record = TRY(in.u16be());
        TRY(in.take(6));  // class, time to live
        u16 length = TRY(in.u16be());
        auto data = TRY(in.take(length));
        if (record != static_cast<u16>(type)) continue;
        if (type == DnsType::A && length == 4)
            TRY(found.push_back(Ipv4Addr(data[0], data[1], data[2], data[3])));
        else if (type == DnsType::Aaaa && length == 16) {
            Ipv6Addr v6;
            std::copy(data.begin(), data.end(), v6.octets.begin());
            TRY(found.push_back(v6));
        } else
            return malformed();
    }
    return found;
}

}  // namespace astra::net
