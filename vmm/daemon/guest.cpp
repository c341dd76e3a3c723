// A guest's life, and its link to the supervisor.
#include "vmm/daemon/guest.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include "vmm/base/durable_file.hpp"
#include "vmm/base/mapped_file.hpp"
#include "vmm/supervisor/console_log.hpp"

namespace astra::vmm::daemon {

using namespace abi::control;
using control::Outcome;

namespace {

constexpr std::chrono::milliseconds kKillPatience{2000};  // before its supervisor is killed
constexpr std::array kStateNames{"created", "starting", "running", "paused", "ended", "broken"};

/// The address of the socket in `folder`, by way of a descriptor: the path itself may be too long for one.
Result<sockaddr_un> socket_address(const Fd& folder) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::string path = "/proc/self/fd/" + std::to_string(folder.get()) + "/socket";
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    return address;
}

Result<Fd> open_folder(const std::string& path) {
    Fd folder(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!folder.valid()) return fail_errno(path);
    return folder;
}

Result<Fd> make_socket() {
    Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket.valid()) return fail_errno("socket");
    return socket;
}

}  // namespace

const char* state_name(GuestState state) { return kStateNames[static_cast<usize>(state)]; }

Guest::Guest(GuestContext& context, GuestFiles files, GuestRecord record)
    : context_(context),
      files_(std::move(files)),
      name_(record.name),
      created_unix_ns_(record.created_unix_ns),
      record_(std::move(record)) {}

Guest::~Guest() {
    if (child_) child_->disown();  // guests outlive the daemon
}

void Guest::set_broken(const Error& why) {
    std::lock_guard lock(mutex_);
    exit_ = ExitRecord{.outcome = {.kind = Outcome::Kind::Lost, .message = why.message, .hint = why.hint},
                       .ended_unix_ns = 0};
    set_state(GuestState::Broken, "guest.broken", why.message);
}

void Guest::adopt() {
    std::lock_guard lock(mutex_);
    if (record_.started_unix_ns == 0) return;
    if (::access(files_.exit_record().c_str(), F_OK) == 0 || !connect()) return conclude();
    state_ = GuestState::Starting;
    adopted_ = true;
    settled_ = false;
}

GuestInfo Guest::info() const {
    std::lock_guard lock(mutex_);
    return info_locked();
}

GuestInfo Guest::info_locked() const {
    return {.record = record_,
            .state = state_,
            .engine = engine_,
            .kernel = kernel_,
            .boot_ns = exit_ ? exit_->outcome.boot_ns : status_.boot_ns,
            .machine_pid = link_ ? status_.machine_pid : 0,
            .console_end = console_end_,
            .exit = exit_};
}

Result<void> Guest::start() {
    std::lock_guard lock(mutex_);
    if (state_ != GuestState::Created)
        return fail(Code::FailedPrecondition, "guest " + record_.name + " is " + state_name(state_),
                    "a guest is started once; create another one", "GUEST_NOT_CREATED");
    record_.started_unix_ns = unix_ns();
    TRY(write_durably(files_.record(), to_json(record_)));
    set_state(GuestState::Starting, "guest.starting");
    auto started = start_supervisor();
    if (started) {
        if (!connect()) conclude();  // it is gone already, and has said why
        return {};
    }
    child_.reset();
    ExitRecord failed{.outcome = {.kind = Outcome::Kind::Lost,
                                  .message = started.error().message,
                                  .hint = started.error().hint},
                      .ended_unix_ns = unix_ns()};
    TRY(write_durably(files_.exit_record(), to_json(failed)));
    conclude();
    return started;
}

Result<void> Guest::start_supervisor() {
    Fd listener = TRY(listen());
    Fd errors(::open(files_.errors().c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
    if (!errors.valid()) return fail_errno(files_.errors());
    ProcessSpec spec{.program = context_.supervisor,
                     .arguments = {files_.folder, context_.image_store},
                     .inherited = {},
                     .errors = std::move(errors),
                     .detached = true};
    spec.inherit(std::move(listener));
    child_ = TRY(Process::start(std::move(spec)));
    child_watch_ = TRY(context_.reactor.add(child_->pidfd(), EPOLLIN, [weak = weak_from_this()](u32) {
        if (auto self = weak.lock()) self->reap();
    }));
    return {};
}

Result<Fd> Guest::listen() const {
    Fd folder = TRY(open_folder(files_.folder));
    sockaddr_un address = TRY(socket_address(folder));
    ::unlink(files_.socket().c_str());
    Fd listener = TRY(make_socket());
    if (::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) < 0 ||
        ::listen(listener.get(), 4) < 0)
        return fail_errno(files_.socket());
    return listener;
}

Result<void> Guest::connect() {
    Fd folder = TRY(open_folder(files_.folder));
    sockaddr_un address = TRY(socket_address(folder));
    Fd socket = TRY(make_socket());
    if (::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) < 0)
        return fail_errno(files_.socket());
    link_ = std::make_unique<supervisor::FrameLink>(std::move(socket), supervisor::kSupervisorRules);
    link_watch_ = TRY(context_.reactor.add(link_->fd(), EPOLLIN, [weak = weak_from_this()](u32 events) {
        if (auto self = weak.lock()) self->serve_link(events);
    }));
    return {};
}

