// Driving one guest from this process.
#include "vmm/engines/local_run.hpp"

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/wait.h>

#include "guest_kernel/abi/counters.hpp"
#include "vmm/control/counters.hpp"

namespace astra::vmm {
namespace {

using control::Outcome;
using namespace abi::control;

// Ids in the wait set.
enum Id : u64 { kControlId, kProcessId, kTapId };
enum Tap : usize { kSerialTap, kConsoleTap, kErrorTap };

Outcome lost(std::string message, std::string hint = {}) {
    return {.kind = Outcome::Kind::Lost, .message = std::move(message), .hint = std::move(hint)};
}

std::span<const u8> as_u8(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const u8*>(bytes.data()), bytes.size()};
}

}  // namespace

Result<std::unique_ptr<LocalRun>> LocalRun::start(RunRequest request, control::RunEvents& events) {
    auto waits = TRY(WaitSet::create());
    std::unique_ptr<LocalRun> run(new LocalRun(std::move(request), events, std::move(waits)));
    TRY(run->launch());
    return run;
}

LocalRun::Attempt::Attempt(Machine started, LocalRun& run)
    : machine(std::move(started)), session(std::move(machine.control), run) {
    auto tell = [&run](const char* who) {
        return
            [&run, who](std::string_view line) { run.events_.on_detail(fmt::format("{}: {}", who, line)); };
    };
    taps.emplace_back(std::move(machine.log), tell("serial"));
    taps.emplace_back(std::move(machine.console), tell("console"));
    taps.emplace_back(std::move(machine.errors), tell("vmm"));
}

Result<void> LocalRun::launch() {
    attempt_ = std::make_unique<Attempt>(TRY(request_.engine->launch(request_.machine)), *this);
    for (usize i = 0; i < attempt_->taps.size(); i++)
        TRY(waits_.watch(attempt_->taps[i].fd(), kTapId + i, EPOLLIN));
    TRY(waits_.watch(attempt_->machine.process.pidfd(), kProcessId, EPOLLIN));
    TRY(waits_.watch(attempt_->session.fd(), kControlId, EPOLLIN));
    waits_.set_deadline(kBootLimit);
    return {};
}

std::optional<Outcome> LocalRun::advance() {
    if (!finished_) {
        for (WaitSet::Event event : waits_.ready()) handle(event);
        if (attempt_->ended && !attempt_->control_open) finish_attempt();
    }
    if (!finished_ || told_) return std::nullopt;
    told_ = true;
    return std::move(outcome_);
}

void LocalRun::handle(WaitSet::Event event) {
    switch (event.id) {
        case WaitSet::kDeadline: return take_deadline();
        case kControlId:
            if (event.events & EPOLLOUT) flush();
            if (event.events & (EPOLLIN | EPOLLHUP | EPOLLERR)) receive();
            return;
        case kProcessId:
            attempt_->ended = true;
            waits_.remove(attempt_->machine.process.pidfd());
            // What it had sent is still in the socket; killed guests are not listened to.
            if (attempt_->control_open && !paused_) receive();
            return;
        default: return hear(event.id - kTapId);
    }
}

void LocalRun::receive() {
    if (!attempt_->control_open || paused_) return;
    auto peer = attempt_->session.receive();
    if (!peer) {
        abandon(lost(peer.error().message, "the guest kernel is broken or hostile; it was stopped"));
    } else if (*peer == Session::Peer::Closed) {
        close_control();
        if (!attempt_->ended) waits_.set_deadline(kExitLimit);
    } else {
        flush();  // what the events asked for
    }
}

void LocalRun::flush() {
    if (!attempt_->control_open) return;
    if (auto sent = attempt_->session.flush(); !sent) return abandon(lost(sent.error().message));
    watch_control();
}

void LocalRun::watch_control() {
    if (!attempt_->control_open) return;
    u32 events = (paused_ ? 0u : u32{EPOLLIN}) | (attempt_->session.wants_write() ? u32{EPOLLOUT} : 0u);
    // A socket whose peer is gone is always ready (EPOLLHUP): while paused it must not be watched at all.
    if (events == 0) return waits_.remove(attempt_->session.fd());
    if (auto watched = waits_.watch(attempt_->session.fd(), kControlId, events); !watched)
        abandon(lost(watched.error().message));
}

void LocalRun::close_control() {
    attempt_->control_open = false;
    waits_.remove(attempt_->session.fd());
}

