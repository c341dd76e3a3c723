// The virtio console device (VIRTIO 1.2, 5.3): control conversation, data both ways, backpressure.
#include "vmm/virtio/console.hpp"

#include <map>

#include "guest_kernel/abi/control.hpp"
#include "tests/unit/virtio/driver.hpp"

namespace astra::vmm::test {
namespace {

using namespace abi::virtio;
using console::ControlMessage;
using console::Event;
constexpr u64 kFeatures =
    kFeatureVersion1 | kFeatureEventIdx | console::kFeatureMultiport | console::kFeatureSize;
constexpr u16 kRx0 = 0, kTx0 = 1, kRx1 = 4, kTx1 = 5;

struct ConsoleTest : testing::Test {
    /// Gives the device `count` buffers of `size` bytes to write into.
    void offer_room(u16 queue, u32 size, int count = 1) {
        for (int i = 0; i < count; ++i) {
            u64 at = driver.memory.allocate(size);
            room[queue].push_back(at);
            ring(queue).add({{at, size, true}});
        }
        driver.kick(queue);
    }
    /// What the device wrote into the buffers of `queue` since the last call, one string per buffer.
    std::vector<std::string> received(u16 queue) {
        std::vector<std::string> all;
        for (; taken[queue] != ring(queue).used_index(); ++taken[queue]) {
            all.push_back(
                driver.memory.get_text(room[queue].front(), ring(queue).used_element(taken[queue]).length));
            room[queue].pop_front();
        }
        return all;
    }
    void send(u16 queue, std::string_view text) {
        ring(queue).add_text(text);
        driver.kick(queue);
    }
    void tell(u32 port, Event event, u16 value) {
        ControlMessage message{port, event, value};
        send(console::kControlTransmit, {reinterpret_cast<char*>(&message), sizeof message});
    }
    /// The device's control messages since the last call, readably.
    std::vector<std::string> heard() {
        static constexpr const char* names[] = {"ready",   "add",    "remove", "port-ready",
                                                "console", "resize", "open",   "name"};
        std::vector<std::string> all;
        for (const std::string& bytes : received(console::kControlReceive)) {
            ControlMessage message;
            std::memcpy(&message, bytes.data(), sizeof message);
            std::string text = std::to_string(message.port) + ":" + names[static_cast<u16>(message.event)] +
                               "=" + std::to_string(message.value);
            std::string rest = bytes.substr(sizeof message);
            if (message.event == Event::Resize)
                text += " " + std::to_string(static_cast<u8>(rest[0])) + "x" +
                        std::to_string(static_cast<u8>(rest[2]));
            else if (!rest.empty())
                text += " " + rest;
            all.push_back(text);
        }
        return all;
    }
    /// A driver that has everything open.
    void open_all() {
        driver.start(kFeatures);
        offer_room(console::kControlReceive, 64, 12);
        tell(0, Event::DeviceReady, 1);
        tell(0, Event::PortReady, 1);
        tell(1, Event::PortReady, 1);
        tell(1, Event::PortOpen, 1);
        (void)heard();
    }
    Ring& ring(u16 queue) { return driver.rings[queue]; }

