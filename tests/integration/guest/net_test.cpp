// The guest's network against real sockets of this host: out through the user network, in through forwarded
// ports, and not at all.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "tests/integration/guest/guest_test.hpp"

namespace astra::tests {
namespace {

using testing::HasSubstr;
using namespace std::chrono_literals;

sockaddr_in loopback(uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

/// A listening socket on some free port of the loopback.
class Listener {
  public:
    Listener() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address = loopback(0);
        EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
        EXPECT_EQ(::listen(fd_, 5), 0);
        socklen_t length = sizeof address;
        EXPECT_EQ(::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &length), 0);
        port_ = ntohs(address.sin_port);
    }
    ~Listener() { ::close(fd_); }
    [[nodiscard]] uint16_t port() const { return port_; }
    /// Answers one HTTP request with `body`, within a minute.
    void answer(const std::string& body) const {
        pollfd waiting{fd_, POLLIN, 0};
        if (::poll(&waiting, 1, 60'000) != 1) return;
        int client = ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
        char request[4096];
        if (::read(client, request, sizeof request) > 0) {
            std::string text =
                "HTTP/1.0 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
            for (size_t sent = 0; sent < text.size();) {
                ssize_t count = ::send(client, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
                if (count <= 0) break;
                sent += static_cast<size_t>(count);
            }
        }
        ::close(client);
    }

  private:
    int fd_;
    uint16_t port_ = 0;
};

/// What the server on a port of the loopback sends to one connection that says `request`; empty: nobody is
/// there yet.
std::string fetch(uint16_t port, std::string_view request) {
    int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    timeval patience{5, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    sockaddr_in address = loopback(port);
    std::string text;
    if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
        ::send(fd, request.data(), request.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(request.size())) {
        char part[4096];
        for (ssize_t count; (count = ::read(fd, part, sizeof part)) > 0;)
            text.append(part, static_cast<size_t>(count));
    }
    ::close(fd);
    return text;
}

using Network = GuestTest;

TEST_F(Network, ReachesThisHostThroughTheGateway) {
    Listener server;
    std::string body;
    for (int i = 0; body.size() < 300'000; i++) body += "line " + std::to_string(i) + "\n";
    std::thread serving([&] { server.answer(body); });
    auto done = run({"--net", "user,host-loopback", "busybox", "wget", "-q", "-O", "-",
                     "http://10.0.2.2:" + std::to_string(server.port()) + "/"});
    serving.join();
    EXPECT_EQ(done.status, 0) << done.error;
    EXPECT_TRUE(done.out == body) << done.out.size() << " bytes";
}

TEST_F(Network, ForwardsAPortToTheGuest) {
    uint16_t port;
    {
        Listener free;
        port = free.port();
    }
    AstraProcess process(
        words({"-p", std::to_string(port) + ":8000", "sh", "-c",
               "mkdir -p /tmp/www && echo from the guest >/tmp/www/file && busybox httpd -p 8000 -h "
               "/tmp/www && read line"}));
    std::string answer;
    for (int i = 0; i < 100 && answer.empty(); i++) {
        answer = fetch(port, "GET /file HTTP/1.0\r\n\r\n");
        if (answer.empty()) std::this_thread::sleep_for(200ms);
    }
    process.write("done\n");
    process.close_input();
    auto done = process.finish(90s);
    EXPECT_THAT(answer, HasSubstr("200 OK"));
    EXPECT_THAT(answer, HasSubstr("from the guest"));
}

TEST_F(Network, HasOnlyItsLoopbackWhenAskedFor) {
    auto done =
        run({"--net", "none", "sh", "-c", "grep -c : /proc/net/dev; busybox wget -q -O - http://10.0.2.2/"});
    EXPECT_NE(done.status, 0);
    EXPECT_EQ(done.out, "1\n");
    EXPECT_THAT(done.error, HasSubstr("unreachable"));
}

TEST_F(Network, RefusesNetworksItDoesNotKnow) {
    auto done = run({"--net", "token-ring", "true"});
    EXPECT_EQ(done.status, 125);
    EXPECT_THAT(done.error, HasSubstr("token-ring"));
    EXPECT_EQ(run({"-p", "80", "true"}).status, 125);
}

}  // namespace
}  // namespace astra::tests