void LocalRun::hear(u64 tap) {
    LogTap& source = attempt_->taps[tap];
    if (source.drain() == LogTap::Source::Ended) waits_.remove(source.fd());
}

void LocalRun::take_deadline() {
    if (outcome_ || attempt_->panicked || attempt_->wrong_build) return attempt_->machine.process.kill();
    if (!attempt_->control_open)
        return abandon(
            lost(fmt::format("{} left the control port but did not end", request_.engine->program())));
    std::string line = attempt_->taps[kSerialTap].last_line();
    abandon(lost(fmt::format("the guest kernel did not come up within {} s{}{}", kBootLimit.count(),
                             line.empty() ? "" : "; its last words: ", line),
                 "run again with --verbose; if the host is very busy, try once more"));
}

void LocalRun::on_hello(const HelloMessage& hello) {
    attempt_->greeted = true;
    boot_ns_ = hello.boot_ns;
    waits_.set_deadline({});
    map_counters(hello);
    events_.on_detail(fmt::format("guest kernel up after {:.1f} ms with {} CPU(s)",
                                  static_cast<double>(hello.boot_ns) / 1e6, hello.cpus_online));
    if (auto asked = attempt_->session.spawn(kTag, request_.program); !asked)
        conclude(lost(asked.error().message, asked.error().hint));
}

void LocalRun::map_counters(const HelloMessage& hello) {
    // The size is the guest's word: it decides nothing but how many CPU blocks are looked at.
    u64 size = std::min<u64>(hello.counters_size, abi::counters::region_bytes(abi::counters::kMaxCpus));
    auto mapped = attempt_->machine.shared.map(PhysAddr(hello.counters_phys), size);
    if (!mapped) return events_.on_detail("no counters: " + mapped.error().message);
    attempt_->counters = std::move(*mapped);
    attempt_->counters_offset =
        attempt_->machine.shared.offset_of(PhysAddr(hello.counters_phys), size).value_or(0);
    CountersReader(attempt_->counters.span()).set_timing(request_.timing);
}

void LocalRun::on_started(u64 tag, const StartedMessage& message) {
    if (tag != kTag) return others_->on_started(tag, message);
    started_ns_ = message.boot_ns;
    events_.on_started();
}

void LocalRun::on_spawn_failed(u64 tag, u32 error) {
    if (tag != kTag) return others_->on_spawn_failed(tag, error);
    conclude({.kind = Outcome::Kind::SpawnFailed,
              .value = static_cast<int>(error),
              .message = fmt::format("{}: {}", request_.program.arguments.front(),
                                     ::strerror(static_cast<int>(error)))});
}

void LocalRun::on_output(u64 tag, u32 stream, std::span<const u8> bytes) {
    if (tag != kTag) return others_->on_output(tag, stream, bytes);
    events_.on_output(static_cast<control::Stream>(stream), std::as_bytes(bytes));
}

void LocalRun::on_credit(u64 tag, u32 bytes) {
    if (others_) others_->on_credit(tag, bytes);
}

void LocalRun::on_file_reply(u64 tag, std::span<const u8> payload) {
    if (others_) others_->on_file_reply(tag, payload);
}

void LocalRun::on_exited(u64 tag, const ExitedMessage& message) {
    if (tag != kTag) return others_->on_exited(tag, message);
    int status = static_cast<int>(message.wait_status);
    bool exited = WIFEXITED(status);
    conclude({.kind = exited ? Outcome::Kind::Exited : Outcome::Kind::Signalled,
              .value = exited ? WEXITSTATUS(status) : WTERMSIG(status),
              .program_ns = message.boot_ns - started_ns_});
}

void LocalRun::on_out_of_memory(const OutOfMemoryMessage& message, std::string_view victim) {
    events_.on_warning(fmt::format(
        "the guest ran out of memory and killed {} (pid {}, {} MiB resident); it has {} MiB, "
        "give it more with --memory",
        printable(victim), message.pid, message.resident_bytes >> 20, request_.machine.memory_mib));
}

void LocalRun::on_panicked(const PanickedMessage&, std::string_view report) {
    attempt_->panicked = true;
    for (usize at = 0; at < report.size();) {
        usize end = std::min(report.find('\n', at), report.size());
        attempt_->panic_report += printable(report.substr(at, end - at)) + "\n";
        at = end + 1;
    }
    if (outcome_) events_.on_warning("the guest kernel panicked after the program had ended");
    waits_.set_deadline(kExitLimit);  // it leaves through the doorbell; if it cannot, the process is killed
}

