// Internet addresses, names of the kernel's, DNS messages.
#include "guest_runtime/net/socket.hpp"

#include <gtest/gtest.h>

#include "guest_runtime/fmt/format.hpp"
#include "guest_runtime/net/dns_message.hpp"
#include "guest_runtime/os/panic.hpp"

#include <arpa/inet.h>

#include <random>

namespace astra::net {
namespace {

template <class T>
std::string text(const T& value) {
    return std::string(unwrap(format("{}", value)).view());
}

TEST(Ip, V4) {
    EXPECT_EQ(text(*parse_ipv4("192.0.2.1")), "192.0.2.1");
    for (auto bad : {"", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.", ".1.2.3", "1.2.3.4 ",
                     "+1.2.3.4", "a.b.c.d"})
        EXPECT_FALSE(parse_ipv4(bad)) << bad;
    EXPECT_TRUE(parse_ipv4("172.31.0.1")->is_private());
    EXPECT_FALSE(parse_ipv4("172.32.0.1")->is_private());
}

TEST(Ip, V6AgreesWithTheCLibrary) {
    for (auto name : {"::", "::1", "1::", "2001:db8::1", "1:2:3:4:5:6:7:8", "1::8", "::ffff:192.0.2.1",
                      "fe80::1:0:0:2", "1:2:3:4:5:6:1.2.3.4", "0:0:1::", "1:0:0:2:0:0:0:3"}) {
        in6_addr wanted;
        ASSERT_EQ(inet_pton(AF_INET6, name, &wanted), 1);
        auto got = parse_ipv6(name);
        ASSERT_TRUE(got) << name;
        EXPECT_EQ(memcmp(got->octets.data(), &wanted, 16), 0) << name;
    }
    for (auto bad : {"", ":", ":::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3",
                     "12345::", "g::", "1:2:3:4:5:6:7::8", "::1.2.3", "1.2.3.4::", "1:", ":1", "::+1",
                     "1:2:3:4:5:6:7:1.2.3.4"}) {
        in6_addr ignored;
        EXPECT_FALSE(parse_ipv6(bad)) << bad;
        EXPECT_NE(inet_pton(AF_INET6, bad, &ignored), 1) << bad;
    }
    std::mt19937 random(3);
    for (int i = 0; i < 5000; i++) {
        Ipv6Addr a;
        for (usize g = 0; g < 8; g++) {
            u16 v = random() % 3 ? 0 : static_cast<u16>(random() >> random() % 16);
            a.octets[2 * g] = static_cast<u8>(v >> 8), a.octets[2 * g + 1] = static_cast<u8>(v);
        }
        std::string shown = text(a);
        auto back = parse_ipv6(shown);
        ASSERT_TRUE(back) << shown;
        ASSERT_EQ(*back, a) << shown;
        if (a.segment(0) == 0 && a.segment(1) == 0 && a.segment(2) == 0 && a.segment(3) == 0 &&
            a.segment(4) == 0)
            continue;
        char wanted[64];
        inet_ntop(AF_INET6, a.octets.data(), wanted, sizeof wanted);
        ASSERT_EQ(shown, wanted);
    }
    EXPECT_EQ(text(*parse_ipv6("::ffff:1.2.3.4")), "::ffff:1.2.3.4");
}

TEST(Ip, SocketAddresses) {
    for (auto name : {"127.0.0.1:80", "[::1]:65535", "[fe80::1%3]:1"})
        EXPECT_EQ(text(*parse_socket_addr(name)), name);
    for (auto bad :
         {"127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "::1:80", "[::1:80", "[::1]80", "x:80", "1.2.3.4:+1"})
        EXPECT_FALSE(parse_socket_addr(bad)) << bad;
    for (auto name : {"10.1.2.3:4660", "[2001:db8::5%7]:513"}) {
        auto address = *parse_socket_addr(name);
        SocketName encoded(address);
        EXPECT_EQ(*encoded.decode(), address);
    }
    SocketName v4(*parse_socket_addr("1.2.3.4:258"));
    sockaddr_in wanted{};
    wanted.sin_family = AF_INET, wanted.sin_port = htons(258), wanted.sin_addr.s_addr = inet_addr("1.2.3.4");
    EXPECT_EQ(v4.length, 16);
    EXPECT_EQ(memcmp(v4.bytes, &wanted, 16), 0);
}

TEST(Dns, QueryIsAsRfc1035HasIt) {
    auto query = unwrap(make_query(0x1234, "a.example.", DnsType::A));
    const u8 wanted[] = {0x12, 0x34, 1,   0,   0,   1,   0,   0,   0, 0, 0, 0, 1, 'a',
                         7,    'e',  'x', 'a', 'm', 'p', 'l', 'e', 0, 0, 1, 0, 1};
    ASSERT_EQ(query.size(), sizeof wanted);
    EXPECT_EQ(memcmp(query.data(), wanted, sizeof wanted), 0);
    EXPECT_FALSE(make_query(1, "", DnsType::A));
    EXPECT_FALSE(make_query(1, "a..b", DnsType::A));
    EXPECT_FALSE(make_query(1, std::string(64, 'x'), DnsType::A));
}

TEST(Dns, AnswersAndHostileBytes) {
    std::vector<u8> answer = {
        0x12, 0x34, 0x81, 0x80, 0, 1, 0, 2, 0, 0, 0, 0, 1,  'a', 0,   0,   1,
        0,    1,    0xc0, 12,   0, 5, 0, 1, 0, 0, 0, 9, 0,  3,   1,   'b', 0,  // an alias
        0xc0, 12,   0,    1,    0, 1, 0, 0, 0, 9, 0, 4, 93, 184, 216, 34};     // its address
    auto found = read_answer(answer, 0x1234, DnsType::A);
    ASSERT_TRUE(found);
    ASSERT_EQ(found->size(), 1u);
    EXPECT_EQ(text((*found)[0]), "93.184.216.34");
    EXPECT_FALSE(read_answer(answer, 0x9999, DnsType::A));
    for (usize size = 0; size < answer.size(); size++)
        EXPECT_FALSE(read_answer({answer.data(), size}, 0x1234, DnsType::A)) << size;
    std::vector<u8> missing = answer;
    missing[3] = 0x83;
    EXPECT_EQ(read_answer(missing, 0x1234, DnsType::A).error().kind(), io::ErrorKind::NotFound);
    std::mt19937 random(5);
    for (int i = 0; i < 20000; i++) {
        std::vector<u8> broken = answer;
        for (int k = 0; k < 3; k++) broken[random() % broken.size()] = static_cast<u8>(random());
        (void)read_answer(broken, 0x1234, DnsType::A);  // whatever it says: no access outside
    }
}

}  // namespace
}  // namespace astra::net
