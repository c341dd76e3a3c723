// The TCP engine against Linux's, over a real TAP device and wires that tc-netem(8) makes bad: both are
// strangers to each other's assumptions. Needs root's rights over network namespaces, and for bad wires a
// kernel with sch_netem: skipped without.
#include <arpa/inet.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/integration/peer/engine.hpp"

namespace astra::inet::test {
namespace {

constexpr u16 kPort = 80, kClosedPort = 81, kLinuxPort = 8080;
using Bytes = std::vector<u8>;

sockaddr_in at(u32 address, u16 port) {
    sockaddr_in a{};
    a.sin_family = AF_INET;
    a.sin_port = htons(port);
    a.sin_addr.s_addr = htonl(address);
    return a;
}

Fd stream() {
    Fd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const timeval patience{60, 0};
    for (int option : {SO_RCVTIMEO, SO_SNDTIMEO})
        setsockopt(fd.get(), SOL_SOCKET, option, &patience, sizeof patience);
    return fd;
}

/// Connected to the engine; none, with errno, when it is not.
Fd to_engine(u16 port = kPort) {
    Fd fd = stream();
    const sockaddr_in a = at(0x0a09'0002, port);
    if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&a), sizeof a) != 0) return {};
    return fd;
}

Fd linux_listens() {
    Fd fd = stream();
    const int on = 1;
    setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    const sockaddr_in a = at(INADDR_ANY, kLinuxPort);
    EXPECT_EQ(bind(fd.get(), reinterpret_cast<const sockaddr*>(&a), sizeof a), 0);
    EXPECT_EQ(listen(fd.get(), 1024), 0);  // more than ever come at once: Linux resets some that find no room
    return fd;
}

bool send_all(int fd, std::span<const u8> bytes) {
    while (!bytes.empty()) {
        const ssize_t sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent <= 0) return false;
        bytes = bytes.subspan(static_cast<usize>(sent));
    }
    return true;
}

/// Everything up to the end; `error` is errno, 0 for an end in order.
Bytes read_all(int fd, int& error) {
    Bytes all;
    u8 part[65536];
    ssize_t got;
    while ((got = recv(fd, part, sizeof part, 0)) > 0) all.insert(all.end(), part, part + got);
    error = got < 0 ? errno : 0;
    return all;
}

/// Sends `out` and its end while reading what comes: what came.
Bytes exchange(int fd, const Bytes& out) {
    std::thread sender([&] {
        EXPECT_TRUE(send_all(fd, out));
        shutdown(fd, SHUT_WR);
    });
    int error = 0;
    Bytes in = read_all(fd, error);
    sender.join();
    EXPECT_EQ(error, 0) << strerror(error);
    return in;
}

struct WireKind {
    const char* name;
    const char* netem;  // nothing: the wire is as good as the kernel makes it
    usize bytes;
    int storm;  // connections
};

class LinuxPeer : public testing::TestWithParam<WireKind> {
  protected:
    void SetUp() override {
        if (std::string lacks = network_.create(); !lacks.empty()) GTEST_SKIP() << lacks;
        if (*GetParam().netem)
            if (std::string lacks = network_.impair(GetParam().netem); !lacks.empty()) GTEST_SKIP() << lacks;
        engine_ = std::make_unique<Engine>(network_.tap());
    }
    Network network_;
    std::unique_ptr<Engine> engine_;
};

TEST_P(LinuxPeer, BulkBothWaysWhenLinuxConnects) {
    const Bytes down = pattern(GetParam().bytes), up = pattern(GetParam().bytes / 2 + 1);
    engine_->listen(kPort, down);
    Fd fd = to_engine();
    ASSERT_TRUE(fd.valid()) << strerror(errno);
    EXPECT_TRUE(exchange(fd.get(), up) == down);
    ASSERT_TRUE(engine_->wait(60, [&] { return engine_->programs[0]->over(); }));
    EXPECT_TRUE(engine_->programs[0]->in == up);
}