void Guest::let_go() {
    std::lock_guard lock(mutex_);
    context_.reactor.remove(std::exchange(link_watch_, 0));
    context_.reactor.remove(std::exchange(child_watch_, 0));
    link_.reset();
    main_.reset();
}

void Guest::reap() {
    std::lock_guard lock(mutex_);
    if (!child_ || !child_->status()) return;
    context_.reactor.remove(std::exchange(child_watch_, 0));
    child_.reset();
}

void Guest::serve_link(u32 events) {
    // Programs and channels are let go of only after the lock is: their end may call back.
    std::vector<std::shared_ptr<void>> held;
    std::lock_guard lock(mutex_);
    for (auto& [tag, program] : programs_) held.push_back(program.lock());
    for (auto& [tag, channel] : channels_) held.push_back(channel.lock());
    if (!link_) return;
    bool open = true;
    if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
        open = link_->receive([this](const Frame& frame) { return handle(frame); });
    if (!open) return conclude();
    flush();
}

Result<void> Guest::handle(const Frame& frame) {
    using Event = Program::Event;
    if (frame.type == supervisor::kStatus) return take_status(frame), Result<void>();
    if (frame.type == supervisor::kConsole) {
        console_end_ = frame.message<supervisor::ConsoleMessage>().end;
        changed_.notify_all();
        return {};
    }
    if (frame.type == supervisor::kWarning) {
        tell("guest.warning", std::string(frame.payload.begin(), frame.payload.end()));
        return {};
    }
    if (frame.type == Type::FileReply) {
        auto channel = channels_.find(frame.tag);
        auto open = channel == channels_.end() ? nullptr : channel->second.lock();
        if (open) open->deliver(frame.payload);
        return {};
    }
    auto found = programs_.find(frame.tag);
    auto program = found == programs_.end() ? nullptr : found->second.lock();
    if (!program) {
        // Its client is gone; one that went before the start could not hang it up.
        if (frame.type == Type::Started) hang_up(frame.tag);
        return {};
    }
    bool room = true;
    if (frame.type == Type::Credit) program->credit(frame.message<CreditMessage>().bytes);
    if (frame.type == Type::Started) {
        auto message = frame.message<StartedMessage>();
        program->deliver({.kind = Event::Kind::Started, .value = message.pid, .boot_ns = message.boot_ns});
    }
    if (frame.type == Type::SpawnFailed)
        program->deliver(
            {.kind = Event::Kind::SpawnFailed, .value = frame.message<SpawnFailedMessage>().error});
    if (frame.type == Type::Output) {
        auto bytes = frame.tail<StreamMessage>();
        room = program->deliver({.kind = Event::Kind::Output,
                                 .value = frame.message<StreamMessage>().stream,
                                 .bytes = {bytes.begin(), bytes.end()}});
    }
    if (frame.type == Type::Exited) {
        auto message = frame.message<ExitedMessage>();
        program->deliver(
            {.kind = Event::Kind::Exited, .value = message.wait_status, .boot_ns = message.boot_ns});
    }
    if (!room && !held_) {
        held_ = true;
        return context_.reactor.change(link_watch_, 0);
    }
    return {};
}

void Guest::resume_reading() {
    std::lock_guard lock(mutex_);
    held_ = false;
    flush();
}

