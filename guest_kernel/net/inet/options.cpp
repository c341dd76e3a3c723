// Options of Internet sockets: levels IPPROTO_IP, IPPROTO_IPV6 and IPPROTO_TCP (ip(7), ipv6(7), tcp(7)).
#include <algorithm>

#include "guest_kernel/net/inet/tcp_socket.hpp"

namespace astra::net {

namespace {

constexpr int kSocketLevel = 1, kIpLevel = 0, kIpv6Level = 41;
constexpr int kTypeOfService = 1, kTtl = 2, kReceiveErrors = 11;                            // IP_*
constexpr int kUnicastHops = 16, kReceiveErrors6 = 25, kOnlyIpv6 = 26, kTrafficClass = 67;  // IPV6_*
constexpr int kDefaultTtl = 64;

template <class T>
Result<usize> answer(std::span<u8> to, const T& value) {
    const usize length = std::min(to.size(), sizeof value);
    __builtin_memcpy(to.data(), &value, length);
    return length;
}
/// An int; a byte will do (ip(7)).
Result<int> number_in(std::span<const u8> value) {
    if (value.empty()) return fail(Errno::kEINVAL);
    if (value.size() < sizeof(int)) return int{value[0]};
    int result;
    __builtin_memcpy(&result, value.data(), sizeof result);
    return result;
}

using inet::tcp::Settings;

/// TCP options that are a number, or on or off.
struct Row {
    int option;
    int low, high;  // what may be set; high 1: anything, as on or off
    int (*get)(const Settings&);
    void (*set)(Settings&, int);
};
template <auto member>
constexpr Row row(int option, int low, int high) {
    return {option, low, high, [](const Settings& s) { return static_cast<int>(s.*member); },
            [](Settings& s, int value) {
                s.*member = static_cast<std::remove_reference_t<decltype(s.*member)>>(value);
            }};
}
constexpr Row kRows[] = {
    row<&Settings::no_delay>(1, 0, 1),                    // TCP_NODELAY
    row<&Settings::max_segment>(2, 88, 32767),            // TCP_MAXSEG
    row<&Settings::cork>(3, 0, 1),                        // TCP_CORK
    row<&Settings::keep_idle_s>(4, 1, 32767),             // TCP_KEEPIDLE
    row<&Settings::keep_interval_s>(5, 1, 32767),         // TCP_KEEPINTVL
    row<&Settings::keep_probes>(6, 1, 127),               // TCP_KEEPCNT
    row<&Settings::syn_retries>(7, 1, 127),               // TCP_SYNCNT
    row<&Settings::quick_ack>(12, 0, 1),                  // TCP_QUICKACK
    row<&Settings::user_timeout_ms>(18, 0, 0x7fff'ffff),  // TCP_USER_TIMEOUT
};
constexpr int kMaxSegment = 2, kInfo = 11, kCongestion = 13;

/// The first part of struct tcp_info (linux/tcp.h).
struct TcpInfo {
    u8 state, ca_state, retransmits, probes, backoff, options, window_scales, flags;
    u32 rto_us, ato_us, send_mss, receive_mss, unacked, sacked, lost, retransmitted, fackets;
    u32 last_data_sent_ms, last_ack_sent_ms, last_data_received_ms, last_ack_received_ms;
    u32 pmtu, receive_threshold, rtt_us, rtt_variation_us, send_threshold, congestion_window, advertised_mss,
        reordering;
    u32 receive_rtt_us, receive_space, total_retransmitted;
};
static_assert(sizeof(TcpInfo) == 104);

TcpInfo info_of(const inet::tcp::Connection& c, bool listening) {
    TcpInfo info{};
    info.state = static_cast<u8>(listening ? inet::tcp::State::Listen : c.state());
    info.options = static_cast<u8>(c.uses_timestamps() | c.uses_sack() << 1 | c.uses_shift() << 2);
    info.window_scales = static_cast<u8>(c.send_shift() | c.receive_shift() << 4);
    info.backoff = static_cast<u8>(c.round_trip().backoff());
    info.rto_us = static_cast<u32>(c.round_trip().timeout() / 1000);
    info.send_mss = info.advertised_mss = c.segment_size();
    info.rtt_us = static_cast<u32>(c.round_trip().smoothed() / 1000);
    info.rtt_variation_us = static_cast<u32>(c.round_trip().variation() / 1000);
    info.congestion_window = c.congestion().window() / std::max(c.segment_size(), 1u);
    info.send_threshold = c.congestion().threshold() == ~0u
                              ? 0x7fff'ffff
                              : c.congestion().threshold() / std::max(c.segment_size(), 1u);
    info.total_retransmitted = c.retransmitted();
    return info;
}

}  // namespace

Result<void> InetSocket::set_option(int level, int option, std::span<const u8> value) {
    if (level == kSocketLevel) {
        TRY(Socket::set_option(level, option, value));
    } else if (level == protocol()) {
        return set_protocol_option(option, value);
    } else if (level == kIpLevel || (level == kIpv6Level && family() == kInet6)) {
        const int set = TRY(number_in(value));
        const bool v4 = level == kIpLevel;
        if (option == (v4 ? kTtl : kUnicastHops)) {
            if (set != -1 && (set < (v4 ? 1 : 0) || set > 255)) return fail(Errno::kEINVAL);
            ttl_ = set;
        } else if (option == (v4 ? kTypeOfService : kTrafficClass)) {
            traffic_class_ = set & 0xff;
        } else if (option == (v4 ? kReceiveErrors : kReceiveErrors6)) {
            receive_errors_ = set != 0;
        } else if (!v4 && option == kOnlyIpv6) {
            const bool named = with_stack([this](inet::Stack&) { return bound().local.port != 0; });
            if (named) return fail(Errno::kEINVAL);
            only_ipv6_ = set != 0;
        } else {
            return fail(Errno::kENOPROTOOPT);
        }
    } else {
        return fail(Errno::kENOPROTOOPT);
    }
    with_stack([this](inet::Stack&) { apply(); });
    return {};
}

Result<usize> InetSocket::get_option(int level, int option, std::span<u8> value) {
    if (level == kSocketLevel) return Socket::get_option(level, option, value);
    if (level == protocol()) return get_protocol_option(option, value);
    const bool v4 = level == kIpLevel, v6 = level == kIpv6Level && family() == kInet6;
    if (!v4 && !v6) return fail(Errno::kENOTSUP);
    if (option == (v4 ? kTtl : kUnicastHops)) return answer(value, ttl_ < 0 ? kDefaultTtl : ttl_);
    if (option == (v4 ? kTypeOfService : kTrafficClass)) return answer(value, traffic_class_);
    if (option == (v4 ? kReceiveErrors : kReceiveErrors6)) return answer(value, int{receive_errors_});
    if (v6 && option == kOnlyIpv6) return answer(value, int{only_ipv6_});
    return fail(Errno::kENOPROTOOPT);
}

Result<void> InetSocket::set_protocol_option(int, std::span<const u8>) { return fail(Errno::kENOPROTOOPT); }
Result<usize> InetSocket::get_protocol_option(int, std::span<u8>) { return fail(Errno::kENOPROTOOPT); }

Result<void> TcpSocket::set_protocol_option(int option, std::span<const u8> value) {
    if (option == kCongestion) {
        std::string_view name(reinterpret_cast<const char*>(value.data()), value.size());
        name = name.substr(0, name.find('\0'));
        return name == "cubic" ? Result<void>{} : fail(Errno::kENOENT);
    }
    if (value.size() < sizeof(int)) return fail(Errno::kEINVAL);
    const int set = TRY(number_in(value));
    for (const Row& row : kRows) {
        if (row.option != option) continue;
        if (row.high > 1 && (set < row.low || set > row.high)) return fail(Errno::kEINVAL);
        StackGuard stack;
        row.set(settings_, row.high == 1 ? set != 0 : set);
        apply();
        return {};
    }
    return fail(Errno::kENOPROTOOPT);
}

Result<usize> TcpSocket::get_protocol_option(int option, std::span<u8> value) {
    StackGuard stack;
    if (option == kInfo) return answer(value, info_of(*connection_, static_cast<bool>(listener_)));
    if (option == kCongestion) return answer(value, "cubic\0\0\0\0\0\0\0\0\0\0");
    if (option == kMaxSegment && (connection_->state() != State::Closed || !settings_.max_segment))
        return answer(value, static_cast<int>(connection_->segment_size()));
    for (const Row& row : kRows)
        if (row.option == option) return answer(value, row.get(settings_));
    return fail(Errno::kENOPROTOOPT);
}

}  // namespace astra::net
