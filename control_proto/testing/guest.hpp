// For tests of programs: a guest per test, launched through the daemon, with what it wrote and what it called
// at hand. Needs GoogleTest.
//
//   TEST(MyServer, AnswersWithoutForking) {
//       astra::testing::Guest guest({.rootfs = "rootfs.tar", .arguments = {"/server", "--once"}});
//       EXPECT_EQ(guest.wait(), 0);
//       EXPECT_EQ(guest.output(), "ready\n");
//       EXPECT_EQ(guest.calls("fork"), 0u);
//   }
#pragma once
#include <string>
#include <vector>

#include "control_proto/remote.hpp"

namespace astra::testing {

struct GuestOptions {
    std::string rootfs;  // archive; imported once, found again afterwards
    std::vector<std::string> arguments;
    std::vector<std::string> environment = {};
    std::string engine = "auto";
    unsigned cpus = 1;
    uint64_t memory_bytes = uint64_t{256} << 20;
    std::string address = control::default_address();  // of the daemon
    std::chrono::milliseconds patience{60'000};        // for everything together that is waited for
};

/// A running guest; its end is the end of the guest. Every failure of a call fails the current test and says
/// why.
class Guest {
  public:
    explicit Guest(GuestOptions options);
    ~Guest();
    Guest(const Guest&) = delete;
    Guest& operator=(const Guest&) = delete;

    /// Waits for the program's end: its exit status, 128 + n for signal n, -1 when it has none (see
    /// outcome()).
    int wait();
    /// How it ended, after wait().
    [[nodiscard]] const v1::Outcome& outcome() const { return guest_.outcome(); }
    /// What it has written so far to standard output (or error).
    [[nodiscard]] std::string output(v1::ConsoleStream stream = v1::CONSOLE_STREAM_OUT);
    /// Waits until standard output contains `text`; false when it ended, or patience did, before.
    bool wait_for_output(const std::string& text);

    /// Runs another program in the guest, with that input; its exit status as wait()'s.
    int run(const std::vector<std::string>& arguments, std::string* output = nullptr,
            const std::string& input = {});

    /// Counters as they are now.
    [[nodiscard]] v1::MetricsSample metrics();
    /// How often a system call was made.
    [[nodiscard]] uint64_t calls(const std::string& syscall);

    [[nodiscard]] const v1::Guest& info() const { return guest_; }
    [[nodiscard]] control::Remote& remote() { return *remote_; }

  private:
    std::unique_ptr<control::Remote> remote_;
    std::chrono::milliseconds patience_;
    v1::Guest guest_;
};

}  // namespace astra::testing