void Guest::take_status(const Frame& frame) {
    bool first = !supervisor_.valid(), ran = status_.running;
    status_ = frame.message<supervisor::StatusMessage>();
    auto names = frame.tail<supervisor::StatusMessage>();
    std::string_view text(reinterpret_cast<const char*>(names.data()), names.size());
    engine_ = text.substr(0, text.find('\0'));
    kernel_ = text.substr(std::min(engine_.size() + 1, text.size()));
    kernel_ = kernel_.substr(0, kernel_.find('\0'));
    // The supervisor lives as long as the link does: the number is still its own.
    if (first) supervisor_.reset(static_cast<int>(::syscall(SYS_pidfd_open, status_.supervisor_pid, 0)));
    if (!main_) {
        main_ = std::make_shared<Program>(shared_from_this(), supervisor::kMainTag, status_.input_window);
        programs_[supervisor::kMainTag] = main_;
    } else if (status_.running && !ran) {
        main_->credit(status_.input_window);
    }
    GuestState now = status_.paused    ? GuestState::Paused
                     : status_.running ? GuestState::Running
                                       : GuestState::Starting;
    settled_ = true;
    if (std::exchange(adopted_, false)) {
        set_state(now, "guest.adopted", state_name(now));
    } else if (now != state_) {
        set_state(now, state_ == GuestState::Paused ? "guest.resumed"
                       : now == GuestState::Running ? "guest.running"
                       : now == GuestState::Paused  ? "guest.paused"
                                                    : "guest.starting");
    }
    changed_.notify_all();
}

void Guest::flush() {
    if (!link_) return;
    // A peer that is gone is told by receive(); until then there is nobody to send to.
    (void)link_->flush();
    u32 events = (held_ ? 0u : u32{EPOLLIN}) | (link_->wants_write() ? u32{EPOLLOUT} : 0u);
    (void)context_.reactor.change(link_watch_, events);
    if (link_->backlog() <= kBacklog) changed_.notify_all();
}

/// As by a terminal that went away. Always queued: there is one for every program that there was room to ask
/// for.
void Guest::hang_up(u64 tag) {
    link_->send(Type::Input, tag, bytes_of(StreamMessage{.stream = 0, .reserved = 0}));
    link_->send(Type::Signal, tag, bytes_of(SignalMessage{.signal = SIGHUP, .reserved = 0}));
}

void Guest::conclude() {
    context_.reactor.remove(std::exchange(link_watch_, 0));
    link_.reset();
    supervisor_.reset();
    settled_ = true;
    auto text = read_file(files_.exit_record());
    auto record = text ? parse_exit_record(*text) : std::unexpected(text.error());
    if (record) {
        exit_ = std::move(*record);
    } else {
        Outcome outcome{
            .kind = kill_asked_ ? Outcome::Kind::Killed : Outcome::Kind::Lost,
            .message = kill_asked_ ? "the guest was killed" : "its supervisor ended without leaving a record",
            .hint = kill_asked_ ? "" : "see " + files_.errors()};
        if (text) outcome.message = "its exit record: " + record.error().message;
        exit_ = ExitRecord{.outcome = std::move(outcome), .ended_unix_ns = unix_ns()};
        // Should this fail too, the next daemon finds the same and says the same.
        if (!text) (void)write_durably(files_.exit_record(), to_json(*exit_));
    }
    if (engine_.empty()) engine_ = exit_->outcome.engine, kernel_ = exit_->outcome.kernel;
    console_end_ = console_end(files_.console());
    counters_.reset();
    for (auto& [tag, weak] : programs_)
        if (auto program = weak.lock()) program->deliver({.kind = Program::Event::Kind::Lost});
    for (auto& [tag, weak] : channels_)
        if (auto channel = weak.lock()) channel->lose();
    main_.reset();
    // It may have ended while there was no daemon to say so.
    if (!context_.events.contains("guest.ended", record_.id))
        set_state(GuestState::Ended, "guest.ended", exit_->outcome.message);
    else
        state_ = GuestState::Ended;
    changed_.notify_all();
}

void Guest::set_state(GuestState state, const char* event, std::string detail) {
    state_ = state;
    tell(event, std::move(detail));
    changed_.notify_all();
}

void Guest::tell(const char* kind, std::string detail) const {
    context_.events.append(
        {.kind = kind, .guest_id = record_.id, .guest_name = record_.name, .detail = std::move(detail)});
}

Result<void> Guest::require_link(const char* what) const {
    if (link_) return {};
    return fail(Code::FailedPrecondition,
                "cannot " + std::string(what) + " guest " + record_.name + ": it is " + state_name(state_),
                state_ == GuestState::Created ? "start it first" : "", "GUEST_NOT_RUNNING");
}

std::unexpected<Error> Guest::busy() const {
    return fail(Code::Unavailable, "the supervisor of guest " + record_.name + " does not answer",
                "try again later, or kill the guest", "SUPERVISOR_BUSY");
}

bool Guest::send(Type type, u64 tag, std::span<const u8> message, std::span<const u8> tail,
                 std::chrono::milliseconds patience) {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, patience, [&] { return !link_ || link_->backlog() <= kBacklog; }))
        return false;
    if (!link_) return true;
    link_->send(type, tag, message, tail);
    flush();
    return true;
}

