// The frame parser against well-formed streams cut anywhere and against hostile bytes.
#include "vmm/control/frame.hpp"

#include <gtest/gtest.h>

#include <random>

namespace astra::vmm {
namespace {

using namespace abi::control;

struct Seen {
    Type type;
    u64 tag;
    std::string tail;
};

class FrameParserTest : public testing::Test {
  protected:
    Result<void> feed(std::span<const u8> bytes) {
        return parser_.feed(bytes, [this](const Frame& frame) -> Result<void> {
            Seen seen{frame.type, frame.tag, {}};
            if (frame.type == Type::Output) {
                auto tail = frame.tail<StreamMessage>();
                seen.tail.assign(tail.begin(), tail.end());
            }
            seen_.push_back(seen);
            return {};
        });
    }
    static std::vector<u8> raw(u32 length, u32 type, usize payload) {
        std::vector<u8> bytes;
        Header header{length, static_cast<Type>(type), 7};
        auto head = bytes_of(header);
        bytes.assign(head.begin(), head.end());
        bytes.resize(bytes.size() + payload);
        return bytes;
    }
    FrameParser parser_;
    std::vector<Seen> seen_;
};

std::vector<u8> output(u64 tag, std::string_view text) {
    std::vector<u8> bytes;
    append_frame(bytes, Type::Output, tag, bytes_of(StreamMessage{1, 0}),
                 {reinterpret_cast<const u8*>(text.data()), text.size()});
    return bytes;
}

TEST_F(FrameParserTest, CutsAStreamWhateverThePieces) {
    std::vector<u8> stream;
    append_frame(stream, Type::Hello, 0, bytes_of(HelloMessage{}));
    for (auto text : {"", "a", "hello, world"}) {
        auto frame = output(3, text);
        stream.insert(stream.end(), frame.begin(), frame.end());
    }
    append_frame(stream, Type::Exited, 3, bytes_of(ExitedMessage{}));
    for (usize piece = 1; piece <= stream.size(); piece++) {
        parser_ = FrameParser();
        seen_.clear();
        for (usize at = 0; at < stream.size(); at += piece)
            ASSERT_TRUE(feed(std::span(stream).subspan(at, std::min(piece, stream.size() - at))));
        ASSERT_EQ(seen_.size(), 5u) << "pieces of " << piece;
        EXPECT_EQ(seen_[3].tail, "hello, world");
        EXPECT_EQ(seen_[4].type, Type::Exited);
        EXPECT_EQ(seen_[4].tag, 3u);
    }
}

TEST_F(FrameParserTest, TakesThePayloadLimitAndNotOneByteMore) {
    EXPECT_TRUE(feed(output(1, std::string(kMaxPayload - sizeof(StreamMessage), 'x'))));
    EXPECT_EQ(seen_.size(), 1u);
    auto result = feed(raw(kMaxPayload + 1, static_cast<u32>(Type::Output), 0));
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, Code::Corrupt);
}

TEST_F(FrameParserTest, RefusesTypesAGuestMayNotSend) {
    for (u32 type : {0u, 11u, 63u, 64u, 65u, 66u, 67u, 68u, 69u, 0xffffffffu}) {
        parser_ = FrameParser();
        EXPECT_FALSE(feed(raw(16, type, 16))) << type;
    }
}

TEST_F(FrameParserTest, RefusesShortAndOverlongFixedMessages) {
    EXPECT_FALSE(feed(raw(sizeof(HelloMessage) - 1, static_cast<u32>(Type::Hello), 64)));
    parser_ = FrameParser();
    EXPECT_FALSE(feed(raw(sizeof(HelloMessage) + 1, static_cast<u32>(Type::Hello), 64)));
    parser_ = FrameParser();
    EXPECT_FALSE(feed(raw(0, static_cast<u32>(Type::Exited), 0)));
    EXPECT_TRUE(seen_.empty());
}

TEST_F(FrameParserTest, StaysBrokenOnceBroken) {
    EXPECT_FALSE(feed(raw(0, 99, 0)));
    EXPECT_FALSE(feed(output(1, "fine")));
    EXPECT_TRUE(seen_.empty());
}

TEST_F(FrameParserTest, StopsWhenTheSinkRefuses) {
    auto two = output(1, "x");
    two.insert(two.end(), two.begin(), two.end());
    int calls = 0;
    auto result = parser_.feed(two, [&](const Frame&) -> Result<void> {
        calls++;
        return fail(Code::Corrupt, "no");
    });
    EXPECT_FALSE(result);
    EXPECT_EQ(calls, 1);
}

TEST_F(FrameParserTest, SurvivesRandomBytes) {
    std::mt19937 random(1);
    for (int round = 0; round < 2000; round++) {
        parser_ = FrameParser();
        // Half the streams start with a plausible header, so that they get past the first check.
        std::vector<u8> bytes = round % 2 ? raw(random() % 70000, random() % 12, 0) : std::vector<u8>();
        for (usize n = random() % 300; n > 0; n--) bytes.push_back(static_cast<u8>(random()));
        while (!bytes.empty()) {
            usize piece = std::min<usize>(bytes.size(), 1 + random() % 64);
            if (!feed(std::span(bytes).first(piece))) break;
            bytes.erase(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(piece));
        }
    }
}

}  // namespace
}  // namespace astra::vmm
