// The 16550A UART against its data sheet.
#include "vmm/devices/uart16550.hpp"

#include <gtest/gtest.h>

#include "tests/unit/devices/fakes.hpp"

namespace astra::vmm::test {
namespace {

enum : u64 { kData, kIer, kIir, kLcr, kMcr, kLsr, kMsr, kScr };
constexpr u64 kFcr = kIir;
constexpr u8 kRdi = 1, kThri = 2, kRlsi = 4, kMsi = 8;
constexpr u8 kIdle = 0xc1, kRxReady = 0xc4, kTimeout = 0xcc, kThre = 0xc2, kLine = 0xc6,
             kModem = 0xc0;  // FIFOs on
constexpr u8 kTrigger1 = 0x01, kTrigger4 = 0x41, kTrigger8 = 0x81, kTrigger14 = 0xc1;
constexpr u64 kCharacterAt115200Ns = 10 * 16 * 1'000'000'000ull / 1'843'200;

struct UartTest : testing::Test {
    UartTest() {
        set(kLcr, 0x83);
        set(kData, 1), set(kIer, 0);  // 115200 baud
        set(kLcr, 0x03);
        set(kFcr, kTrigger1);
        set(kMcr, 0x0b);
    }
    u8 get(u64 offset) { return in(uart, offset); }
    void set(u64 offset, u8 value) { out(uart, offset, value); }
    void type(std::string_view text) {
        stream.input += text;
        uart.input_ready();
    }
    std::string drain() {
        std::string text;
        while (get(kLsr) & 1) text += static_cast<char>(get(kData));
        return text;
    }
    FakeTime time;
    FakeIrq irq;
    FakeStream stream;
    Uart16550 uart{irq, time, time.factory(), stream};
};

TEST_F(UartTest, ResetStateIsThatOfTheDataSheet) {
    Uart16550 fresh{irq, time, time.factory(), stream};
    EXPECT_EQ(in(fresh, kIer), 0x00);
    EXPECT_EQ(in(fresh, kIir), 0x01);
    EXPECT_EQ(in(fresh, kLcr), 0x00);
    EXPECT_EQ(in(fresh, kMcr), 0x00);
    EXPECT_EQ(in(fresh, kLsr), 0x60);
    EXPECT_EQ(in(fresh, kMsr) & 0x0f, 0x00);
    EXPECT_FALSE(irq.level);
}

TEST_F(UartTest, SendsBytesInOrderAndIsEmptyAgain) {
    for (char c : std::string_view("hello")) {
        EXPECT_EQ(get(kLsr) & 0x60, 0x60);
        set(kData, static_cast<u8>(c));
    }
    EXPECT_EQ(stream.output, "hello");
}

TEST_F(UartTest, IsNotEmptyUntilTheStreamTookItsBytes) {
    stream.room = 1;
    set(kData, 'a'), set(kData, 'b'), set(kData, 'c');
    EXPECT_EQ(get(kLsr) & 0x60, 0);
    stream.room = 1;
    uart.output_ready();
    EXPECT_EQ(get(kLsr) & 0x60, 0);
    stream.room = 9;
    uart.output_ready();
    EXPECT_EQ(get(kLsr) & 0x60, 0x60);
    EXPECT_EQ(stream.output, "abc");
}

TEST_F(UartTest, AFullTransmitFifoOfSixteenLosesNothingWhileTheStreamWaits) {
    stream.room = 0;
    std::string text = "0123456789abcdef";
    for (char c : text) set(kData, static_cast<u8>(c));
    stream.room = 100;
    uart.output_ready();
    EXPECT_EQ(stream.output, text);
}

TEST_F(UartTest, TransmitInterruptComesWithEnableAndWithEachEmptying) {
    set(kIer, kThri);
    EXPECT_TRUE(irq.level);
    EXPECT_EQ(get(kIir), kThre);
    EXPECT_FALSE(irq.level) << "reading IIR acknowledges it";
    EXPECT_EQ(get(kIir), kIdle);
    set(kData, 'x');
    EXPECT_TRUE(irq.level);
    EXPECT_EQ(irq.rises, 2u);
    set(kData, 'y');  // an edge each, for an edge-triggered controller
    EXPECT_EQ(irq.rises, 3u);
    EXPECT_EQ(get(kIir), kThre);
}

TEST_F(UartTest, TransmitInterruptWaitsForTheStream) {
    stream.room = 0;
    set(kIer, kThri);
    (void)get(kIir);
    set(kData, 'x');
    EXPECT_FALSE(irq.level);
    stream.room = 1;
    uart.output_ready();
    EXPECT_TRUE(irq.level);
    EXPECT_EQ(get(kIir), kThre);
}

TEST_F(UartTest, ReceivesInOrder) {
    type("hi there");
    EXPECT_EQ(get(kLsr) & 1, 1);
    EXPECT_EQ(drain(), "hi there");
    EXPECT_EQ(get(kLsr) & 1, 0);
}

TEST_F(UartTest, LongInputWaitsInTheStreamAndNothingIsLost) {
    std::string text;
    for (int i = 0; i < 1000; ++i) text += static_cast<char>(i);
    type(text);
    EXPECT_EQ(stream.input.size(), text.size() - Uart16550::kFifoSize);
    EXPECT_EQ(drain(), text);
    EXPECT_EQ(get(kLsr) & 0x02, 0) << "no overrun";
}

TEST_F(UartTest, WithoutFifosOneByteIsHeldAtATime) {
    set(kFcr, 0);
    type("abc");
    EXPECT_EQ(stream.input, "bc");
    EXPECT_EQ(drain(), "abc");
}

TEST_F(UartTest, WithoutFifosEveryByteIsAnEdge) {
    set(kFcr, 0);
    set(kIer, kRdi);
    type("abc");
    for (u64 i = 1; i <= 3; ++i) {
        EXPECT_EQ(irq.rises, i);
        EXPECT_EQ(get(kIir), 0x04);
        (void)get(kData);
    }
    EXPECT_FALSE(irq.level);
}

TEST_F(UartTest, ReceiveInterruptAtEachTriggerLevel) {
    set(kIer, kRdi);
    for (auto [fcr, level] :
         {std::pair<u8, usize>{kTrigger1, 1}, {kTrigger4, 4}, {kTrigger8, 8}, {kTrigger14, 14}}) {
        set(kFcr, fcr);
        type(std::string(level - 1, 'x'));
        EXPECT_FALSE(irq.level) << level;
        type("x");
        EXPECT_TRUE(irq.level) << level;
        EXPECT_EQ(get(kIir), kRxReady);
        (void)get(kData);
        EXPECT_FALSE(irq.level) << "gone below the level";
        (void)drain();
    }
}

TEST_F(UartTest, TimeOutAfterFourCharacterTimesBelowTheTriggerLevel) {
    set(kFcr, kTrigger14);
    set(kIer, kRdi);
    type("ab");
    time.advance(4 * kCharacterAt115200Ns - 1000);
    EXPECT_FALSE(irq.level);
    time.advance(2000);
    EXPECT_TRUE(irq.level);
    EXPECT_EQ(get(kIir), kTimeout);
    (void)get(kData);
    EXPECT_FALSE(irq.level) << "reading a byte clears it";
    time.advance(4 * kCharacterAt115200Ns + 1000);
    EXPECT_TRUE(irq.level) << "and starts it again for the rest";
    (void)get(kData);
    time.advance(1'000'000'000);
    EXPECT_FALSE(irq.level) << "an empty FIFO does not time out";
}

TEST_F(UartTest, EachArrivalRestartsTheTimeOut) {
    set(kFcr, kTrigger14);
    set(kIer, kRdi);
    for (int i = 0; i < 5; ++i) {
        type("a");
        time.advance(3 * kCharacterAt115200Ns);
        EXPECT_FALSE(irq.level);
    }
    time.advance(2 * kCharacterAt115200Ns);
    EXPECT_TRUE(irq.level);
}

TEST_F(UartTest, TimeOutFollowsTheDivisor) {
    set(kLcr, 0x83);
    set(kData, 12), set(kIer, 0);
    set(kLcr, 0x03);
    set(kFcr, kTrigger14);
    set(kIer, kRdi);
    type("a");
    time.advance(12 * 4 * kCharacterAt115200Ns - 20000);
    EXPECT_FALSE(irq.level);
    time.advance(40000);
    EXPECT_TRUE(irq.level);
}

TEST_F(UartTest, NoTimerRunsForADriverThatPolls) {
    set(kFcr, kTrigger14);
    type("a");
    EXPECT_FALSE(time.any_armed());
    set(kIer, kRdi);
    EXPECT_TRUE(time.any_armed());
}

TEST_F(UartTest, InputWaitsUntilTheDriverRaisesRts) {
    Uart16550 fresh{irq, time, time.factory(), stream};
    stream.input = "typed during boot";
    fresh.input_ready();
    out(fresh, kFcr, 0x07);  // what drivers do first would have thrown it away
    EXPECT_EQ(in(fresh, kLsr) & 1, 0);
    EXPECT_EQ(stream.input, "typed during boot");
    out(fresh, kMcr, 0x03);
    EXPECT_EQ(in(fresh, kData), 't');
}

TEST_F(UartTest, DivisorLatchSharesTheFirstTwoRegisters) {
    set(kLcr, 0x83);
    set(kData, 0x34), set(kIer, 0x12);
    EXPECT_EQ(get(kData), 0x34);
    EXPECT_EQ(get(kIer), 0x12);
    set(kLcr, 0x03);
    EXPECT_EQ(get(kIer), 0);
    EXPECT_EQ(stream.output, "");
    set(kLcr, 0x83);
    EXPECT_EQ(get(kData), 0x34);
}

TEST_F(UartTest, ScratchAndLineControlReadBack) {
    set(kScr, 0xa5);
    EXPECT_EQ(get(kScr), 0xa5);
    set(kLcr, 0x1b);
    EXPECT_EQ(get(kLcr), 0x1b);
}

TEST_F(UartTest, UnusedBitsReadZero) {
    set(kIer, 0xff);
    EXPECT_EQ(get(kIer), 0x0f);
    set(kMcr, 0xff);
    EXPECT_EQ(get(kMcr), 0x1f);
}

TEST_F(UartTest, StatusRegistersAreReadOnly) {
    set(kLsr, 0x00);
    EXPECT_EQ(get(kLsr), 0x60);
    set(kMsr, 0x00);
    EXPECT_EQ(get(kMsr) & 0xf0, 0xb0) << "carrier, data set ready and clear to send";
}

TEST_F(UartTest, FifoEnableShowsInIir) {
    EXPECT_EQ(get(kIir), 0xc1);
    set(kFcr, 0);
    EXPECT_EQ(get(kIir), 0x01);
}

TEST_F(UartTest, OtherFcrBitsNeedTheEnableBit) {
    set(kIer, kRdi);
    set(kFcr, kTrigger14 & ~1);
    type("a");
    EXPECT_TRUE(irq.level) << "16450 mode interrupts at one byte";
}

TEST_F(UartTest, ClearingTheReceiveFifoDropsWhatArrived) {
    type("abc");
    set(kFcr, kTrigger1 | 0x02);
    EXPECT_EQ(get(kLsr) & 1, 0);
}

TEST_F(UartTest, ChangingTheFifoEnableClearsBoth) {
    type("abc");
    stream.room = 0;
    set(kData, 'x');
    set(kFcr, 0);
    EXPECT_EQ(get(kLsr), 0x60);
    stream.room = 10;
    uart.output_ready();
    EXPECT_EQ(stream.output, "");
}

TEST_F(UartTest, LoopbackReturnsWhatWasSentAndCutsTheWire) {
    set(kMcr, 0x1b);
    set(kData, 'L');
    type("outside");
    EXPECT_EQ(get(kData), 'L');
    EXPECT_EQ(get(kLsr) & 1, 0);
    EXPECT_EQ(stream.output, "");
    set(kMcr, 0x0b);
    EXPECT_EQ(drain(), "outside");
}

TEST_F(UartTest, LoopbackWiresModemControlToModemStatus) {
    const std::pair<u8, u8> wires[] = {{0x01, 0x20}, {0x02, 0x10}, {0x04, 0x40}, {0x08, 0x80}};
    for (auto [control, status] : wires) {
        set(kMcr, 0x10 | control);
        EXPECT_EQ(get(kMsr) & 0xf0, status);
    }
}

TEST_F(UartTest, ModemDeltasAreSetByChangesAndClearedByReading) {
    set(kMcr, 0x10);
    (void)get(kMsr);
    set(kMcr, 0x1b);  // RTS → CTS, DTR → DSR, OUT2 → DCD
    EXPECT_EQ(get(kMsr) & 0x0f, 0x0b);
    EXPECT_EQ(get(kMsr) & 0x0f, 0x00);
}

TEST_F(UartTest, RingReportsItsTrailingEdgeOnly) {
    set(kMcr, 0x10);
    (void)get(kMsr);
    set(kMcr, 0x14);
    EXPECT_EQ(get(kMsr) & 0x04, 0);
    set(kMcr, 0x10);
    EXPECT_EQ(get(kMsr) & 0x04, 0x04);
}

TEST_F(UartTest, ModemInterruptUntilStatusIsRead) {
    set(kMcr, 0x10);
    (void)get(kMsr);
    set(kIer, kMsi);
    set(kMcr, 0x12);
    EXPECT_EQ(get(kIir), kModem);
    (void)get(kMsr);
    EXPECT_EQ(get(kIir), kIdle);
    EXPECT_FALSE(irq.level);
}

TEST_F(UartTest, OverrunInLoopbackKeepsTheOldBytesAndInterrupts) {
    set(kIer, kRlsi);
    set(kMcr, 0x1b);
    for (char c = 'a'; c < 'a' + 17; ++c) set(kData, static_cast<u8>(c));
    EXPECT_EQ(get(kIir), kLine);
    EXPECT_EQ(get(kLsr) & 0x03, 0x03);
    EXPECT_EQ(get(kLsr) & 0x02, 0) << "reading cleared it";
    EXPECT_EQ(get(kIir), kIdle);
    EXPECT_EQ(drain(), "abcdefghijklmnop");
}

TEST_F(UartTest, OverrunWithoutFifosKeepsTheNewByte) {
    set(kFcr, 0);
    set(kMcr, 0x1b);
    set(kData, 'a'), set(kData, 'b');
    EXPECT_EQ(get(kLsr) & 0x03, 0x03);
    EXPECT_EQ(get(kData), 'b');
}

TEST_F(UartTest, InterruptPriorities) {
    set(kMcr, 0x10);
    (void)get(kMsr);
    set(kFcr, kTrigger1);
    for (int i = 0; i < 17; ++i) set(kData, 'x');  // overrun and data
    set(kMcr, 0x12);                               // modem change
    set(kIer, kRdi | kThri | kRlsi | kMsi);
    EXPECT_EQ(get(kIir), kLine);
    (void)get(kLsr);
    EXPECT_EQ(get(kIir), kRxReady);
    for (int i = 0; i < 16; ++i) (void)get(kData);
    EXPECT_EQ(get(kIir), kThre);
    EXPECT_EQ(get(kIir), kModem);
    EXPECT_TRUE(irq.level);
    (void)get(kMsr);
    EXPECT_EQ(get(kIir), kIdle);
    EXPECT_FALSE(irq.level);
}

TEST_F(UartTest, DisabledInterruptsDoNotReachTheLine) {
    type("abc");
    set(kData, 'x');
    EXPECT_FALSE(irq.level);
    EXPECT_EQ(get(kIir), kIdle);
    set(kIer, kRdi);
    EXPECT_TRUE(irq.level);
    set(kIer, 0);
    EXPECT_FALSE(irq.level);
}

TEST_F(UartTest, AWordAccessIsTwoByteAccesses) {
    std::array<u8, 2> both = {'x', kRdi};
    uart.write(kData, both);
    EXPECT_EQ(stream.output, "x");
    EXPECT_EQ(get(kIer), kRdi);
}

TEST_F(UartTest, ReadingAnEmptyReceiverGivesZeroAndHarmsNothing) {
    EXPECT_EQ(get(kData), 0);
    type("z");
    EXPECT_EQ(get(kData), 'z');
}

}  // namespace
}  // namespace astra::vmm::test
