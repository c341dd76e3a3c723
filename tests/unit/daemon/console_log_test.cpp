// The console log: bytes, offsets, segments that go, records that were cut off.
#include "vmm/supervisor/console_log.hpp"

#include <gtest/gtest.h>

#include "tests/unit/daemon/folder.hpp"

namespace astra::vmm {
namespace {

std::span<const u8> bytes(std::string_view text) {
    return {reinterpret_cast<const u8*>(text.data()), text.size()};
}

std::string text(const ConsoleReader::Piece& piece) { return {piece.bytes.begin(), piece.bytes.end()}; }

TEST(ConsoleLog, YieldsWhatWasWrittenWithItsStreamAndOffset) {
    tests::Folder folder;
    auto log = ConsoleLog::create(folder / "console");
    ASSERT_TRUE(log);
    ASSERT_TRUE(log->append(ConsoleStream::Out, bytes("hello ")));
    ASSERT_TRUE(log->append(ConsoleStream::Error, bytes("world")));
    ConsoleReader reader(folder / "console", 0);
    auto first = reader.next(), second = reader.next(), none = reader.next();
    ASSERT_TRUE(first && *first && second && *second && none);
    EXPECT_EQ(text(**first), "hello ");
    EXPECT_EQ((*first)->stream, ConsoleStream::Out);
    EXPECT_EQ(text(**second), "world");
    EXPECT_EQ((*second)->from, 6u);
    EXPECT_EQ((*second)->stream, ConsoleStream::Error);
    EXPECT_FALSE(*none);
    ASSERT_TRUE(log->append(ConsoleStream::Log, bytes("!")));
    auto more = reader.next();
    ASSERT_TRUE(more && *more);
    EXPECT_EQ((*more)->from, 11u);
    EXPECT_EQ(log->end(), 12u);
    EXPECT_EQ(console_end(folder / "console"), 12u);
}

TEST(ConsoleLog, BeginsInTheMiddleOfARecord) {
    tests::Folder folder;
    auto log = ConsoleLog::create(folder / "console");
    ASSERT_TRUE(log && log->append(ConsoleStream::Out, bytes("0123456789")));
    ConsoleReader reader(folder / "console", 7);
    auto piece = reader.next();
    ASSERT_TRUE(piece && *piece);
    EXPECT_EQ((*piece)->from, 7u);
    EXPECT_EQ(text(**piece), "789");
    ConsoleReader at_end(folder / "console", 10);
    auto nothing = at_end.next();
    ASSERT_TRUE(nothing);
    EXPECT_FALSE(*nothing);
}

TEST(ConsoleLog, SaysWhichBytesAreGone) {
    tests::Folder folder;
    auto log = ConsoleLog::create(folder / "console");
    ASSERT_TRUE(log);
    ConsoleReader slow(folder / "console", 0);
    std::string line(1000, 'x');
    u64 written = 0;
    for (; written < ConsoleLog::kSegmentBytes * (ConsoleLog::kSegments + 4); written += line.size())
        ASSERT_TRUE(log->append(ConsoleStream::Out, bytes(line)));
    auto gap = slow.next();
    ASSERT_TRUE(gap && *gap);
    EXPECT_TRUE((*gap)->gap);
    EXPECT_EQ((*gap)->from, 0u);
    EXPECT_GT((*gap)->to, 0u);
    u64 at = (*gap)->to;
    for (;;) {
        auto piece = slow.next();
        ASSERT_TRUE(piece);
        if (!*piece) break;
        EXPECT_FALSE((*piece)->gap);
        ASSERT_EQ((*piece)->from, at);
        at = (*piece)->to;
    }
    EXPECT_EQ(at, written);
    EXPECT_GE(at - (*gap)->to, ConsoleLog::kSegmentBytes * (ConsoleLog::kSegments - 2));
}

TEST(ConsoleLog, DoesNotShowARecordThatWasCutOff) {
    tests::Folder folder;
    auto log = ConsoleLog::create(folder / "console");
    ASSERT_TRUE(log && log->append(ConsoleStream::Out, bytes("whole")) &&
                log->append(ConsoleStream::Out, bytes("cut off")));
    std::string file = folder / "console/00000000000000000000";
    std::filesystem::resize_file(file, std::filesystem::file_size(file) - 3);
    ConsoleReader reader(folder / "console", 0);
    auto piece = reader.next(), none = reader.next();
    ASSERT_TRUE(piece && *piece && none);
    EXPECT_EQ(text(**piece), "whole");
    EXPECT_FALSE(*none);
    EXPECT_EQ(console_end(folder / "console"), 5u);
}

TEST(ConsoleLog, RefusesNonsense) {
    tests::Folder folder;
    ASSERT_TRUE(ConsoleLog::create(folder / "console"));
    std::string file = folder / "console/00000000000000000000";
    FILE* out = ::fopen(file.c_str(), "w");
    for (int i = 0; i < 100; i++) ::fputc(0xff, out);
    ::fclose(out);
    ConsoleReader reader(folder / "console", 0);
    auto piece = reader.next();
    ASSERT_FALSE(piece);
    EXPECT_EQ(piece.error().code, Code::Corrupt);
}

}  // namespace
}  // namespace astra::vmm
