// Fuzzes what a hostile guest can say: any bytes are its side of the control port, cut into pieces; then they
// are its counters region. The same bytes are what a supervisor, and a daemon, say to each other.
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "guest_kernel/abi/counters.hpp"
#include "vmm/base/fd.hpp"
#include "vmm/control/counters.hpp"
#include "vmm/control/session.hpp"
#include "vmm/daemon/file_transfer.hpp"
#include "vmm/daemon/processes.hpp"
#include "vmm/supervisor/protocol.hpp"

namespace {

using namespace astra;
using abi::control::kMaxPayload;
using abi::control::kStreamWindow;

constexpr u64 kPrograms = 3;   // tags 1 to 3 were asked for
constexpr u64 kFileCalls = 2;  // tags 4 and 5
constexpr usize kPiece = 97;

void require(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "broken: %s\n", what);
    std::abort();
}

/// Checks that only what makes sense is reported.
class Watcher : public vmm::SessionEvents {
  public:
    void on_hello(const abi::control::HelloMessage&) override {
        require(!std::exchange(greeted_, true), "one Hello");
    }
    void on_started(u64 tag, const abi::control::StartedMessage&) override { enter(tag, Asked, Running); }
    void on_spawn_failed(u64 tag, u32) override { enter(tag, Asked, Ended); }
    void on_exited(u64 tag, const abi::control::ExitedMessage&) override { enter(tag, Running, Ended); }
    void on_output(u64 tag, u32 stream, std::span<const u8> bytes) override {
        enter(tag, Running, Running);
        require((stream == 1 || stream == 2) && bytes.size() <= kMaxPayload, "output");
    }
    void on_credit(u64 tag, u32 bytes) override {
        enter(tag, Running, Running);
        require(bytes <= kStreamWindow, "credit");
    }
    void on_file_reply(u64 tag, std::span<const u8> payload) override {
        require(greeted_ && tag > kPrograms && tag <= kPrograms + kFileCalls &&
                    !std::exchange(answered_[tag], true),
                "one answer to a file call");
        require(payload.size() >= sizeof(abi::control::FileReplyMessage), "a file reply");
    }
    [[nodiscard]] bool running(u64 tag) const { return states_[tag] == Running; }

  private:
    enum State { Asked, Running, Ended };
    void enter(u64 tag, State from, State to) {
        require(greeted_ && tag >= 1 && tag <= kPrograms && states_[tag] == from,
                "order of a program's frames");
        states_[tag] = to;
    }
    std::array<State, kPrograms + 1> states_{};
    std::array<bool, kPrograms + kFileCalls + 1> answered_{};
    bool greeted_ = false;
};

void check_session(std::span<const u8> bytes) {
    int ends[2];
    require(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0, "socketpair");
    Watcher watcher;
    vmm::Session session(vmm::Fd(ends[0]), watcher);
    vmm::Fd guest(ends[1]);
    for (u64 tag = 1; tag <= kPrograms; tag++)
        require(session.spawn(tag, {.workdir = "/", .arguments = {"x"}, .environment = {}}).has_value(),
                "spawn");
    for (u64 tag = kPrograms + 1; tag <= kPrograms + kFileCalls; tag++) session.call_files(tag, {});
    const std::vector<u8> input(1000);
    for (bool sound = true; sound && !bytes.empty();) {
        auto piece = bytes.first(std::min(bytes.size(), kPiece));
        bytes = bytes.subspan(piece.size());
        require(::send(guest.get(), piece.data(), piece.size(), 0) == static_cast<ssize_t>(piece.size()),
                "send");
        sound = session.receive().has_value();
        for (u64 tag = 1; tag <= kPrograms; tag++) {
            usize room = session.input_capacity(tag);
            require(room <= kStreamWindow && (room == 0 || watcher.running(tag)), "the input window");
            require(session.send_input(tag, input) == std::min(room, input.size()), "input that is taken");
        }
        require(session.flush().has_value(), "flush");
        std::array<u8, 64 * 1024> sent;
        while (::recv(guest.get(), sent.data(), sent.size(), 0) > 0) {}
    }
}

