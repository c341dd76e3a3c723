// The supervisor's loop, its link to the daemon, its records.
#include "vmm/supervisor/supervisor.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>

#include "vmm/base/durable_file.hpp"
#include "vmm/base/io.hpp"
#include "vmm/engines/prepare.hpp"
#include "vmm/supervisor/protocol.hpp"
#include "vmm/supervisor/records.hpp"

namespace astra::vmm::supervisor {

using control::Outcome;
using namespace abi::control;
using namespace std::chrono_literals;

namespace {

constexpr int kLastWordsMs = 1000;  // for a daemon to take what is queued when the guest has ended

Outcome lost(const Error& error) {
    return {.kind = Outcome::Kind::Lost, .message = error.message, .hint = error.hint};
}

}  // namespace

Result<void> Supervisor::supervise(GuestFiles files, const std::string& store, Fd listener) {
    auto log = TRY(ConsoleLog::create(files.console()));
    Supervisor supervisor(std::move(files), std::move(listener), std::move(log));
    Outcome outcome = supervisor.run(store);
    TRY(supervisor.leave_records(std::move(outcome)));
    if (!supervisor.link_) return {};
    // The end of this connection is how the daemon learns of the record; what is queued goes first.
    pollfd room{supervisor.link_->fd(), POLLOUT, 0};
    while (supervisor.link_->wants_write() && ::poll(&room, 1, kLastWordsMs) > 0)
        if (!supervisor.link_->flush()) break;
    return {};
}

Outcome Supervisor::run(const std::string& store) {
    auto text = read_file(files_.record());
    if (!text) return lost(text.error());
    auto record = parse_guest_record(*text);
    if (!record) return lost(record.error());
    auto request = prepare(record->spec, store, *this);
    if (!request) return lost(request.error());
    auto run = LocalRun::start(std::move(*request), *this);
    if (!run) return lost(run.error());
    run_ = std::move(*run);
    run_->share_session(*this);
    for (;;)
        if (auto outcome = step()) return std::move(*outcome);
}

std::optional<Outcome> Supervisor::step() {
    pollfd set[3] = {{run_->poll_fd(), POLLIN, 0}, {listener_.get(), POLLIN, 0}, {-1, 0, 0}};
    if (link_) {
        short events = POLLIN;
        if (link_->wants_write()) events |= POLLOUT;
        set[2] = {link_->fd(), events, 0};
    }
    if (::poll(set, 3, poll_timeout()) < 0 && errno != EINTR) return lost(fail_errno("poll").error());
    if (kill_at_ && Clock::now() >= *kill_at_) {
        kill_at_.reset();
        pause(false);
        run_->kill();
    }
    if (set[1].revents)
        accept_daemon();
    else if (set[2].revents)
        serve_link(set[2].revents);
    auto outcome = run_->advance();
    if (log_failure_) return lost(*log_failure_);
    if (run_->boot_ns() != told_boot_ns_) {
        told_boot_ns_ = run_->boot_ns();
        report_status();
    }
    if (link_ && told_console_ != log_.end() && link_->backlog() <= kBacklog) {
        told_console_ = log_.end();
        link_->send(kConsole, kMainTag, bytes_of(ConsoleMessage{told_console_}));
    }
    if (link_ && !link_->flush()) drop_daemon();
    run_->pause_output(link_ && link_->backlog() > kBacklog);
    run_->flush();
    return outcome;
}

int Supervisor::poll_timeout() const {
    if (!kill_at_) return -1;
    auto left = std::chrono::ceil<std::chrono::milliseconds>(*kill_at_ - Clock::now());
    return static_cast<int>(std::max<i64>(left.count(), 0));
}

void Supervisor::accept_daemon() {
    Fd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!socket.valid()) return;
    drop_daemon();
    link_ = std::make_unique<FrameLink>(std::move(socket), kDaemonRules);
    told_console_ = 0;
    report_status();
}

