// Networks as people write them.
#include <arpa/inet.h>
#include <fmt/format.h>

#include <charconv>

#include "vmm/net/backend.hpp"

namespace astra::vmm::net {
namespace {

std::unexpected<Error> refuse(std::string reason) {
    return fail(Code::InvalidArgument, std::move(reason),
                "--net user[,host-loopback], tap=NAME[,ip=ADDRESS/PREFIX[,gateway=ADDRESS]] or none; -p "
                "[ADDRESS:]HOST:GUEST[/udp]");
}

Result<u32> parse_address(const std::string& text) {
    in_addr address;
    if (::inet_pton(AF_INET, text.c_str(), &address) != 1)
        return refuse(fmt::format("'{}' is not an address", text));
    return ntohl(address.s_addr);
}

Result<u16> parse_port(std::string_view text) {
    u16 port = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc() || end != text.data() + text.size() || port == 0)
        return refuse(fmt::format("'{}' is not a port", text));
    return port;
}

Result<Forward> parse_forward(std::string_view text) {
    Forward forward;
    const std::string whole(text);
    if (text.ends_with("/udp")) {
        forward.udp = true;
        text.remove_suffix(4);
    } else if (text.ends_with("/tcp")) {
        text.remove_suffix(4);
    }
    const usize last = text.rfind(':');
    if (last == text.npos) return refuse(fmt::format("'{}' does not say which port leads to which", whole));
    forward.guest_port = TRY(parse_port(text.substr(last + 1)));
    text = text.substr(0, last);
    const usize colon = text.rfind(':');
    if (colon != text.npos) {
        forward.host_address = TRY(parse_address(std::string(text.substr(0, colon))));
        text = text.substr(colon + 1);
    }
    forward.host_port = TRY(parse_port(text));
    return forward;
}

Result<void> parse_tap(std::string_view words, Config& config) {
    for (bool first = true; !words.empty(); first = false) {
        const usize comma = words.find(',');
        std::string_view word = words.substr(0, comma);
        words = comma == words.npos ? std::string_view{} : words.substr(comma + 1);
        if (first) {
            config.tap = word;
        } else if (word.starts_with("ip=")) {
            config.guest_address = word.substr(3);
            const usize slash = config.guest_address.find('/');
            if (slash == std::string::npos) return refuse("ip= needs a prefix length, as 10.1.0.2/24");
            (void)TRY(parse_address(config.guest_address.substr(0, slash)));
            if (TRY(parse_port(std::string_view(config.guest_address).substr(slash + 1))) > 32)
                return refuse("a prefix has at most 32 bits");
        } else if (word.starts_with("gateway=")) {
            config.gateway = word.substr(8);
            (void)TRY(parse_address(config.gateway));
        } else {
            return refuse(fmt::format("'{}' is not known", word));
        }
    }
    if (!config.gateway.empty() && config.guest_address.empty()) return refuse("gateway= needs ip=");
    return {};
}

}  // namespace

Result<Config> parse_config(std::string_view network, std::span<const std::string> forwards) {
    Config config;
    if (network == "user" || network == "user,host-loopback") {
        config.kind = Config::Kind::User;
        config.host_loopback = network != "user";
    } else if (network.starts_with("tap=")) {
        config.kind = Config::Kind::Tap;
        TRY(parse_tap(network.substr(4), config));
    } else if (network != "none") {
        return refuse(fmt::format("there is no network '{}'", network));
    }
    if (!forwards.empty() && config.kind != Config::Kind::User) return refuse("-p needs --net user");
    for (const std::string& text : forwards) config.forwards.push_back(TRY(parse_forward(text)));
    return config;
}

std::string address_text(u32 address) {
    return fmt::format("{}.{}.{}.{}", address >> 24, address >> 16 & 255, address >> 8 & 255, address & 255);
}

std::string kernel_words(const Config& config) {
    switch (config.kind) {
        case Config::Kind::User:
            return fmt::format("astra.ip={}/24,{} astra.dns={}", address_text(kUserGuest),
                               address_text(kUserGateway), address_text(kUserNameServer));
        case Config::Kind::Tap:
            if (config.guest_address.empty()) return {};
            return fmt::format("astra.ip={}{}{}", config.guest_address, config.gateway.empty() ? "" : ",",
                               config.gateway);
        case Config::Kind::None: break;
    }
    return {};
}

}  // namespace astra::vmm::net
