// URLs (RFC 3986's own examples), HTTP messages, hash maps.
#include "guest_runtime/url/url.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "guest_runtime/container/hash_map.hpp"
#include "guest_runtime/fmt/format.hpp"
#include "guest_runtime/http/message.hpp"
#include "guest_runtime/io/cursor.hpp"
#include "guest_runtime/os/panic.hpp"

namespace astra {
namespace {

std::string text(const url::Url& u) { return std::string(unwrap(format("{}", u)).view()); }

TEST(Url, Parts) {
    auto u = unwrap(url::Url::parse("HTTP://user:pw@Example.COM:8080/a/b?x=1&y#frag"));
    EXPECT_EQ(u.scheme(), "http");
    EXPECT_EQ(u.userinfo(), "user:pw");
    EXPECT_EQ(u.host(), "example.com");
    EXPECT_EQ(u.port(), 8080);
    EXPECT_EQ(u.path(), "/a/b");
    EXPECT_EQ(u.query(), "x=1&y");
    EXPECT_EQ(u.fragment(), "frag");
    EXPECT_EQ(unwrap(u.target()).view(), "/a/b?x=1&y");
    EXPECT_EQ(text(u), "http://user:pw@example.com:8080/a/b?x=1&y#frag");
    auto plain = unwrap(url::Url::parse("http://example.com"));
    EXPECT_EQ(plain.path(), "/");
    EXPECT_EQ(plain.port(), 80);
    EXPECT_EQ(unwrap(plain.authority()).view(), "example.com");
    EXPECT_EQ(unwrap(url::Url::parse("https://[2001:db8::1]:444/")).host(), "2001:db8::1");
    EXPECT_EQ(text(unwrap(url::Url::parse("http://[::1]:80/x"))), "http://[::1]/x");
    for (auto bad :
         {"", "example.com", "http:", "http://", "http:///x", "http://a b/", "http://h:99999/", "http://h:x/",
          "1http://h/", "http://[::g]/", "http://h/\n", "http://[::1]x/", "mailto:a@b"})
        EXPECT_FALSE(url::Url::parse(bad)) << bad;
}

TEST(Url, References) {
    auto base = unwrap(url::Url::parse("http://a/b/c/d;p?q"));
    // RFC 3986, 5.4.1 and 5.4.2.
    const char* cases[][2] = {{"g", "/b/c/g"},
                              {"./g", "/b/c/g"},
                              {"g/", "/b/c/g/"},
                              {"/g", "/g"},
                              {"?y", "/b/c/d;p?y"},
                              {"g?y", "/b/c/g?y"},
                              {"#s", "/b/c/d;p?q#s"},
                              {"g#s", "/b/c/g#s"},
                              {"g?y#s", "/b/c/g?y#s"},
                              {";x", "/b/c/;x"},
                              {"", "/b/c/d;p?q"},
                              {".", "/b/c/"},
                              {"./", "/b/c/"},
                              {"..", "/b/"},
                              {"../g", "/b/g"},
                              {"../..", "/"},
                              {"../../g", "/g"},
                              {"../../../g", "/g"},
                              {"/./g", "/g"},
                              {"/../g", "/g"},
                              {"g.", "/b/c/g."},
                              {"..g", "/b/c/..g"},
                              {"./g/.", "/b/c/g/"},
                              {"g/../h", "/b/c/h"},
                              {"g?y/./x", "/b/c/g?y/./x"}};
    for (auto& [reference, wanted] : cases)
        EXPECT_EQ(text(unwrap(base.join(reference))), std::string("http://a") + wanted) << reference;
    EXPECT_EQ(text(unwrap(base.join("//g"))), "http://g/");
    EXPECT_EQ(text(unwrap(base.join("http://x/y"))), "http://x/y");
}

TEST(Url, PercentCoding) {
    EXPECT_EQ(unwrap(url::percent_encode("a b/ü")).view(), "a%20b%2F%C3%BC");
    EXPECT_EQ(unwrap(url::percent_decode("a%20b%2f%C3%BC")).view(), "a b/ü");
    EXPECT_FALSE(url::percent_decode("%2"));
    EXPECT_FALSE(url::percent_decode("%zz"));
}

auto answer(std::string_view bytes, std::string_view method = "GET", usize buffer = 7) {
    io::BufReader in(io::Cursor(bytes), buffer);
    return http::read_response(in, method);
}

TEST(Http, Bodies) {
    auto r = answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: y\r\n\r\nhelloEXTRA");
    ASSERT_TRUE(r && *r);
    EXPECT_EQ((*r)->status, 200);
    EXPECT_EQ((*r)->reason.view(), "OK");
    EXPECT_EQ((*r)->text(), "hello");
    EXPECT_EQ((*r)->headers.get("x"), "y");
    EXPECT_TRUE((*r)->keep_alive());
    r = answer(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4;ext=1\r\nWiki\r\n5\r\npedia\r\n0\r\nT: "
        "x\r\n\r\n");
    ASSERT_TRUE(r && *r);
    EXPECT_EQ((*r)->text(), "Wikipedia");
    r = answer("HTTP/1.0 404 Not Found\r\n\r\nall of it");
    ASSERT_TRUE(r && *r);
    EXPECT_EQ((*r)->text(), "all of it");
    EXPECT_FALSE((*r)->keep_alive());
    r = answer("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n");
    ASSERT_TRUE(r && *r);
    EXPECT_EQ((*r)->status, 204);
    r = answer("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n", "HEAD");
    ASSERT_TRUE(r && *r);
    EXPECT_TRUE((*r)->body.empty());
    r = answer("");
    ASSERT_TRUE(r);
    EXPECT_FALSE(*r);
}

TEST(Http, RefusesWhatIsNotHttp) {
    using io::ErrorKind;
    const std::pair<const char*, ErrorKind> cases[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort", ErrorKind::UnexpectedEof},
        {"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", ErrorKind::InvalidData},
        {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx", ErrorKind::InvalidData},
        {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
         ErrorKind::InvalidData},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", ErrorKind::InvalidData},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", ErrorKind::InvalidData},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n",
         ErrorKind::InvalidData},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffff\r\n", ErrorKind::InvalidData},
        {"HTTP/2 200\r\n\r\n", ErrorKind::InvalidData},
        {"HTTP/1.1 abc\r\n\r\n", ErrorKind::InvalidData},
        {"HTTP/1.1 200 OK\r\nBad Header: x\r\n\r\n", ErrorKind::InvalidData},
        {"HTTP/1.1 200 OK\r\n folded\r\n\r\n", ErrorKind::InvalidData},
        {"HTTP/1.1 200 OK\r\nX: y\r\n", ErrorKind::UnexpectedEof},
        {"garbage", ErrorKind::UnexpectedEof},
        {"garbage\r\n\r\n", ErrorKind::InvalidData},
    };
    for (auto& [bytes, kind] : cases) {
        auto r = answer(bytes);
        ASSERT_FALSE(r) << bytes;
        EXPECT_EQ(r.error().kind(), kind) << bytes;
    }
    auto endless = answer("HTTP/1.1 200 OK\r\nX: " + std::string(20000, 'x'), "GET", 8192);
    EXPECT_EQ(endless.error().kind(), io::ErrorKind::InvalidData);
    http::Headers headers;
    EXPECT_FALSE(headers.append("X", "a\r\nInjected: 1"));
    EXPECT_FALSE(headers.append("", "a"));
}

TEST(Http, Requests) {
    io::BufReader in(io::Cursor("GET /a?b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), 5);
    auto r = http::read_request(in);
    ASSERT_TRUE(r && *r);
    EXPECT_EQ((*r)->method.view(), "GET");
    EXPECT_EQ((*r)->target.view(), "/a?b");
    EXPECT_FALSE((*r)->keep_alive());
    for (auto bad :
         {"GET /", "GET  HTTP/1.1", "GET / x HTTP/1.1", "G T / HTTP/1.1", " / HTTP/1.1", "GET / HTTP/3"})
        EXPECT_FALSE(http::parse_request_line(bad)) << bad;
}

TEST(HashMap, AgreesWithStdMap) {
    HashMap<u64, u64> mine;
    std::map<u64, u64> model;
    std::mt19937_64 random(11);
    for (int i = 0; i < 50000; i++) {
        u64 key = random() % 500, value = random();
        if (random() % 3) {
            auto before = unwrap(mine.insert(key, value));
            auto it = model.find(key);
            ASSERT_EQ(before.has_value(), it != model.end());
            if (before) { ASSERT_EQ(*before, it->second); }
            model[key] = value;
        } else {
            auto gone = mine.remove(key);
            ASSERT_EQ(gone.has_value(), model.erase(key) == 1);
        }
        ASSERT_EQ(mine.len(), model.size());
    }
    for (auto& [key, value] : mine) {
        ASSERT_EQ(model.at(key), value);
        model.erase(key);
    }
    EXPECT_TRUE(model.empty());
}

TEST(HashMap, TextKeys) {
    HashMap<String, int> ages;
    ASSERT_TRUE(ages.insert(*String::from("Ada"), 36));
    ASSERT_TRUE(ages.insert(*String::from("Grace"), 85));
    ASSERT_NE(ages.get("Ada"), nullptr);
    EXPECT_EQ(*ages.get(std::string_view("Grace")), 85);
    EXPECT_EQ(ages.get("Alan"), nullptr);
    **ages.get_or_insert_with(*String::from("Alan"), [] { return 40; }) += 1;
    EXPECT_EQ(ages.remove("Alan"), 41);
    HashSet<int> set;
    EXPECT_TRUE(*set.insert(1));
    EXPECT_FALSE(*set.insert(1));
    EXPECT_TRUE(set.contains(1));
}

TEST(SipHash, IsSipHash13) {
    // Rust's SipHasher13 with keys 0x0706050403020100, 0x0f0e0d0c0b0a0908 (library/core/tests/hash/sip.rs):
    // the first vectors, for the inputs "", 00 and 00 01.
    const u64 wanted[] = {0xabac0158050fc4dc, 0xc9f49bf37d57ca93, 0x82cb9b024dc7d44d};
    for (usize n = 0; n < 3; n++) {
        const u8 input[] = {0, 1, 2};
        SipHasher hasher({0x0706050403020100, 0x0f0e0d0c0b0a0908});
        hasher.write({input, n});
        EXPECT_EQ(hasher.finish(), wanted[n]) << n;
    }
}

}  // namespace
}  // namespace astra