/// What the daemon had started is hung up, as by a terminal that went away.
void Supervisor::drop_daemon() {
    link_.reset();
    if (Session* session = run_->session()) {
        for (auto [daemon_tag, tag] : guest_tags_) {
            session->end_input(tag);
            session->signal(tag, SIGHUP);
        }
    }
    guest_tags_.clear();
    daemon_tags_.clear();
    file_calls_.clear();
}

void Supervisor::serve_link(short events) {
    bool open = true;
    if (events & (POLLIN | POLLHUP | POLLERR))
        open = link_->receive([this](const Frame& frame) { return handle(frame); });
    if (!open || !link_->flush()) drop_daemon();
}

Result<void> Supervisor::handle(const Frame& frame) {
    // What is about the machine; all the rest is about one program.
    if (frame.type == kStop) stop(std::chrono::milliseconds(frame.message<StopMessage>().grace_ms));
    if (frame.type == kKill) stop(0ms);
    if (frame.type == kPause || frame.type == kResume) pause(frame.type == kPause);
    if (frame.type == Type::Spawn) spawn(frame.tag, frame.payload);
    if (frame.type == Type::FileCall) call_files(frame.tag, frame.payload);
    auto found = guest_tags_.find(frame.tag);
    u64 tag = frame.tag == kMainTag ? kMainTag : found != guest_tags_.end() ? found->second : 0;
    Session* session = run_->session();
    if (tag == 0 || !session) return {};  // it has ended meanwhile
    if (frame.type == Type::Signal) session->signal(tag, frame.message<SignalMessage>().signal);
    if (frame.type == Type::Resize) {
        auto size = frame.message<ResizeMessage>();
        session->resize(tag, size.rows, size.columns);
    }
    if (frame.type == Type::Input) {
        auto bytes = frame.tail<StreamMessage>();
        if (bytes.empty()) session->end_input(tag);
        // The daemon keeps to the same window; what a program does not take any more is dropped with it.
        session->send_input(tag, bytes);
    }
    return {};
}

void Supervisor::spawn(u64 tag, std::span<const u8> request) {
    Session* session = run_->session();
    auto refuse = [&](u32 error) {
        link_->send(Type::SpawnFailed, tag, bytes_of(SpawnFailedMessage{.error = error, .reserved = 0}));
    };
    if (!session || tag == kMainTag || guest_tags_.contains(tag)) return refuse(ESRCH);
    if (session->crowded()) return refuse(EAGAIN);
    u64 guest_tag = next_tag_++;
    guest_tags_[tag] = guest_tag;
    daemon_tags_[guest_tag] = tag;
    session->spawn_encoded(guest_tag, request);
}

void Supervisor::call_files(u64 tag, std::span<const u8> call) {
    Session* session = run_->session();
    if (!session || session->crowded()) {
        u32 error = session ? EAGAIN : ESRCH;
        return link_->send(Type::FileReply, tag,
                           bytes_of(FileReplyMessage{.error = error, .reserved = 0, .next = 0}));
    }
    u64 guest_tag = next_tag_++;
    file_calls_[guest_tag] = tag;
    session->call_files(guest_tag, call);
}

void Supervisor::stop(std::chrono::milliseconds grace) {
    auto when = Clock::now() + std::min<std::chrono::milliseconds>(grace, 24h);
    if (!kill_at_ || when < *kill_at_) kill_at_ = when;
    if (grace == 0ms) return;
    pause(false);
    run_->signal(SIGTERM);  // a program that does not run yet is sent it when it does
}

void Supervisor::pause(bool paused) {
    if (paused_ == paused) return;
    paused_ = paused;
    run_->suspend(paused);
    report_status();
}

