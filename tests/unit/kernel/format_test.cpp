// The kernel's printf, with the C library's as the oracle; and the command line.
#include "guest_kernel/base/format.hpp"

#include <gtest/gtest.h>

#include <cstdio>

#include "guest_kernel/drivers/command_line.hpp"

namespace astra {
namespace {

template <class... A>
void expect_same(const char* format, A... arguments) {
    char ours[64], theirs[64];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-security"
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    usize length = format_to(ours, sizeof ours, format, arguments...);
    int expected = std::snprintf(theirs, sizeof theirs, format, arguments...);
#pragma GCC diagnostic pop
    EXPECT_STREQ(ours, theirs) << format;
    EXPECT_EQ(length, static_cast<usize>(expected)) << format;
}

TEST(Format, IntegersAsTheCLibrary) {
    for (const char* format : {"%d", "%5d|", "%-5d|", "%05d|", "%+d", "% d", "%.3d", "%8.3d", "%x", "%#x",
                               "%08X", "%o", "%#o", "%u", "%.0d"})
        for (int value : {0, 1, -1, 42, -12345, 2147483647, -2147483647 - 1}) expect_same(format, value);
    for (const char* format : {"%ld", "%20ld", "%lx", "%#lx", "%lu", "%zu", "%llx"})
        for (long value : {0L, -1L, 1L << 62}) expect_same(format, value);
    expect_same("%hhd %hd %hhu", 300, 70000, 300);
}

TEST(Format, TextAsTheCLibrary) {
    expect_same("%s", "text");
    expect_same("%10s|", "text");
    expect_same("%-10s|", "text");
    expect_same("%.2s|", "text");
    expect_same("%*s|", 7, "text");
    expect_same("%.*s|", 3, "text");
    expect_same("%c%c%%", 'a', 'b');
    expect_same("plain");
}

TEST(Format, CutsAtTheEndOfTheBufferAndReportsTheWholeLength) {
    char text[4];
    EXPECT_EQ(format_to(text, sizeof text, "%s", "abcdef"), 6u);
    EXPECT_STREQ(text, "abc");
    EXPECT_EQ(format_to(nullptr, 0, "%d", 12345), 5u);
}

TEST(CommandLine, FindsWordsAndNumbers) {
    set_command_line(
        "astra.cpus=2 quiet virtio_mmio.device=512@0xfeb00e00:12 virtio_mmio.device=1K@16M:5 x=");
    EXPECT_EQ(command_line_value("quiet"), "");
    EXPECT_EQ(command_line_value("x"), "");
    EXPECT_FALSE(command_line_value("astra"));
    EXPECT_FALSE(command_line_value("absent"));
    auto text = command_line_value("virtio_mmio.device");
    ASSERT_TRUE(text);
    EXPECT_EQ(take_number(*text), 512u);
    text->remove_prefix(1);
    EXPECT_EQ(take_number(*text), 0xfeb00e00u);
    EXPECT_EQ(*text, ":12");
    text = command_line_value("virtio_mmio.device", 1);
    ASSERT_TRUE(text);
    EXPECT_EQ(take_number(*text), 1024u);
    text->remove_prefix(1);
    EXPECT_EQ(take_number(*text), 16u << 20);
    EXPECT_FALSE(command_line_value("virtio_mmio.device", 2));
    std::string_view none = "q";
    EXPECT_FALSE(take_number(none));
}

}  // namespace
}  // namespace astra
