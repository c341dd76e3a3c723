// DHCP messages.
#include "guest_kernel/net/stack/dhcp.hpp"

#include <initializer_list>

namespace astra::inet::dhcp {

namespace {

// Offsets in a message (RFC 2131, figure 1).
constexpr usize kTransaction = 4, kFlags = 10, kYourAddress = 16, kHardwareAddress = 28, kCookie = 236,
                kOptions = 240,
                kMessageBytes = 300;  // some servers drop shorter ones, as BOOTP had them
constexpr u32 kCookieValue = 0x6382'5363;
enum Option : u8 {
    kPad = 0,
    kSubnetMask = 1,
    kRouter = 3,
    kNameServer = 6,
    kRequestedAddress = 50,
    kMessageType = 53,
    kServerId = 54,
    kParameters = 55,
    kEnd = 255,
};

}  // namespace

Result<Own<Packet>> compose(const MacAddress& mac, u32 transaction, const Lease* offer) {
    Own<Packet> message = TRY(Packet::make(kMessageBytes));
    u8* at = message->data();
    __builtin_memset(at, 0, kMessageBytes);
    at[0] = 1, at[1] = 1, at[2] = 6;  // a request, over Ethernet
    store32(at + kTransaction, transaction);
    store16(at + kFlags, 0x8000);  // answer by broadcast
    __builtin_memcpy(at + kHardwareAddress, mac.bytes, sizeof mac.bytes);
    store32(at + kCookie, kCookieValue);
    u8* option = at + kOptions;
    auto put = [&option](u8 code, std::initializer_list<u8> value) {
        *option++ = code;
        *option++ = static_cast<u8>(value.size());
        for (u8 byte : value) *option++ = byte;
    };
    auto put_address = [&option](u8 code, const IpAddress& address) {
        option[0] = code, option[1] = 4;
        store32(option + 2, address.v4());
        option += 6;
    };
    put(kMessageType, {static_cast<u8>(offer ? Kind::Request : Kind::Discover)});
    if (offer) {
        put_address(kRequestedAddress, offer->address);
        if (!offer->server.is_unspecified()) put_address(kServerId, offer->server);
    }
    put(kParameters, {kSubnetMask, kRouter, kNameServer});
    *option = kEnd;
    return message;
}

bool parse(std::span<const u8> message, const MacAddress& mac, u32 transaction, Lease& out) {
    if (message.size() < kOptions || message[0] != 2 || load32(&message[kTransaction]) != transaction ||
        load32(&message[kCookie]) != kCookieValue ||
        __builtin_memcmp(&message[kHardwareAddress], mac.bytes, sizeof mac.bytes) != 0)
        return false;
    out = {};
    out.address = IpAddress::v4(load32(&message[kYourAddress]));
    std::span<const u8> options = message.subspan(kOptions);
    while (!options.empty() && options[0] != kEnd) {
        if (options[0] == kPad) {
            options = options.subspan(1);
            continue;
        }
        if (options.size() < 2 || options[1] + 2u > options.size()) break;
        const u8 code = options[0], length = options[1];
        const u8* value = &options[2];
        if (code == kMessageType && length == 1) out.kind = static_cast<Kind>(value[0]);
        if (length >= 4) {
            const u32 word = load32(value);
            if (code == kSubnetMask) out.prefix = static_cast<u32>(__builtin_popcount(word));
            if (code == kRouter) out.gateway = IpAddress::v4(word);
            if (code == kNameServer) out.name_server = IpAddress::v4(word);
            if (code == kServerId) out.server = IpAddress::v4(word);
        }
        options = options.subspan(2u + length);
    }
    return out.kind == Kind::Offer || out.kind == Kind::Ack || out.kind == Kind::Nak;
}

}  // namespace astra::inet::dhcp
