// Guests that are libvirt's domains: beside the libvirtd that with-libvirtd starts, on the machine that
// ASTRA_TEST_MACHINE names.
#include <gmock/gmock.h>
#include <signal.h>

#include <filesystem>
#include <thread>

#include "tests/integration/guest/guest_test.hpp"
#include "tests/integration/guest/host_socket.hpp"

namespace astra::tests {
namespace {

using testing::HasSubstr;
using testing::Not;
using namespace std::chrono_literals;

std::vector<std::string> on_machine(std::vector<std::string> more) {
    more.insert(more.begin(), {"--machine", setting("ASTRA_TEST_MACHINE", "microvm")});
    return words(std::move(more));
}

Finished run_domain(std::vector<std::string> more, std::string_view input = {}) {
    AstraProcess process(on_machine(std::move(more)));
    process.write(input);
    process.close_input();
    return process.finish(90s);
}

/// What `virsh WORDS` prints.
std::string virsh(const std::string& text) {
    FILE* pipe = ::popen(("virsh -q " + text + " 2>&1").c_str(), "r");
    if (!pipe) return "popen failed";
    std::string out;
    for (char part[512]; size_t got = ::fread(part, 1, sizeof part, pipe);) out.append(part, got);
    ::pclose(pipe);
    return out;
}
/// Waits, ten seconds at most, until virsh lists none of our domains.
std::string domains_left() {
    std::string names;
    for (int i = 0; i < 100; i++, std::this_thread::sleep_for(100ms))
        if (names = virsh("list --all --name"); names.find("astra-") == names.npos) return {};
    return names;
}
std::string first_domain() {
    const std::string names = virsh("list --name");
    return names.substr(0, names.find('\n'));
}

size_t folders_left() {
    size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator("/tmp"))
        count += entry.path().filename().string().starts_with("astra-libvirt-");
    return count;
}

class Libvirt : public testing::Test {
  protected:
    void SetUp() override {
        ASSERT_THAT(setting("ASTRA_TEST_ENGINE", ""), testing::StartsWith("libvirt:"))
            << "run this by tests/integration/libvirt/with-libvirtd";
        folders_before_ = folders_left();
    }
    void TearDown() override {
        EXPECT_EQ(domains_left(), "");
        EXPECT_EQ(folders_left(), folders_before_);
    }

  private:
    size_t folders_before_ = 0;
};

TEST_F(Libvirt, CarriesOutputInputAndStatus) {
    auto done = run_domain({"--verbose", "sh", "-c", "cat; echo err >&2; exit 5"}, "typed\n");
    EXPECT_EQ(done.status, 5) << done.error;
    EXPECT_EQ(done.out, "typed\n");
    EXPECT_THAT(done.error, HasSubstr("err\n"));
    EXPECT_THAT(done.error, HasSubstr("engine libvirt"));
    std::string data;
    for (int i = 0; i < 300'000; i++) data += static_cast<char>(i * 7 + i / 256);
    auto echoed = run_domain({"--cpus", "2", "cat"}, data);
    EXPECT_TRUE(echoed.out == data) << echoed.out.size() << " bytes; " << echoed.error;
}

TEST_F(Libvirt, ShowsItsCounters) {
    auto done = run_domain({"--stats", "sh", "-c", "for i in 1 2 3; do cat /nowhere; done"});
    EXPECT_THAT(done.error, HasSubstr("execve"));
    EXPECT_THAT(done.error, HasSubstr("page faults"));
    EXPECT_THAT(done.error, Not(HasSubstr("no counters")));
}

TEST_F(Libvirt, IsADomainThatGoesWhenTheGuestIsKilled) {
    AstraProcess process(on_machine({"sh", "-c", "echo ready; exec sleep 100"}));
    ASSERT_TRUE(process.wait_for("ready\n"));
    EXPECT_THAT(virsh("list"), AllOf(HasSubstr("astra-"), HasSubstr("running")));
    process.signal(SIGKILL);  // of astra itself: nobody is left to clean up but libvirt
    (void)process.finish(20s);
}

TEST_F(Libvirt, SaysWhenSomebodyDestroyedTheDomain) {
    AstraProcess process(on_machine({"sh", "-c", "echo ready; exec sleep 100"}));
    ASSERT_TRUE(process.wait_for("ready\n"));
    EXPECT_EQ(virsh("destroy " + first_domain()), "");  // quiet, unless it fails
    auto done = process.finish(20s);
    EXPECT_EQ(done.status, 125);
    EXPECT_THAT(done.error, HasSubstr("destroyed through libvirt"));
}

TEST_F(Libvirt, ForwardsAPort) {
    const uint16_t port = free_port();
    AstraProcess process(
        on_machine({"-p", std::to_string(port) + ":8000", "sh", "-c",
                    "mkdir -p /tmp/www && echo from the guest >/tmp/www/file && busybox httpd "
                    "-p 8000 -h /tmp/www && read line"}));
    std::string answer;
    for (int i = 0; i < 100 && answer.empty(); i++) {
        answer = fetch(port, "GET /file HTTP/1.0\r\n\r\n");
        if (answer.empty()) std::this_thread::sleep_for(200ms);
    }
    process.write("done\n");
    process.close_input();
    (void)process.finish(60s);
    EXPECT_THAT(answer, HasSubstr("from the guest"));
}

TEST_F(Libvirt, SaysInOneLineWhenItCannotBeReached) {
    AstraProcess process({"run", "--engine", "libvirt:qemu:///session?socket=/nowhere/socket", "--rootfs",
                          setting("ASTRA_TEST_ROOTFS", ASTRA_ROOTFS), "true"});
    process.close_input();
    auto done = process.finish(60s);
    EXPECT_EQ(done.status, 125);
    EXPECT_THAT(done.error, HasSubstr("cannot reach libvirt at qemu:///session?socket=/nowhere/socket"));
    EXPECT_THAT(done.error, HasSubstr("hint: start libvirtd"));
    auto wrong = AstraProcess({"run", "--engine", "libvirt:nonsense", "--rootfs",
                               setting("ASTRA_TEST_ROOTFS", ASTRA_ROOTFS), "true"})
                     .finish(60s);
    EXPECT_EQ(wrong.status, 125);
    EXPECT_THAT(wrong.error, HasSubstr("cannot reach libvirt at nonsense"));
}

}  // namespace
}  // namespace astra::tests