TEST_P(LinuxPeer, BulkBothWaysWhenTheEngineConnects) {
    const Bytes up = pattern(GetParam().bytes), down = pattern(GetParam().bytes / 2 + 1);
    Fd listener = linux_listens();
    Program& program = engine_->connect(kLinuxPort, up);
    Fd fd(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    ASSERT_TRUE(fd.valid()) << strerror(errno);
    EXPECT_TRUE(exchange(fd.get(), down) == up);
    ASSERT_TRUE(engine_->wait(60, [&] { return program.over(); }));
    EXPECT_TRUE(program.in == down);
}

TEST_P(LinuxPeer, ManyConnectAtOnce) {
    engine_->listen(kPort, pattern(100));
    std::atomic<int> good = 0;
    std::vector<std::thread> clients;
    constexpr int kThreads = 8;
    for (int i = 0; i < kThreads; i++)
        clients.emplace_back([&] {
            for (int each = 0; each < GetParam().storm / kThreads; each++)
                if (Fd fd = to_engine(); fd.valid()) good += exchange(fd.get(), pattern(50)) == pattern(100);
        });
    for (std::thread& client : clients) client.join();
    EXPECT_EQ(good, GetParam().storm / kThreads * kThreads);
    // And all of them end: the side that ended last keeps no TIME_WAIT, the engine's others are in it.
    EXPECT_TRUE(engine_->wait(60, [&] {
        return std::all_of(engine_->programs.begin(), engine_->programs.end(), [](const auto& program) {
            return program->over() && program->in == pattern(50) && !program->connection->has_unsent();
        });
    }));
    EXPECT_EQ(engine_->programs.size(), static_cast<usize>(good));
}

TEST_P(LinuxPeer, TheEngineConnectsManyTimes) {
    Fd listener = linux_listens();
    const int count = GetParam().storm / 2;
    std::thread server([&] {
        for (int i = 0; i < count; i++) {
            Fd fd(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
            EXPECT_TRUE(fd.valid() && exchange(fd.get(), pattern(100)) == pattern(50));
        }
    });
    for (int i = 0; i < count; i++) engine_->connect(kLinuxPort, pattern(50));
    server.join();
    EXPECT_TRUE(engine_->wait(60, [&] {
        return std::all_of(engine_->programs.begin(), engine_->programs.end(), [](const auto& program) {
            return program->over() && program->in == pattern(100);
        });
    }));
}

TEST_P(LinuxPeer, HalfOfAConnectionGoesOn) {
    engine_->listen(kPort, {});
    Fd fd = to_engine();
    ASSERT_TRUE(fd.valid());
    int error = 0;
    EXPECT_TRUE(read_all(fd.get(), error).empty());  // the engine ended its half at once
    EXPECT_EQ(error, 0);
    const Bytes up = pattern(200'000);
    EXPECT_TRUE(send_all(fd.get(), up));
    shutdown(fd.get(), SHUT_WR);
    ASSERT_TRUE(engine_->wait(60, [&] { return engine_->programs[0]->over(); }));
    EXPECT_TRUE(engine_->programs[0]->in == up);
}

TEST_P(LinuxPeer, AReaderThatSleepsClosesTheWindow) {
    const Bytes down = pattern(2 << 20);
    engine_->listen(kPort, down);
    Fd fd = stream();
    const int small = 16384;
    setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    const sockaddr_in a = at(0x0a09'0002, kPort);
    ASSERT_EQ(connect(fd.get(), reinterpret_cast<const sockaddr*>(&a), sizeof a), 0);
    ASSERT_TRUE(engine_->wait(30, [&] {
        return !engine_->programs.empty() && engine_->programs[0]->connection->send_window() == 0;
    }));
    sleep(1);
    EXPECT_TRUE(exchange(fd.get(), {}) == down);
}

TEST_P(LinuxPeer, Resets) {
    engine_->listen(kPort, pattern(10));
    EXPECT_FALSE(to_engine(kClosedPort).valid());
    EXPECT_EQ(errno, ECONNREFUSED);
    Program& refused = engine_->connect(kClosedPort, {});
    EXPECT_TRUE(engine_->wait(60, [&] { return refused.connection->state() == tcp::State::Closed; }));
    EXPECT_EQ(refused.connection->error(), ECONNREFUSED);

    Fd fd = to_engine();
    ASSERT_TRUE(fd.valid());
    Program* served = nullptr;
    ASSERT_TRUE(engine_->wait(30, [&] {
        if (engine_->programs.size() < 2) return false;
        served = engine_->programs[1].get();
        return served->sent == 10;
    }));
    const linger at_once{1, 0};
    setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    fd.reset();
    if (std::string_view(GetParam().netem).find("loss") == std::string_view::npos) {  // a lost one stays lost
        EXPECT_TRUE(engine_->wait(60, [&] { return served->connection->state() == tcp::State::Closed; }));
        EXPECT_EQ(served->connection->error(), ECONNRESET);
    }

    fd = to_engine();
    ASSERT_TRUE(fd.valid());
    u8 bytes[16];
    EXPECT_EQ(recv(fd.get(), bytes, 10, MSG_WAITALL), 10);
    ASSERT_TRUE(engine_->wait(30, [&] { return engine_->programs.size() == 3; }));
    engine_->act([&] { engine_->programs[2]->connection->abort(); });
    int error = 0;
    const bool lossy = std::string_view(GetParam().netem).find("loss") != std::string_view::npos;
    if (lossy && !send_all(fd.get(), pattern(1))) error = errno;  // asks again; it may be known already
    pollfd hung{fd.get(), POLLHUP, 0};
    if (!error) {
        poll(&hung, 1, 30'000);
        socklen_t length = sizeof error;
        getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &length);
    }
    EXPECT_TRUE(error == ECONNRESET || error == EPIPE) << error;
}

TEST_P(LinuxPeer, UrgentBytes) {
    engine_->listen(kPort, {});
    Fd fd = to_engine();
    ASSERT_TRUE(fd.valid());
    EXPECT_EQ(send(fd.get(), "abc", 3, MSG_OOB), 3);
    ASSERT_TRUE(engine_->wait(30, [&] { return engine_->programs.size() == 1; }));
    using Mark = tcp::UrgentMark::State;
    Program& program = engine_->connect(kLinuxPort, {});  // refused: nobody listens
    EXPECT_TRUE(engine_->wait(30, [&] { return program.connection->error() == ECONNREFUSED; }));
    EXPECT_TRUE(engine_->wait(30, [&] { return engine_->programs[0]->in.size() == 3; }));
    EXPECT_EQ(engine_->programs[0]->connection->urgent().state, Mark::None);  // read past

    Fd listener = linux_listens();
    Program& sender = engine_->connect(kLinuxPort, {});
    sender.ends = false;
    Fd peer(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    ASSERT_TRUE(peer.valid());
    engine_->act([&] {
        Own<Packet> part = *Packet::make(3, 0);
        std::copy_n("xyz", 3, part->data());
        sender.connection->append(std::move(part), false, true);
    });
    pollfd urgent{peer.get(), POLLPRI, 0};
    EXPECT_EQ(poll(&urgent, 1, 30'000), 1);
    char byte = 0;
    EXPECT_EQ(recv(peer.get(), &byte, 1, MSG_OOB), 1);
    EXPECT_EQ(byte, 'z');
}

INSTANTIATE_TEST_SUITE_P(Wires, LinuxPeer,
                         testing::Values(WireKind{"Good", "", 8 << 20, 400},
                                         WireKind{"Delay", "delay 10ms", 2 << 20, 200},
                                         WireKind{"Loss", "loss 1%", 1 << 20, 80},
                                         WireKind{"Reordering", "delay 10ms reorder 25% 50%", 1 << 20, 80},
                                         WireKind{"All", "delay 10ms 2ms loss 1% duplicate 1%", 1 << 20, 40}),
                         [](const auto& which) { return std::string(which.param.name); });

}  // namespace
}  // namespace astra::inet::test