Result<void> Guest::ask(const char* what, Type type, std::span<const u8> message) {
    std::lock_guard lock(mutex_);
    TRY(require_link(what));
    if (link_->backlog() > kBacklog) return busy();
    link_->send(type, supervisor::kMainTag, message);
    flush();
    return {};
}

void Guest::forget(u64 tag, bool hung_up) {
    std::lock_guard lock(mutex_);
    programs_.erase(tag);
    channels_.erase(tag);
    held_ = false;
    if (link_ && hung_up) hang_up(tag);
    flush();
}

Result<void> Guest::stop(std::chrono::milliseconds grace) {
    supervisor::StopMessage message{.grace_ms = static_cast<u64>(grace.count())};
    return ask("stop", supervisor::kStop, bytes_of(message));
}

Result<void> Guest::pause(bool paused) {
    return paused ? ask("pause", supervisor::kPause, {}) : ask("resume", supervisor::kResume, {});
}

Result<void> Guest::signal(u32 number) {
    return ask("signal", Type::Signal, bytes_of(SignalMessage{.signal = number, .reserved = 0}));
}

Result<void> Guest::kill() {
    {
        std::lock_guard lock(mutex_);
        TRY(require_link("kill"));
        kill_asked_ = true;
    }
    auto asked = ask("kill", supervisor::kKill, {});
    auto patience = asked ? kKillPatience : std::chrono::milliseconds(0);
    if (wait(patience, [](const GuestInfo& info) { return info.exit.has_value(); })) return {};
    std::lock_guard lock(mutex_);
    int pidfd = supervisor_.valid() ? supervisor_.get() : child_ ? child_->pidfd() : -1;
    if (pidfd < 0) return busy();
    // The machine dies with its supervisor.
    if (::syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, nullptr, 0) < 0 && errno != ESRCH)
        return fail_errno("the supervisor of guest " + record_.name);
    return {};
}

bool Guest::wait(std::chrono::milliseconds patience,
                 const std::function<bool(const GuestInfo&)>& done) const {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, patience, [&] { return done(info_locked()); });
}

bool Guest::settled() const {
    std::lock_guard lock(mutex_);
    return settled_;
}

Result<std::shared_ptr<Mapping>> Guest::counters() {
    std::lock_guard lock(mutex_);
    if (counters_) return counters_;
    if (exit_) {
        auto file = MappedFile::open(files_.counters());
        if (file) return counters_ = std::make_shared<Mapping>(file->release());
    } else if (link_ && status_.counters_fd >= 0 && status_.counters_length > 0) {
        std::string path =
            "/proc/" + std::to_string(status_.supervisor_pid) + "/fd/" + std::to_string(status_.counters_fd);
        Fd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC));
        if (!fd.valid()) return fail_errno("the counters of guest " + record_.name);
        void* at = ::mmap(nullptr, status_.counters_length, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(),
                          static_cast<off_t>(status_.counters_offset));
        if (at == MAP_FAILED) return fail_errno("the counters of guest " + record_.name);
        return counters_ = std::make_shared<Mapping>(at, status_.counters_length);
    }
    return fail(Code::FailedPrecondition,
                "guest " + record_.name + " has no counters: " +
                    (exit_ ? "it ended before it could count" : "its kernel is not up"),
                "", "NO_COUNTERS");
}

Result<std::shared_ptr<Program>> Guest::exec(const SpawnRequest& request) {
    auto encoded = TRY(encode_spawn(request));
    std::lock_guard lock(mutex_);
    TRY(require_link("run a program in"));
    if (!status_.running)
        return fail(Code::FailedPrecondition, "guest " + record_.name + " does not run yet",
                    "wait until it is running", "GUEST_NOT_RUNNING");
    if (link_->backlog() > kBacklog) return busy();
    u64 tag = next_tag_++;
    auto program = std::make_shared<Program>(shared_from_this(), tag, kStreamWindow);
    programs_[tag] = program;
    link_->send(Type::Spawn, tag, encoded);
    flush();
    return program;
}

Result<std::shared_ptr<FileChannel>> Guest::open_files() {
    std::lock_guard lock(mutex_);
    TRY(require_link("reach the files of"));
    u64 tag = next_tag_++;
    auto channel = std::make_shared<FileChannel>(shared_from_this(), tag);
    channels_[tag] = channel;
    return channel;
}

Result<std::shared_ptr<Program>> Guest::main_program() {
    std::lock_guard lock(mutex_);
    TRY(require_link("attach to"));
    if (!main_)
        return fail(Code::FailedPrecondition, "guest " + record_.name + " does not run yet",
                    "wait until it is running", "GUEST_NOT_RUNNING");
    return main_;
}

}  // namespace astra::vmm::daemon
