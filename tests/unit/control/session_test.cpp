// The session against a guest that speaks the protocol over a socket pair, well and badly.
#include "vmm/control/session.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <memory>

namespace astra::vmm {
namespace {

using namespace abi::control;

HelloMessage hello_of(u32 version, u32 build) {
    HelloMessage hello{};
    hello.version = version;
    hello.build = build;
    return hello;
}

class Recorder : public SessionEvents {
  public:
    std::vector<std::string> log;
    std::string output[3];
    void on_hello(const HelloMessage&) override { log.push_back("hello"); }
    void on_started(u64 tag, const StartedMessage&) override {
        log.push_back("started " + std::to_string(tag));
    }
    void on_spawn_failed(u64, u32 error) override { log.push_back("failed " + std::to_string(error)); }
    void on_output(u64, u32 stream, std::span<const u8> bytes) override {
        output[stream].append(bytes.begin(), bytes.end());
    }
    void on_exited(u64, const ExitedMessage& m) override {
        log.push_back("exited " + std::to_string(m.wait_status));
    }
    void on_out_of_memory(const OutOfMemoryMessage&, std::string_view victim) override {
        log.push_back("oom " + std::string(victim));
    }
    void on_panicked(const PanickedMessage&, std::string_view report) override {
        log.push_back("panic " + std::string(report));
    }
    void on_wrong_build(const WrongBuildMessage&) override { log.push_back("wrong build"); }
    void on_file_reply(u64 tag, std::span<const u8> payload) override {
        log.push_back("file " + std::to_string(tag) + " " + std::to_string(payload.size()));
    }
};

/// The guest's end.
class FakeGuest {
  public:
    explicit FakeGuest(int fd) : socket_(fd) {}
    template <class Message>
    void send(Type type, u64 tag, const Message& message, std::string_view tail = {}) {
        std::vector<u8> bytes;
        append_frame(bytes, type, tag, bytes_of(message),
                     {reinterpret_cast<const u8*>(tail.data()), tail.size()});
        send_bytes(bytes);
    }
    void send_bytes(std::span<const u8> bytes) {
        ASSERT_EQ(::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
                  static_cast<ssize_t>(bytes.size()));
    }
    void hello() { send(Type::Hello, 0, hello_of(kVersion, 1)); }
    struct Got {
        Header header;
        std::string payload;
    };
    Got receive() {
        Got got{};
        read_exactly(&got.header, sizeof got.header);
        got.payload.resize(got.header.length);
        read_exactly(got.payload.data(), got.payload.size());
        return got;
    }
    [[nodiscard]] bool idle() const {
        char byte;
        return ::recv(socket_.get(), &byte, 1, MSG_DONTWAIT | MSG_PEEK) < 0;
    }
    void close() { socket_.reset(); }

