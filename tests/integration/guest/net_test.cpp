// The guest's network against real sockets of this host: out through the user network, in through forwarded
// ports, and not at all.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "tests/integration/guest/guest_test.hpp"
#include "tests/integration/guest/host_socket.hpp"

namespace astra::tests {
namespace {

using testing::HasSubstr;
using namespace std::chrono_literals;

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
    uint16_t port = free_port();
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
