// The N_TTY line discipline, byte by byte, against termios(3).
#include "guest_kernel/drivers/line_discipline.hpp"

#include <gtest/gtest.h>

#include <string>

namespace astra::tty {
namespace {

class LineDisciplineTest : public testing::Test {
  protected:
    /// Types `text`; collects what is echoed and the last signal.
    void type(std::string_view text) {
        for (char c : text) {
            LineDiscipline::Effects effects;
            tty.input(static_cast<u8>(c), effects);
            echoed.append(reinterpret_cast<char*>(effects.echo), effects.echo_length);
            if (effects.signal) signal = effects.signal;
        }
    }
    std::string read(usize most = 4096) {
        std::string text(most, '\0');
        text.resize(tty.read({reinterpret_cast<u8*>(text.data()), most}));
        return text;
    }
    usize readable() {
        bool eof;
        return tty.readable_bytes(eof);
    }
    bool at_eof() {
        bool eof;
        (void)tty.readable_bytes(eof);
        return eof;
    }
    LineDiscipline tty;
    std::string echoed;
    int signal = 0;
};

TEST_F(LineDisciplineTest, ALineIsReadableOnlyWhenItIsComplete) {
    type("hello");
    EXPECT_EQ(readable(), 0u);
    type("\r");
    EXPECT_EQ(read(), "hello\n");
    EXPECT_EQ(echoed, "hello\r\n");
}

TEST_F(LineDisciplineTest, AReadReturnsAtMostOneLine) {
    type("one\ntwo\n");
    EXPECT_EQ(readable(), 4u);
    EXPECT_EQ(read(2), "on");
    EXPECT_EQ(read(), "e\n");
    EXPECT_EQ(read(), "two\n");
}

TEST_F(LineDisciplineTest, EraseKillAndWordErase) {
    type("abcd\x7f\x7fX\n");
    EXPECT_EQ(read(), "abX\n");
    type("rubbish\x15good\n");
    EXPECT_EQ(read(), "good\n");
    type("first second\x17third\n");
    EXPECT_EQ(read(), "first third\n");
}

TEST_F(LineDisciplineTest, EraseStopsAtTheStartOfTheLine) {
    type("done\n\x7f\x7f");
    EXPECT_EQ(read(), "done\n");
}

TEST_F(LineDisciplineTest, EraseTakesAWholeUtf8Character) {
    tty.termios.iflag |= kIutf8;
    type(
        "a\xc3\xa9\x7f"
        "b\n");
    EXPECT_EQ(read(), "ab\n");
}

TEST_F(LineDisciplineTest, ControlCharactersEchoWithACaret) {
    type("\x01");
    EXPECT_EQ(echoed, "^A");
    echoed.clear();
    type("\x7f");
    EXPECT_EQ(echoed, "\b \b\b \b");
}

TEST_F(LineDisciplineTest, EndOfFileAloneReadsAsNothing) {
    type("\x04");
    EXPECT_TRUE(at_eof());
    EXPECT_EQ(read(), "");
    EXPECT_FALSE(at_eof());
}

TEST_F(LineDisciplineTest, EndOfFileAfterTextDeliversTheTextWithoutANewline) {
    type("text\x04");
    EXPECT_EQ(readable(), 4u);
    EXPECT_EQ(read(), "text");
    EXPECT_EQ(readable(), 0u);
}

TEST_F(LineDisciplineTest, LiteralNextTakesAwayMeaning) {
    type("\x16\x03\n");
    EXPECT_EQ(signal, 0);
    EXPECT_EQ(read(), "\x03\n");
}

TEST_F(LineDisciplineTest, SignalCharactersSignalAndDropWhatWasTyped) {
    type("half\x03");
    EXPECT_EQ(signal, 2);
    EXPECT_EQ(echoed, "half^C");
    type("\x1c");
    EXPECT_EQ(signal, 3);
    type("\x1a");
    EXPECT_EQ(signal, 20);
    type("rest\n");
    EXPECT_EQ(read(), "rest\n");
}

TEST_F(LineDisciplineTest, WithoutIsigTheyAreJustBytes) {
    tty.termios.lflag &= ~kIsig;
    type("\x03\n");
    EXPECT_EQ(signal, 0);
    EXPECT_EQ(read(), "\x03\n");
}

TEST_F(LineDisciplineTest, RawModeDeliversEachByte) {
    tty.termios.lflag &= ~(kIcanon | kEcho);
    type("a");
    EXPECT_EQ(readable(), 1u);
    EXPECT_EQ(read(), "a");
    EXPECT_EQ(echoed, "");
    type("\x04\x7f");
    EXPECT_EQ(read(), "\x04\x7f");
}

TEST_F(LineDisciplineTest, LeavingCanonicalModeReleasesTheHalfLine) {
    type("half");
    tty.termios.lflag &= ~kIcanon;
    tty.mode_changed();
    EXPECT_EQ(read(), "half");
}

TEST_F(LineDisciplineTest, StopAndStartHoldOutput) {
    type("\x13");
    EXPECT_TRUE(tty.output_stopped);
    type("\x11");
    EXPECT_FALSE(tty.output_stopped);
    EXPECT_EQ(echoed, "");
}

TEST_F(LineDisciplineTest, NewlineTranslationsOnInput) {
    tty.termios.iflag = kInlcr;
    tty.termios.lflag &= ~kIcanon;
    type("\n");
    EXPECT_EQ(read(), "\r");
    tty.termios.iflag = kIgncr;
    type("\ra");
    EXPECT_EQ(read(), "a");
}

TEST_F(LineDisciplineTest, OutputProcessing) {
    u8 out[2];
    EXPECT_EQ(tty.output('\n', out), 2u);
    EXPECT_EQ(out[0], '\r');
    EXPECT_EQ(out[1], '\n');
    tty.termios.oflag = 0;
    EXPECT_EQ(tty.output('\n', out), 1u);
    tty.termios.oflag = kOpost | kOnocr;
    EXPECT_EQ(tty.output('\r', out), 0u);
    tty.output('x', out);
    EXPECT_EQ(tty.column(), 1u);
    EXPECT_EQ(tty.output('\r', out), 1u);
    EXPECT_EQ(tty.column(), 0u);
}

TEST_F(LineDisciplineTest, AFullBufferKeepsRoomForTheLineEnd) {
    type(std::string(5000, 'x') + "\n");
    std::string line = read();
    EXPECT_EQ(line.size(), LineDiscipline::kInputSize);
    EXPECT_EQ(line.back(), '\n');
}

}  // namespace
}  // namespace astra::tty
