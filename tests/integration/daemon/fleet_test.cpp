// Twenty guests at once, from launch to deletion, with everything that clients do in between; nothing is left
// of them.
#include <gmock/gmock.h>
#include <sys/syscall.h>

#include <filesystem>
#include <map>
#include <sstream>
#include <thread>

#include "tests/integration/daemon/fixture.hpp"

namespace astra::tests {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

/// Calls and errors by system call.
struct Count {
    uint64_t calls = 0, errors = 0;
    bool operator==(const Count&) const = default;
};
using Counts = std::map<std::string, Count>;

/// What the guest's kernel does otherwise, on purpose (tests/guest/counts.toml), and what `strace -c` leaves
/// out.
Counts as_in_guest(Counts counts) {
    counts["rseq"].errors += counts["rseq"].calls;
    counts["execve"].calls--;  // strace's own
    if (counts["execve"].calls == 0) counts.erase("execve");
    counts["exit_group"].calls++;  // does not return
    return counts;
}

/// What strace(1) counts of a command here.
Counts traced(const std::string& command) {
    auto said = shell("env -i PATH=/bin HOME=/root strace -c -o /dev/stdout " + command + " 2>/dev/null");
    Counts counts;
    std::istringstream lines(said.out);
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        double share, seconds;
        uint64_t each, calls, errors = 0;
        std::string name;
        if (!(words >> share >> seconds >> each >> calls)) continue;
        if (!(words >> errors)) words.clear();
        words >> name;
        if (!name.empty() && name != "total") counts[name] = {calls, errors};
    }
    return counts;
}

std::string print(const Counts& counts) {
    std::string text;
    for (const auto& [name, count] : counts)
        text += name + " " + std::to_string(count.calls) + "/" + std::to_string(count.errors) + "\n";
    return text;
}

class Fleet : public Daemon {
  protected:
    Counts counters(const std::string& guest) {
        v1::GetMetricsRequest request;
        request.set_guest(guest);
        auto sample = Remote::call(*remote().metrics, &v1::Metrics::Stub::Get, request);
        EXPECT_TRUE(sample) << sample.error().message;
        Counts counts;
        for (const auto& row : sample ? sample->syscalls() : decltype(sample->syscalls()){})
            counts[row.name()] = {row.calls(), row.errors()};
        for (const auto& row : sample ? sample->unknown() : decltype(sample->unknown()){}) {
            EXPECT_EQ(row.number(), uint64_t{SYS_rseq});
            counts["rseq"] = {row.calls(), row.calls()};
        }
        return counts;
    }
    /// The counters once nothing counts any more.
    Counts settled(const std::string& guest) {
        Counts before = counters(guest);
        for (int i = 0; i < 100; i++) {
            std::this_thread::sleep_for(200ms);
            Counts now = counters(guest);
            if (now == before) return now;
            before = now;
        }
        ADD_FAILURE() << guest << " does not come to rest";
        return before;
    }
    void live(const std::string& name, const std::vector<std::string>& program, const Counts& expected) {
        auto guest = launch(name, "echo I am " + name + "; exec sleep 1000");
        ASSERT_TRUE(guest) << guest.error().message;
        EXPECT_EQ(console(name, 0, "\n"), "I am " + name + "\n");
        Counts before = settled(name);
        grpc::ClientContext context;
        context.set_deadline(std::chrono::system_clock::now() + kPatience);
        auto stream = remote().exec->Run(&context);
        v1::ExecRequest start;
        start.mutable_start()->set_guest(name);
        start.mutable_start()->mutable_arguments()->Assign(program.begin(), program.end());
        stream->Write(start);
        std::string out;
        for (v1::ExecResponse response; stream->Read(&response);) {
            out += response.out();
            if (response.has_exited()) {
                EXPECT_EQ(response.exited().value(), 1);
                stream->WritesDone();
            }
        }
        EXPECT_TRUE(stream->Finish().ok());
        EXPECT_THAT(out, HasSubstr("root:"));
        Counts counted = settled(name);
        for (auto& [call, count] : counted) {
            count.calls -= before[call].calls;
            count.errors -= before[call].errors;
        }
        std::erase_if(counted, [](const auto& entry) { return entry.second == Count{}; });
        EXPECT_EQ(print(counted), print(expected));
        std::string file = daemon_.folder() + "/here/" + name;
        ASSERT_EQ(shell("echo for " + name + " >" + file).status, 0);
        EXPECT_EQ(astra("cp " + file + " " + name + ":/tmp/file").out, "");
        EXPECT_EQ(astra("cp " + name + ":/tmp/file " + file + ".back").out, "");
        EXPECT_EQ(shell("cat " + file + ".back").out, "for " + name + "\n");
        auto stopped = call(&v1::Guests::Stub::Stop, name);
        ASSERT_TRUE(stopped) << stopped.error().message;
        EXPECT_EQ(stopped->outcome().kind(), v1::Outcome::KIND_SIGNALLED);
        EXPECT_TRUE(call(&v1::Guests::Stub::Delete, name));
    }
    size_t descriptors() {
        fs::directory_iterator begin("/proc/" + std::to_string(daemon_.pid()) + "/fd");
        return static_cast<size_t>(std::distance(begin, fs::directory_iterator()));
    }
};

TEST_F(Fleet, OfTwentyGuests) {
    image();
    const std::string busybox = daemon_.folder() + "/busybox";
    ASSERT_EQ(shell("tar -xOf " ASTRA_ROOTFS " ./bin/busybox >" + busybox + " && chmod 755 " + busybox +
                    " && mkdir " + daemon_.folder() + "/here")
                  .status,
              0);
    Counts expected = as_in_guest(traced(busybox + " cat /etc/passwd /missing"));
    ASSERT_EQ(expected["openat"], (Count{2, 1})) << print(expected);
    size_t before = descriptors();
    std::vector<std::thread> clients;
    for (int i = 0; i < 20; i++)
        clients.emplace_back([&, i] {
            live("guest" + std::to_string(i), {"/bin/busybox", "cat", "/etc/passwd", "/missing"}, expected);
        });
    for (auto& client : clients) client.join();
    EXPECT_TRUE(processes_with(daemon_.folder() + "/guests/").empty());
    EXPECT_TRUE(fs::is_empty(daemon_.folder() + "/guests"));
    for (int i = 0; i < 50 && descriptors() > before; i++) std::this_thread::sleep_for(100ms);
    EXPECT_LE(descriptors(), before);
}

}  // namespace
}  // namespace astra::tests
