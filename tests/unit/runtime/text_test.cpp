// Text, numbers, buffers and the heap's size classes.
#include "guest_runtime/text/text.hpp"

#include <gtest/gtest.h>

#include "guest_runtime/alloc/size_class.hpp"
#include "guest_runtime/env/env.hpp"
#include "guest_runtime/io/buffered.hpp"
#include "guest_runtime/io/cursor.hpp"
#include "guest_runtime/os/panic.hpp"

namespace astra {
namespace {

TEST(Text, ParsesWhatFits) {
    EXPECT_EQ(*text::parse<u8>("255"), 255);
    EXPECT_FALSE(text::parse<u8>("256"));
    EXPECT_EQ(*text::parse<i8>("-128"), -128);
    EXPECT_FALSE(text::parse<i8>("128"));
    EXPECT_FALSE(text::parse<u32>("-1"));
    EXPECT_EQ(*text::parse<u64>("18446744073709551615"), ~u64{0});
    EXPECT_FALSE(text::parse<u64>("18446744073709551616"));
    EXPECT_EQ(*text::parse<i64>("-9223372036854775808"), INT64_MIN);
    EXPECT_EQ(*text::parse<u32>("ff", 16), 255u);
    for (const char* bad : {"", "+", "-", " 1", "1 ", "1a", "0x1"})
        EXPECT_FALSE(text::parse<i32>(bad)) << bad;
}

TEST(Text, Splits) {
    std::string all;
    for (auto part : text::Split("a,b,,c,", ',')) all += "[" + std::string(part) + "]";
    EXPECT_EQ(all, "[a][b][][c][]");
    EXPECT_EQ(text::split_once("k=v=w", "=")->after, "v=w");
    EXPECT_EQ(text::rsplit_once("k=v=w", "=")->before, "k=v");
    EXPECT_FALSE(text::split_once("kv", "="));
    EXPECT_EQ(text::trim(" \t a b\r\n"), "a b");
    EXPECT_TRUE(text::equal_ignoring_case("Content-Length", "content-LENGTH"));
}

TEST(Text, Utf8) {
    for (auto good : {"", "a", "äö", "€", "\U0001F600", "\xed\x9f\xbf", "\xf4\x8f\xbf\xbf"})
        EXPECT_TRUE(text::is_utf8(good));
    for (auto bad :
         {"\x80", "\xc3", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "\xf8\x88\x80\x80\x80"})
        EXPECT_FALSE(text::is_utf8(bad));
}

TEST(SizeClass, CoversEverySizeTightly) {
    for (usize size = 0; size <= 32768; size++) {
        u32 c = alloc::class_of(size);
        ASSERT_LT(c, alloc::kClasses);
        ASSERT_GE(alloc::class_size(c), size);
        if (c > 0 && size > 0) { ASSERT_LT(alloc::class_size(c - 1), size); }
    }
    EXPECT_EQ(alloc::class_size(alloc::kClasses - 1), 32768u);
}

TEST(Buffered, LinesAcrossSmallBuffers) {
    for (usize capacity : {1, 2, 3, 100}) {
        io::BufReader reader(io::Cursor("one\r\ntwo\n\nlast"), capacity);
        std::string all;
        ASSERT_TRUE(reader.lines([&](std::string_view line) { all += std::string(line) + "|"; }));
        EXPECT_EQ(all, "one|two||last|");
    }
}

TEST(Buffered, WriterKeepsOrder) {
    Vector<u8> to;
    {
        io::BufWriter writer(io::VecWriter(to), 8);
        ASSERT_TRUE(writer.write_all("abc"));
        EXPECT_EQ(to.size(), 0u);
        ASSERT_TRUE(writer.write_all("0123456789"));
        ASSERT_TRUE(writer.write_fmt("{}", 7));
    }
    EXPECT_EQ(io::as_text(to), "abc01234567897");
}

TEST(Cursor, Seeks) {
    io::Cursor c("0123456789");
    EXPECT_EQ(*c.seek(io::SeekFrom::End(-3)), 7u);
    String rest;
    EXPECT_EQ(*c.read_to_string(rest), 3u);
    EXPECT_EQ(rest.view(), "789");
    EXPECT_FALSE(c.seek(io::SeekFrom::Current(-11)));
    EXPECT_EQ(*c.seek(io::SeekFrom::Start(100)), 100u);
    u8 byte;
    EXPECT_EQ(*c.read({&byte, 1}), 0u);
    EXPECT_EQ(c.read_exact({&byte, 1}).error().kind(), io::ErrorKind::UnexpectedEof);
}

TEST(Env, Variables) {
    EXPECT_EQ(unwrap(env::var("HOME")).view(), "/home/x");
    EXPECT_EQ(unwrap(env::var("=odd")).view(), "1");
    ASSERT_TRUE(env::set_var("A", "1"));
    ASSERT_TRUE(env::set_var("A", "2"));
    EXPECT_EQ(unwrap(env::var("A")).view(), "2");
    EXPECT_EQ(unwrap(env::vars()).size(), 3u);
    ASSERT_TRUE(env::remove_var("A"));
    EXPECT_EQ(env::var("A").error().kind(), io::ErrorKind::NotFound);
    EXPECT_FALSE(env::set_var("", "x"));
    EXPECT_FALSE(env::set_var("a=b", "x"));
}

TEST(Error, KindsAndTexts) {
    EXPECT_EQ(io::Error(Errno::kENOENT).kind(), io::ErrorKind::NotFound);
    EXPECT_EQ(io::Error(Errno::kEPERM).kind(), io::ErrorKind::PermissionDenied);
    for (int number = 1; number < 134; number++) {
        auto error = io::Error::from_raw_os_error(number);
        if (abi::errno_name(number)) { EXPECT_EQ(error.message(), strerror(number)) << number; }
        EXPECT_EQ(error.raw_os_error(), number);
    }
    EXPECT_FALSE(io::Error(io::ErrorKind::Other, "x").raw_os_error());
}

}  // namespace
}  // namespace astra