  private:
    void read_exactly(void* to, usize size) {
        if (size == 0) return;
        ASSERT_EQ(::recv(socket_.get(), to, size, MSG_WAITALL), static_cast<ssize_t>(size));
    }
    Fd socket_;
};

class SessionTest : public testing::Test {
  protected:
    SessionTest() {
        int pair[2];
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
        guest = std::make_unique<FakeGuest>(pair[1]);
        session = std::make_unique<Session>(Fd(pair[0]), events);
    }
    void start() {
        guest->hello();
        ASSERT_TRUE(session->receive());
        ASSERT_TRUE(session->spawn(1, {.workdir = "/", .arguments = {"/bin/x"}, .environment = {}}));
        ASSERT_TRUE(session->flush());
        ASSERT_EQ(guest->receive().header.type, Type::Spawn);
        guest->send(Type::Started, 1, StartedMessage{.pid = 2, .reserved = 0, .boot_ns = 3});
        ASSERT_TRUE(session->receive());
    }
    void expect_broken() {
        auto result = session->receive();
        ASSERT_FALSE(result);
        EXPECT_EQ(result.error().code, Code::Corrupt);
    }
    Recorder events;
    std::unique_ptr<FakeGuest> guest;
    std::unique_ptr<Session> session;
};

TEST_F(SessionTest, RunsAProgram) {
    guest->hello();
    ASSERT_TRUE(session->receive());
    SpawnRequest request{.workdir = "/tmp",
                         .arguments = {"/bin/echo", "a b", ""},
                         .environment = {"X=1"},
                         .stdio = StdioMode::Console,
                         .rows = 50,
                         .columns = 132};
    ASSERT_TRUE(session->spawn(9, request));
    EXPECT_TRUE(session->wants_write());
    ASSERT_TRUE(session->flush());
    EXPECT_FALSE(session->wants_write());
    auto spawn = guest->receive();
    EXPECT_EQ(spawn.header.type, Type::Spawn);
    EXPECT_EQ(spawn.header.tag, 9u);
    SpawnMessage message;
    std::memcpy(&message, spawn.payload.data(), sizeof message);
    EXPECT_EQ(message.stdio, StdioMode::Console);
    EXPECT_EQ(message.rows, 50);
    EXPECT_EQ(message.columns, 132);
    EXPECT_EQ(message.argc, 3u);
    EXPECT_EQ(message.envc, 1u);
    using namespace std::string_literals;
    EXPECT_EQ(spawn.payload.substr(sizeof message), "/tmp\0/bin/echo\0a b\0\0X=1\0"s);

    guest->send(Type::Started, 9, StartedMessage{});
    guest->send(Type::Output, 9, StreamMessage{1, 0}, "out");
    guest->send(Type::Output, 9, StreamMessage{2, 0}, "err");
    guest->send(Type::Exited, 9, ExitedMessage{.pid = 2, .wait_status = 0x300, .boot_ns = 5});
    auto peer = session->receive();
    ASSERT_TRUE(peer);
    EXPECT_EQ(*peer, Session::Peer::Open);
    EXPECT_EQ(events.output[1], "out");
    EXPECT_EQ(events.output[2], "err");
    EXPECT_THAT(events.log, testing::ElementsAre("hello", "started 9", "exited 768"));
    session->shutdown();
    ASSERT_TRUE(session->flush());
    EXPECT_EQ(guest->receive().header.type, Type::Shutdown);
    guest->close();
    peer = session->receive();
    ASSERT_TRUE(peer);
    EXPECT_EQ(*peer, Session::Peer::Closed);
}

TEST_F(SessionTest, InputStopsAtTheWindowAndGoesOnWithCredit) {
    EXPECT_EQ(session->input_capacity(1), 0u);
    start();
    std::vector<u8> data(3 * kStreamWindow, 'x');
    EXPECT_EQ(session->input_capacity(1), kStreamWindow);
    EXPECT_EQ(session->send_input(1, data), kStreamWindow);
    EXPECT_EQ(session->send_input(1, data), 0u);
    ASSERT_TRUE(session->flush());
    usize got = 0;
    while (got < kStreamWindow) {
        auto frame = guest->receive();
        ASSERT_EQ(frame.header.type, Type::Input);
        ASSERT_LE(frame.header.length, kMaxPayload);
        got += frame.payload.size() - sizeof(StreamMessage);
    }
    EXPECT_EQ(got, kStreamWindow);
    guest->send(Type::Credit, 1, CreditMessage{0, 100});
    ASSERT_TRUE(session->receive());
    EXPECT_EQ(session->send_input(1, data), 100u);
    session->end_input(1);
    session->end_input(1);  // a second end changes nothing
    EXPECT_EQ(session->input_capacity(1), 0u);
    ASSERT_TRUE(session->flush());
    EXPECT_EQ(guest->receive().payload.size(), 100 + sizeof(StreamMessage));
    EXPECT_EQ(guest->receive().payload.size(), sizeof(StreamMessage));
    EXPECT_TRUE(guest->idle());
}

TEST_F(SessionTest, SignalsAndSizesGoOnlyToProgramsThatRun) {
    EXPECT_FALSE(session->signal(1, 15));
    start();
    EXPECT_TRUE(session->signal(1, 15));
    session->resize(1, 30, 100);
    ASSERT_TRUE(session->flush());
    auto frame = guest->receive();
    EXPECT_EQ(frame.header.type, Type::Signal);
    EXPECT_EQ(frame.payload[0], 15);
    EXPECT_EQ(guest->receive().header.type, Type::Resize);
    guest->send(Type::Exited, 1, ExitedMessage{});
    ASSERT_TRUE(session->receive());
    EXPECT_FALSE(session->signal(1, 15));
    EXPECT_FALSE(session->wants_write());
}

TEST_F(SessionTest, TheQueueToAGuestThatDoesNotReadIsBounded) {
    start();
    for (u64 tag = 2; !session->crowded(); tag++) {
        ASSERT_LT(tag, 1000u);
        session->call_files(tag, std::vector<u8>(kMaxPayload));
        ASSERT_TRUE(session->flush());
    }
    // What can be asked for again and again is kept once.
    for (u16 i = 1; i <= 5000; i++) {
        EXPECT_TRUE(session->signal(1, i % 2 ? 15u : 1u));
        EXPECT_TRUE(session->signal(1, 1000u + i));
        session->resize(1, i, 80);
    }
    std::vector<std::string> seen;
    while (session->wants_write() || !guest->idle()) {
        auto frame = guest->receive();
        ASSERT_TRUE(session->flush());
        if (frame.header.type == Type::Signal) seen.push_back("signal " + std::to_string(frame.payload[0]));
        if (frame.header.type != Type::Resize) continue;
        ResizeMessage size;
        std::memcpy(&size, frame.payload.data(), sizeof size);
        seen.push_back("rows " + std::to_string(size.rows));
    }
    EXPECT_FALSE(session->crowded());
    EXPECT_THAT(seen, ::testing::ElementsAre("rows 5000", "signal 1", "signal 15", "signal 65"));
}

TEST_F(SessionTest, AFileCallIsAnsweredOnce) {
    start();
    session->call_files(7, bytes_of(FileCallMessage{}));
    ASSERT_TRUE(session->flush());
    EXPECT_EQ(guest->receive().header.tag, 7u);
    guest->send(Type::FileReply, 7, FileReplyMessage{.error = 0, .reserved = 0, .next = 0}, "abc");
    ASSERT_TRUE(session->receive());
    EXPECT_EQ(events.log.back(), "file 7 19");
    guest->send(Type::FileReply, 7, FileReplyMessage{.error = 0, .reserved = 0, .next = 0});
    expect_broken();
}

TEST_F(SessionTest, AFailedSpawnFreesItsTag) {
    guest->hello();
    ASSERT_TRUE(session->receive());
    ASSERT_TRUE(session->spawn(1, {.workdir = "/", .arguments = {"x"}, .environment = {}}));
    guest->send(Type::SpawnFailed, 1, SpawnFailedMessage{.error = 2, .reserved = 0});
    ASSERT_TRUE(session->receive());
    EXPECT_THAT(events.log, testing::ElementsAre("hello", "failed 2"));
    EXPECT_TRUE(session->spawn(1, {.workdir = "/", .arguments = {"y"}, .environment = {}}));
}

TEST_F(SessionTest, WhatComesAfterTheEndIsDropped) {
    start();
    guest->send(Type::Exited, 1, ExitedMessage{});
    guest->send(Type::Output, 1, StreamMessage{1, 0}, "from a child left behind");
    guest->send(Type::Credit, 1, CreditMessage{0, 5});
    ASSERT_TRUE(session->receive());
    EXPECT_EQ(events.output[1], "");
    guest->send(Type::Exited, 1, ExitedMessage{});
    expect_broken();
}

TEST_F(SessionTest, ArgumentsThatDoNotFitAreRefused) {
    auto result =
        session->spawn(1, {.workdir = "/", .arguments = {std::string(kMaxPayload, 'x')}, .environment = {}});
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, Code::InvalidArgument);
    EXPECT_FALSE(session->wants_write());
}

TEST_F(SessionTest, BadNewsMayComeBeforeHello) {
    guest->send(Type::WrongBuild, 0, WrongBuildMessage{1, 2});
    guest->send(Type::Panicked, 0, PanickedMessage{}, "at boot");
    ASSERT_TRUE(session->receive());
    EXPECT_THAT(events.log, testing::ElementsAre("wrong build", "panic at boot"));
}

TEST_F(SessionTest, HelloComesFirst) {
    guest->send(Type::OutOfMemory, 0, OutOfMemoryMessage{}, "x");
    expect_broken();
}

TEST_F(SessionTest, HelloComesOnce) {
    guest->hello();
    guest->hello();
    expect_broken();
}

TEST_F(SessionTest, VersionAndBuildMustBeKnown) {
    guest->send(Type::Hello, 0, hello_of(kVersion + 1, 1));
    expect_broken();
}

TEST_F(SessionTest, BuildMustBeKnown) {
    guest->send(Type::Hello, 0, hello_of(kVersion, 3));
    expect_broken();
}

TEST_F(SessionTest, FramesAboutStrangersAreRefused) {
    start();
    guest->send(Type::Output, 2, StreamMessage{1, 0}, "x");
    expect_broken();
}

TEST_F(SessionTest, OutputBeforeStartedIsRefused) {
    guest->hello();
    ASSERT_TRUE(session->receive());
    ASSERT_TRUE(session->spawn(1, {.workdir = "/", .arguments = {"x"}, .environment = {}}));
    guest->send(Type::Output, 1, StreamMessage{1, 0}, "x");
    expect_broken();
}

TEST_F(SessionTest, StartedComesOnce) {
    start();
    guest->send(Type::Started, 1, StartedMessage{});
    expect_broken();
}

TEST_F(SessionTest, OutputOnOtherStreamsIsRefused) {
    start();
    guest->send(Type::Output, 1, StreamMessage{0, 0}, "x");
    expect_broken();
}

TEST_F(SessionTest, CreditIsOnlyForWhatWasSent) {
    start();
    std::vector<u8> data(10);
    EXPECT_EQ(session->send_input(1, data), 10u);
    guest->send(Type::Credit, 1, CreditMessage{0, 11});
    expect_broken();
}

TEST_F(SessionTest, CreditIsOnlyForInput) {
    start();
    guest->send(Type::Credit, 1, CreditMessage{1, 0});
    expect_broken();
}

TEST_F(SessionTest, AGuestThatIsGoneIsNotAnError) {
    start();
    guest->close();
    session->shutdown();
    EXPECT_TRUE(session->flush());
    EXPECT_FALSE(session->wants_write());
}

}  // namespace
}  // namespace astra::vmm