void Supervisor::report_status() {
    if (!link_ || !run_) return;
    auto counters = run_->counters();
    StatusMessage message{.running = running_,
                          .paused = paused_,
                          .supervisor_pid = ::getpid(),
                          .machine_pid = run_->machine_pid(),
                          .boot_ns = run_->boot_ns(),
                          .counters_fd = counters.fd,
                          .input_window = static_cast<u32>(run_->input_capacity()),
                          .counters_offset = counters.offset,
                          .counters_length = counters.bytes.size()};
    std::string names = std::string(run_->engine_name()) + '\0' + run_->kernel_name() + '\0';
    link_->send(kStatus, kMainTag, bytes_of(message),
                {reinterpret_cast<const u8*>(names.data()), names.size()});
}

void Supervisor::send(Type type, u64 guest_tag, std::span<const u8> message, std::span<const u8> tail) {
    if (!link_) return;
    if (guest_tag == kMainTag) return link_->send(type, kMainTag, message, tail);
    auto found = daemon_tags_.find(guest_tag);
    if (found != daemon_tags_.end()) link_->send(type, found->second, message, tail);
}

void Supervisor::append(ConsoleStream stream, std::span<const std::byte> bytes) {
    auto written = log_.append(stream, {reinterpret_cast<const u8*>(bytes.data()), bytes.size()});
    if (written || log_failure_) return;
    log_failure_ = written.error();
    log_failure_->message = "the console log: " + log_failure_->message;
}

void Supervisor::on_output(control::Stream stream, std::span<const std::byte> bytes) {
    append(stream == control::Stream::Out ? ConsoleStream::Out : ConsoleStream::Error, bytes);
}

void Supervisor::on_started() {
    running_ = true;
    if (kill_at_ && run_) run_->signal(SIGTERM);
    report_status();
}

void Supervisor::on_warning(std::string_view line) {
    on_detail(line);
    if (link_) link_->send(kWarning, kMainTag, {}, {reinterpret_cast<const u8*>(line.data()), line.size()});
}

void Supervisor::on_detail(std::string_view line) {
    std::string whole = std::string(line) + "\n";
    append(ConsoleStream::Log, std::as_bytes(std::span(whole)));
}

void Supervisor::on_started(u64 tag, const StartedMessage& message) {
    send(Type::Started, tag, bytes_of(message));
    // Its daemon went away while it was being started.
    Session* session = run_->session();
    if (daemon_tags_.contains(tag) || !session) return;
    session->end_input(tag);
    session->signal(tag, SIGHUP);
}

void Supervisor::on_spawn_failed(u64 tag, u32 error) {
    send(Type::SpawnFailed, tag, bytes_of(SpawnFailedMessage{.error = error, .reserved = 0}));
}

void Supervisor::on_output(u64 tag, u32 stream, std::span<const u8> bytes) {
    send(Type::Output, tag, bytes_of(StreamMessage{.stream = stream, .reserved = 0}), bytes);
}

void Supervisor::on_credit(u64 tag, u32 bytes) {
    send(Type::Credit, tag, bytes_of(CreditMessage{.stream = 0, .bytes = bytes}));
}

void Supervisor::on_file_reply(u64 tag, std::span<const u8> payload) {
    auto call = file_calls_.extract(tag);
    if (call && link_) link_->send(Type::FileReply, call.mapped(), payload);
}

void Supervisor::on_exited(u64 tag, const ExitedMessage& message) {
    send(Type::Exited, tag, bytes_of(message));
    if (auto found = daemon_tags_.find(tag); found != daemon_tags_.end()) {
        guest_tags_.erase(found->second);
        daemon_tags_.erase(found);
    }
}

Result<void> Supervisor::leave_records(Outcome outcome) const {
    if (run_ && !run_->counters().bytes.empty()) {
        auto bytes = run_->counters().bytes;
        Fd file(::open(files_.counters().c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
        if (!file.valid()) return fail_errno(files_.counters());
        TRY(write_all(file.get(), bytes));
    }
    return write_durably(files_.exit_record(),
                         to_json({.outcome = std::move(outcome), .ended_unix_ns = unix_ns()}));
}

}  // namespace astra::vmm::supervisor
