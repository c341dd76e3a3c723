// Bringing the network device up, and its address from the command line.
#include <optional>
#include <string_view>

#include "guest_kernel/base/format.hpp"
#include "guest_kernel/drivers/command_line.hpp"
#include "guest_kernel/drivers/log.hpp"
#include "guest_kernel/drivers/virtio_net.hpp"
#include "guest_kernel/fs/vfs.hpp"
#include "guest_kernel/net/inet/lease.hpp"

namespace astra::net {

namespace {

using inet::IpAddress;

std::optional<IpAddress> take_address(std::string_view& text) {
    u32 value = 0;
    for (int i = 0; i < 4; i++) {
        if (i > 0) {
            if (!text.starts_with('.')) return std::nullopt;
            text.remove_prefix(1);
        }
        auto byte = take_number(text);
        if (!byte || *byte > 255) return std::nullopt;
        value = value << 8 | static_cast<u32>(*byte);
    }
    return IpAddress::v4(value);
}

Result<void> configure(inet::Link& link, std::string_view words) {
    auto address = take_address(words);
    if (!address || !words.starts_with('/')) return fail(Errno::kEINVAL);
    words.remove_prefix(1);
    auto prefix = take_number(words);
    if (!prefix || *prefix > 32) return fail(Errno::kEINVAL);
    return with_stack([&](inet::Stack& stack) -> Result<void> {
        TRY(stack.add_address(link, *address, static_cast<u32>(*prefix)));
        if (words.empty()) return {};
        words.remove_prefix(1);
        auto gateway = take_address(words);
        if (!gateway) return fail(Errno::kEINVAL);
        return stack.routes.add({IpAddress::v4(0), 0, *gateway, &link});
    });
}

/// The link-local address that follows from the hardware's (RFC 4291, 2.5.6 and appendix A).
IpAddress link_local(const inet::MacAddress& mac) {
    const u8* m = mac.bytes;
    const u8 bytes[16] = {0xfe, 0x80, 0,    0,    0,    0,    0,   0, static_cast<u8>(m[0] ^ 2),
                          m[1], m[2], 0xff, 0xfe, m[3], m[4], m[5]};
    return IpAddress::v6(bytes);
}

/// Answers the name server that DHCP told; unspecified: none.
IpAddress bring_up() {
    auto link = virtio::start_network_device();
    if (!link) {
        if (link.error() != Errno::kENODEV)
            log(LogLevel::Error, "the network device does not start: %s",
                abi::errno_name(static_cast<int>(link.error())));
        return {};
    }
    const IpAddress own = link_local((*link)->mac);
    if (auto added = with_stack([&](inet::Stack& stack) { return stack.add_address(**link, own, 64); });
        !added)
        log(LogLevel::Error, "eth0 has no link-local address: %s",
            abi::errno_name(static_cast<int>(added.error())));
    if (auto words = command_line_value("astra.ip")) {
        if (auto configured = configure(**link, *words); !configured)
            log(LogLevel::Error, "astra.ip=%.*s: %s", static_cast<int>(words->size()), words->data(),
                abi::errno_name(static_cast<int>(configured.error())));
        return {};
    }
    auto lease = acquire_lease(**link);
    if (lease) return lease->name_server;
    log(LogLevel::Warning, "eth0 has no address: %s", abi::errno_name(static_cast<int>(lease.error())));
    return {};
}

void provide(std::string_view name, std::string_view text) {
    if (auto written = fs::provide_file("etc", name, text); !written)
        log(LogLevel::Warning, "no /etc/%.*s: %s", static_cast<int>(name.size()), name.data(),
            abi::errno_name(static_cast<int>(written.error())));
}

void provide_names(std::string_view server) {
    char text[64];
    const usize length =
        format_to(text, sizeof text, "nameserver %.*s\n", static_cast<int>(server.size()), server.data());
    if (length >= sizeof text) return log(LogLevel::Error, "the name server's address is too long");
    provide("resolv.conf", {text, length});
    provide("hosts", "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n");
}

struct Once {
    bool done = false;
};
sched::MutexLocked<Once, sched::Rank::Pipe> once;
std::atomic<bool> started{false};

}  // namespace

void provide_resolver() {
    if (auto server = command_line_value("astra.dns")) provide_names(*server);
}

void start_network() {
    if (started.load(std::memory_order_acquire)) return;
    IpAddress name_server;
    {
        auto guard = once.lock();
        if (guard->done) return;
        name_server = bring_up();
        guard->done = true;
        started.store(true, std::memory_order_release);
    }
    if (!name_server.is_v4() || name_server.is_unspecified()) return;
    const u32 a = name_server.v4();
    char text[16];
    const usize length =
        format_to(text, sizeof text, "%u.%u.%u.%u", a >> 24, a >> 16 & 255, a >> 8 & 255, a & 255);
    provide_names({text, length});
}

}  // namespace astra::net