    FakeStream terminal, control;
    std::vector<bool> control_opened;
    virtio::Console device{{{.name = "", .stream = terminal},
                            {.name = abi::control::kPortName,
                             .stream = control,
                             .guest_opened = [this](bool open) { control_opened.push_back(open); }}},
                           80,
                           25};
    Driver driver{device};
    std::map<u16, std::deque<u64>> room;
    std::map<u16, u16> taken;
};

TEST_F(ConsoleTest, ConfigurationSaysSizeAndPorts) {
    EXPECT_EQ(driver.get(mmio::kDeviceId), 3u);
    EXPECT_EQ(driver.transport.queue_count(), 6);
    EXPECT_EQ(driver.get(mmio::kConfig), 80u | 25u << 16);
    EXPECT_EQ(driver.get(mmio::kConfig + 4), 2u);
    EXPECT_EQ(driver.offered() & 0xff, console::kFeatureSize | console::kFeatureMultiport);
}

TEST_F(ConsoleTest, IntroducesItsPorts) {
    driver.start(kFeatures);
    offer_room(console::kControlReceive, 64, 12);
    EXPECT_EQ(heard(), (std::vector<std::string>{}));
    tell(0, Event::DeviceReady, 1);
    EXPECT_EQ(heard(), (std::vector<std::string>{"0:add=1", "1:add=1"}));
    tell(0, Event::PortReady, 1);
    EXPECT_EQ(heard(), (std::vector<std::string>{"0:console=1", "0:resize=1 80x25", "0:open=1"}));
    tell(1, Event::PortReady, 1);
    EXPECT_EQ(heard(), (std::vector<std::string>{"1:name=1 org.astra.control", "1:open=1"}));
}

TEST_F(ConsoleTest, ControlMessagesWaitForBuffers) {
    driver.start(kFeatures);
    tell(0, Event::DeviceReady, 1);
    tell(1, Event::PortReady, 1);
    offer_room(console::kControlReceive, 64, 1);
    EXPECT_EQ(heard(), (std::vector<std::string>{"0:add=1"}));
    offer_room(console::kControlReceive, 64, 5);
    EXPECT_EQ(heard(), (std::vector<std::string>{"1:add=1", "1:name=1 org.astra.control", "1:open=1"}));
}

TEST_F(ConsoleTest, ADriverThatNeverListensPilesUpNothing) {
    driver.start(kFeatures);
    for (int i = 0; i < 100; ++i) {
        tell(0, Event::DeviceReady, 1);
        tell(1, Event::PortReady, 1);
    }
    offer_room(console::kControlReceive, 64, 12);
    EXPECT_EQ(heard().size(), 4u);
}

TEST_F(ConsoleTest, IgnoresControlMessagesItDoesNotKnow) {
    open_all();
    tell(7, Event::PortOpen, 1);
    tell(0, static_cast<Event>(99), 1);
    send(console::kControlTransmit, "short");
    EXPECT_FALSE(driver.broken());
    EXPECT_EQ(heard(), (std::vector<std::string>{}));
    EXPECT_EQ(ring(console::kControlTransmit).used_index(), ring(console::kControlTransmit).next_available);
}

TEST_F(ConsoleTest, HostileControlBufferTooSmallNeedsAReset) {
    driver.start(kFeatures);
    offer_room(console::kControlReceive, 7);
    tell(0, Event::DeviceReady, 1);
    EXPECT_TRUE(driver.broken());
}

TEST_F(ConsoleTest, HostileReadOnlyReceiveBufferNeedsAReset) {
    open_all();
    ring(kRx0).add_text("nowhere to write");
    terminal.input = "x";
    device.input_ready(0);
    EXPECT_TRUE(driver.broken());
    EXPECT_EQ(terminal.input, "x");
}

TEST_F(ConsoleTest, GuestOutputReachesItsStream) {
    open_all();
    send(kTx0, "to the terminal");
    send(kTx1, std::string_view("\0binary\xff", 8));
    EXPECT_EQ(terminal.output, "to the terminal");
    EXPECT_EQ(control.output, std::string_view("\0binary\xff", 8));
    EXPECT_EQ(ring(kTx0).used_index(), 1);
}

TEST_F(ConsoleTest, HostInputReachesTheGuestsBuffers) {
    open_all();
    offer_room(kRx0, 4, 3);
    terminal.input = "hello";
    device.input_ready(0);
    EXPECT_EQ(received(kRx0), (std::vector<std::string>{"hell", "o"}));
    terminal.input = "!";
    device.input_ready(0);
    EXPECT_EQ(received(kRx0), (std::vector<std::string>{"!"}));
    EXPECT_TRUE(received(kRx1).empty());
}

TEST_F(ConsoleTest, InputFillsAChainOfBuffers) {
    open_all();
    u64 at = driver.memory.allocate(16);
    ring(kRx1).add({{at, 3, true}, {at + 3, 13, true}});
    control.input = "abcdefg";
    device.input_ready(1);
    EXPECT_EQ(ring(kRx1).used_element(0).length, 7u);
    EXPECT_EQ(driver.memory.get_text(at, 7), "abcdefg");
}

TEST_F(ConsoleTest, InputWaitsForGuestBuffers) {
    open_all();
    terminal.input = "0123456789";
    device.input_ready(0);
    EXPECT_EQ(terminal.input, "0123456789");
    offer_room(kRx0, 4);
    EXPECT_EQ(received(kRx0), (std::vector<std::string>{"0123"}));
    EXPECT_EQ(terminal.input, "456789");
    offer_room(kRx0, 4, 2);
    EXPECT_EQ(received(kRx0), (std::vector<std::string>{"4567", "89"}));
}

TEST_F(ConsoleTest, InputWaitsUntilTheGuestOpensThePort) {
    driver.start(kFeatures);
    offer_room(kRx1, 16);
    control.input = "early";
    device.input_ready(1);
    EXPECT_TRUE(received(kRx1).empty());
    EXPECT_FALSE(device.guest_open(1));
    tell(1, Event::PortReady, 1);
    EXPECT_TRUE(received(kRx1).empty());
    tell(1, Event::PortOpen, 1);
    EXPECT_TRUE(device.guest_open(1));
    EXPECT_EQ(received(kRx1), (std::vector<std::string>{"early"}));
    EXPECT_EQ(control_opened, (std::vector<bool>{true}));
    tell(1, Event::PortOpen, 0);
    EXPECT_EQ(control_opened, (std::vector<bool>{true, false}));
}

TEST_F(ConsoleTest, AConsoleIsOpenAsSoonAsItsPortIsReady) {
    driver.start(kFeatures);
    offer_room(kRx0, 16);
    terminal.input = "typed early";
    device.input_ready(0);
    EXPECT_TRUE(received(kRx0).empty());
    tell(0, Event::PortReady, 1);
    EXPECT_EQ(received(kRx0), (std::vector<std::string>{"typed early"}));
}

TEST_F(ConsoleTest, StreamIsNotAskedAgainUntilItSaysSo) {
    open_all();
    offer_room(kRx0, 16, 2);
    terminal.input = "x";
    device.input_ready(0);
    u64 reads = terminal.reads;
    offer_room(kRx0, 16, 2);
    driver.kick(kRx0);
    EXPECT_EQ(terminal.reads, reads);
}

TEST_F(ConsoleTest, OutputWaitsForTheStreamInTheGuestsBuffers) {
    open_all();
    terminal.room = 6;
    u64 at = driver.memory.allocate(16);
    driver.memory.put_text(at, "abcdefghij");
    ring(kTx0).add({{at, 4}, {at + 4, 6}});
    driver.kick(kTx0);
    send(kTx0, "KLM");
    EXPECT_EQ(terminal.output, "abcdef");
    EXPECT_EQ(ring(kTx0).used_index(), 0) << "the guest must not think it is out";
    terminal.room = 1;
    device.output_ready(0);
    EXPECT_EQ(terminal.output, "abcdefg");
    terminal.room = 100;
    device.output_ready(0);
    EXPECT_EQ(terminal.output, "abcdefghijKLM");
    EXPECT_EQ(ring(kTx0).used_index(), 2);
}

TEST_F(ConsoleTest, OnePortWaitingDoesNotHoldTheOther) {
    open_all();
    terminal.room = 0;
    send(kTx0, "stuck");
    send(kTx1, "flows");
    EXPECT_EQ(control.output, "flows");
}

TEST_F(ConsoleTest, WhileTheHostHasAPortClosedBothDirectionsWait) {
    open_all();
    device.set_open(1, false);
    EXPECT_EQ(heard(), (std::vector<std::string>{"1:open=0"}));
    send(kTx1, "out");
    offer_room(kRx1, 16);
    control.input = "in";
    device.input_ready(1);
    EXPECT_EQ(control.output, "");
    EXPECT_EQ(control.input, "in");
    device.set_open(1, true);
    EXPECT_EQ(heard(), (std::vector<std::string>{"1:open=1"}));
    EXPECT_EQ(control.output, "out");
    EXPECT_EQ(received(kRx1), (std::vector<std::string>{"in"}));
}

TEST_F(ConsoleTest, APortClosedFromTheStartIsNotAnnouncedOpen) {
    device.set_open(1, false);
    driver.start(kFeatures);
    offer_room(console::kControlReceive, 64, 12);
    tell(1, Event::PortReady, 1);
    EXPECT_EQ(heard(), (std::vector<std::string>{"1:name=1 org.astra.control"}));
    device.set_open(1, true);
    EXPECT_EQ(heard(), (std::vector<std::string>{"1:open=1"}));
}

TEST_F(ConsoleTest, ResizeChangesConfigurationAndTellsTheConsole) {
    open_all();
    u32 generation = driver.get(mmio::kConfigGeneration);
    (void)driver.take_interrupt();
    device.resize(132, 50);
    EXPECT_EQ(driver.get(mmio::kConfig), 132u | 50u << 16);
    EXPECT_NE(driver.get(mmio::kConfigGeneration), generation);
    EXPECT_TRUE(driver.take_interrupt() & mmio::kConfigChange);
    EXPECT_EQ(heard(), (std::vector<std::string>{"0:resize=1 132x50"}));
    device.resize(132, 50);
    EXPECT_EQ(driver.take_interrupt(), 0u);
}

TEST_F(ConsoleTest, WithoutSizeThereIsNoResizeMessage) {
    driver.start(kFeatures & ~console::kFeatureSize);
    offer_room(console::kControlReceive, 64, 12);
    tell(0, Event::PortReady, 1);
    device.resize(1, 1);
    EXPECT_EQ(heard(), (std::vector<std::string>{"0:console=1", "0:open=1"}));
}

TEST_F(ConsoleTest, WithoutMultiportOnlyTheConsoleExists) {
    driver.start(kFeatureVersion1);
    EXPECT_TRUE(device.guest_open(0));
    send(kTx0, "plain");
    offer_room(kRx0, 16);
    terminal.input = "in";
    device.input_ready(0);
    EXPECT_EQ(terminal.output, "plain");
    EXPECT_EQ(received(kRx0), (std::vector<std::string>{"in"}));
    tell(0, Event::DeviceReady, 1);
    EXPECT_EQ(ring(console::kControlTransmit).used_index(), 0);
}

TEST_F(ConsoleTest, ServesWhatWasQueuedBeforeDriverOk) {
    driver.prepare(kFeatureVersion1);
    ring(kTx0).add_text("early");
    driver.add_status(kDriverOk);
    EXPECT_EQ(terminal.output, "early");
}

TEST_F(ConsoleTest, ResetClosesPortsAndKeepsPendingInput) {
    open_all();
    control.input = "kept";
    device.input_ready(1);
    driver.set(mmio::kStatus, 0);
    EXPECT_FALSE(device.guest_open(1));
    EXPECT_EQ(control_opened, (std::vector<bool>{true, false}));
    device.input_ready(1);  // the host may speak at any time
    device.output_ready(0);
    device.resize(10, 10);
    room.clear(), taken.clear();
    open_all();
    offer_room(kRx1, 16);
    EXPECT_EQ(received(kRx1), (std::vector<std::string>{"kept"}));
}

TEST_F(ConsoleTest, AHalfSentRequestDoesNotSurviveAReset) {
    open_all();
    terminal.room = 2;
    send(kTx0, "abc");
    driver.set(mmio::kStatus, 0);
    room.clear(), taken.clear();
    terminal.room = 100;
    open_all();
    send(kTx0, "xyz");
    EXPECT_EQ(terminal.output, "abxyz");
}

}  // namespace
}  // namespace astra::vmm::test