void LocalRun::on_wrong_build(const WrongBuildMessage&) {
    attempt_->wrong_build = true;
    waits_.set_deadline(kExitLimit);
}

void LocalRun::conclude(Outcome outcome) {
    if (outcome_) return;
    outcome_ = std::move(outcome);
    attempt_->session.shutdown();
    waits_.set_deadline(kExitLimit);
}

void LocalRun::abandon(Outcome outcome) {
    if (!outcome_) outcome_ = std::move(outcome);
    attempt_->machine.process.kill();
    close_control();
}

EndFacts LocalRun::end_facts(int wait_status) const {
    EndFacts facts{
        .end = attempt_->wrong_build ? MachineEnd::WrongBuild : request_.engine->end_of(wait_status),
        .wait_status = wait_status,
        .greeted = attempt_->greeted,
        .panicked = attempt_->panicked,
        .panic_report = attempt_->panic_report,
        .program = std::string(request_.engine->program()),
        .kernel_name = request_.kernel_name,
        .errors = {attempt_->taps[kErrorTap].lines().begin(), attempt_->taps[kErrorTap].lines().end()},
        .log = {}};
    for (Tap tap : {kConsoleTap, kSerialTap})
        for (const std::string& line : attempt_->taps[tap].lines()) facts.log += line + "\n";
    return facts;
}

void LocalRun::finish_attempt() {
    for (usize i = 0; i < attempt_->taps.size(); i++) hear(i);
    int status = attempt_->machine.process.status().value_or(0);
    EndFacts facts = end_facts(status);
    if (!outcome_ && facts.end == MachineEnd::WrongBuild && try_other_kernel()) return;
    if (!outcome_) outcome_ = explain_end(facts);
    outcome_->engine = request_.engine->name();
    outcome_->kernel = request_.kernel_name;
    outcome_->boot_ns = boot_ns_;
    if (attempt_->counters.valid()) {
        if (auto statistics = CountersReader(attempt_->counters.span()).read())
            outcome_->statistics = std::move(*statistics);
        else
            events_.on_detail("no counters: " + statistics.error().message);
    }
    finished_ = true;
}

bool LocalRun::try_other_kernel() {
    if (request_.other_kernel.empty()) return false;
    for (const LogTap& tap : attempt_->taps) waits_.remove(tap.fd());
    request_.machine.kernel = std::exchange(request_.other_kernel, {});
    std::string wrong =
        std::exchange(request_.kernel_name, request_.kernel_name == "flat" ? "isolated" : "flat");
    events_.on_detail(fmt::format("the {} kernel build is wrong for this machine; trying the {} one", wrong,
                                  request_.kernel_name));
    auto launched = launch();
    if (!launched) outcome_ = lost(launched.error().message, launched.error().hint);
    return launched.has_value();
}

size_t LocalRun::input_capacity() const { return finished_ ? 0 : attempt_->session.input_capacity(kTag); }

size_t LocalRun::send_input(std::span<const std::byte> bytes) {
    size_t taken = finished_ ? 0 : attempt_->session.send_input(kTag, as_u8(bytes));
    flush();
    return taken;
}

void LocalRun::end_input() {
    attempt_->session.end_input(kTag);
    flush();
}

bool LocalRun::signal(int number) {
    bool taken = !finished_ && attempt_->session.signal(kTag, static_cast<u32>(number));
    flush();
    return taken;
}

void LocalRun::resize(control::WindowSize size) {
    attempt_->session.resize(kTag, size.rows, size.columns);
    flush();
}

void LocalRun::pause_output(bool paused) {
    if (paused_ == paused || finished_) return;
    paused_ = paused;
    // A peer that went away meanwhile would not show as an event of a socket watched for nothing.
    watch_control();
}

Session* LocalRun::session() {
    bool open = !finished_ && !outcome_ && attempt_->greeted && attempt_->control_open;
    return open ? &attempt_->session : nullptr;
}

void LocalRun::suspend(bool stopped) {
    if (!finished_) request_.engine->suspend(attempt_->machine.process, stopped);
}

pid_t LocalRun::machine_pid() const { return finished_ ? 0 : attempt_->machine.process.pid(); }

LocalRun::CountersView LocalRun::counters() const {
    if (!attempt_->counters.valid()) return {};
    return {attempt_->counters.span(), attempt_->machine.shared.fd(), attempt_->counters_offset};
}

void LocalRun::kill() {
    if (!finished_) abandon({.kind = Outcome::Kind::Killed, .message = "the guest was killed"});
}

}  // namespace astra::vmm
