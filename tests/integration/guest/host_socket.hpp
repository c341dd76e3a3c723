// The host's end of guests' connections: real sockets on its loopback.
#pragma once
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <string_view>

namespace astra::tests {

inline sockaddr_in loopback(uint16_t port) {
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
inline std::string fetch(uint16_t port, std::string_view request) {
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

/// A port of the loopback that nobody listens on.
inline uint16_t free_port() { return Listener().port(); }

}  // namespace astra::tests