/// A guest that answers file calls with the bytes, some at a time: from the first byte how many, then those.
class Answerer : public vmm::daemon::ProgramHost {
  public:
    explicit Answerer(std::span<const u8> bytes) : bytes_(bytes) {}
    bool send(abi::control::Type, u64, std::span<const u8>, std::span<const u8>,
              std::chrono::milliseconds) override {
        if (bytes_.empty()) return channel->lose(), true;
        usize count = std::min<usize>(bytes_[0], bytes_.size() - 1);
        channel->deliver(bytes_.subspan(1, count));
        bytes_ = bytes_.subspan(1 + count);
        return true;
    }
    void forget(u64, bool) override {}
    void resume_reading() override {}
    vmm::daemon::FileChannel* channel = nullptr;

  private:
    std::span<const u8> bytes_;
};

/// What is made of the files of a guest that says anything.
void check_files(std::span<const u8> bytes) {
    auto wanted = []() -> vmm::Result<void> { return {}; };
    usize budget = usize{16} << 20;  // a file may well be said to be of exabytes
    vmm::image::ByteSink sink = [&](std::span<const u8> some) -> vmm::Result<void> {
        if (some.size() > budget) return vmm::fail(vmm::Code::Cancelled, "enough");
        budget -= some.size();
        return {};
    };
    auto talk = [&](auto use) {
        auto host = std::make_shared<Answerer>(bytes);
        vmm::daemon::FileChannel channel(host, 1);
        host->channel = &channel;
        use(channel);
    };
    talk([&](auto& channel) { (void)vmm::daemon::copy_out(channel, "/x", sink, wanted); });
    talk([&](auto& channel) { (void)vmm::daemon::list_processes(channel, wanted); });
    talk([&](auto& channel) {
        auto entries = channel.list("/", wanted);
        if (!entries) return;
        for (const auto& entry : *entries)
            require(!entry.name.empty() && entry.name != ".." && entry.name.find('/') == entry.name.npos,
                    "a name is one component");
    });
}

void check_frames(std::span<const u8> bytes, std::span<const vmm::FrameRule> rules) {
    vmm::FrameParser parser(rules);
    bool fed = true;
    auto sink = [&](const vmm::Frame& frame) -> vmm::Result<void> {
        auto rule = std::ranges::find(rules, frame.type, &vmm::FrameRule::type);
        require(
            rule != rules.end() && frame.payload.size() >= rule->fixed && frame.payload.size() <= kMaxPayload,
            "a frame");
        return {};
    };
    while (fed && !bytes.empty()) {
        auto piece = bytes.first(std::min(bytes.size(), kPiece));
        bytes = bytes.subspan(piece.size());
        fed = parser.feed(piece, sink).has_value();
    }
    require(fed || !parser.feed({}, sink), "an error ends the stream");
}

/// The bytes over and over are what two CPUs counted.
void check_counters(std::span<const u8> bytes) {
    using namespace abi::counters;
    if (bytes.empty()) return;
    std::vector<u64> region(region_bytes(2) / sizeof(u64));
    auto* at = reinterpret_cast<u8*>(region.data());
    for (usize i = 0; i < region_bytes(2); i++) at[i] = bytes[i % bytes.size()];
    auto* head = reinterpret_cast<Head*>(at);
    head->magic = kMagic;
    head->version = kVersion;
    auto statistics = vmm::CountersReader({at, region_bytes(2)}).read();
    require(statistics.has_value(), "a region with a sound head can be read");
    for (const auto& row : statistics->syscalls)
        require(!row.name.empty() && row.p50_ns <= row.p99_ns && row.p99_ns <= row.max_ns, "a row");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const u8* data, size_t size) {
    std::span<const u8> bytes(data, size);
    check_session(bytes);
    check_frames(bytes, vmm::supervisor::kSupervisorRules);
    check_frames(bytes, vmm::supervisor::kDaemonRules);
    check_counters(bytes);
    check_files(bytes);
    return 0;
}
