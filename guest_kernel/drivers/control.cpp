// The control port: receives the host's frames and answers them.
#include "guest_kernel/drivers/control.hpp"

#include "guest_kernel/arch/upcalls.hpp"
#include "guest_kernel/drivers/control_files.hpp"
#include "guest_kernel/drivers/host_terminal.hpp"
#include "guest_kernel/drivers/log.hpp"
#include "guest_kernel/drivers/streams.hpp"
#include "guest_kernel/drivers/virtio_console.hpp"
#include "guest_kernel/net/inet/network.hpp"
#include "guest_kernel/sched/process.hpp"
#include "guest_kernel/sched/scheduler.hpp"

namespace astra {

using namespace abi::control;

namespace {

/// A program the host spawned.
struct Session {
    explicit Session(u64 its_tag) : tag(its_tag) {}
    ~Session() {
        if (terminal) terminal->detach();
    }
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    ListNode node;
    const u64 tag;
    int pid = -1;
    Ref<HostTerminal> terminal;  // or:
    Ref<HostInput> input;
};
struct Sessions {
    List<Session, &Session::node> list;
    Session* find(u64 tag) {
        for (Session& s : list)
            if (s.tag == tag) return &s;
        return nullptr;
    }
};
constinit sched::MutexLocked<Sessions, sched::Rank::ControlSessions>* sessions = nullptr;

Result<void> read_exactly(std::span<u8> to) {
    while (!to.empty()) to = to.subspan(TRY(virtio::control_port()->receive(to)));
    return {};
}

/// Splits the NUL-terminated strings behind a SpawnMessage.
class Strings {
  public:
    explicit Strings(std::span<const u8> bytes)
        : rest_(reinterpret_cast<const char*>(bytes.data()), bytes.size()) {}
    Result<std::string_view> next() {
        usize end = rest_.find('\0');
        if (end == rest_.npos) return fail(Errno::kEBADMSG);
        std::string_view text = rest_.substr(0, end);
        rest_.remove_prefix(end + 1);
        return text;
    }
    Result<void> take(Vector<String>& to, u32 count) {
        for (u32 i = 0; i < count; i++) TRY(to.push_back(TRY(String::from(TRY(next())))));
        return {};
    }

  private:
    std::string_view rest_;
};

Result<void> prepare_stdio(const SpawnMessage& message, Session& session, sched::SpawnRequest& request) {
    if (message.stdio == StdioMode::Streams) {
        session.input = TRY(make_ref<HostInput>(session.tag));
        for (u32 stream = 0; stream < 3; stream++)
            request.stdio[stream] =
                TRY(make_stream_file(session.tag, stream, stream == 0 ? session.input : nullptr));
        return {};
    }
    if (message.stdio != StdioMode::Console && message.stdio != StdioMode::Terminal)
        return fail(Errno::kEINVAL);
    session.terminal = message.stdio == StdioMode::Console ? console_terminal() : TRY(make_host_terminal());
    session.terminal->set_size(message.rows, message.columns);
    session.terminal->attach(session.tag);
    request.terminal = session.terminal->name();
    return {};
}

Result<int> spawn_program(u64 tag, std::span<const u8> payload) {
    SpawnMessage message;
    if (payload.size() < sizeof message) return fail(Errno::kEBADMSG);
    __builtin_memcpy(&message, payload.data(), sizeof message);
    Strings strings(payload.subspan(sizeof message));
    sched::SpawnRequest request;
    request.tag = tag;
    request.cwd = TRY(strings.next());
    TRY(strings.take(request.arguments, message.argc));
    TRY(strings.take(request.environment, message.envc));
    auto session = TRY(make_own<Session>(tag));
    TRY(prepare_stdio(message, *session, request));
    request.started = [](u64 program, int pid) {
        send_frame(Type::Started, program, StartedMessage{static_cast<u32>(pid), 0, arch::now_ns()});
    };
    // Held across the start: a program that ends at once finds its session.
    auto guard = sessions->lock();
    session->pid = TRY(sched::spawn(std::move(request)));
    int pid = session->pid;
    guard->list.push_back(*session.leak());
    return pid;
}

void handle_input(u64 tag, std::span<const u8> payload) {
    if (payload.size() < sizeof(StreamMessage)) panic("control port: short Input frame");
    auto bytes = payload.subspan(sizeof(StreamMessage));
    Ref<HostInput> input;
    Ref<HostTerminal> terminal;
    {
        auto guard = sessions->lock();
        Session* session = guard->find(tag);
        if (!session) return;  // it ended meanwhile
        input = session->input;
        terminal = session->terminal;
    }
    if (terminal) {
        if (bytes.empty())
            terminal->end_input();
        else
            terminal->receive(bytes);
        send_frame(Type::Credit, tag, CreditMessage{0, static_cast<u32>(bytes.size())});
    } else if (bytes.empty()) {
        input->deliver_end();
    } else if (!input->deliver(bytes)) {
        panic("control port: the host sent more input than its window");
    }
}

void handle_signal(u64 tag, std::span<const u8> payload) {
    SignalMessage message;
    if (payload.size() < sizeof message) panic("control port: short Signal frame");
    __builtin_memcpy(&message, payload.data(), sizeof message);
    if (message.signal < 1 || message.signal > sched::kSignals) return;
    int pid = -1;
    Ref<HostTerminal> terminal;
    sessions->with([&](Sessions& s) {
        if (Session* session = s.find(tag)) pid = session->pid, terminal = session->terminal;
    });
    if (terminal && terminal->signal_foreground(static_cast<int>(message.signal))) return;
    if (auto process = sched::find_process(pid))
        sched::send_signal(*process, sched::kernel_signal(static_cast<int>(message.signal)));
}

void handle_resize(u64 tag, std::span<const u8> payload) {
    ResizeMessage message;
    if (payload.size() < sizeof message) panic("control port: short Resize frame");
    __builtin_memcpy(&message, payload.data(), sizeof message);
    Ref<HostTerminal> terminal;
    sessions->with([&](Sessions& s) {
        if (Session* session = s.find(tag)) terminal = session->terminal;
    });
    if (terminal) terminal->set_size(message.rows, message.columns);
}

void handle_file_call(u64 tag, std::span<const u8> payload) {
    constexpr usize kRoom = virtio::ConsolePort::kBufferBytes - sizeof(Header) - sizeof(FileReplyMessage);
    auto answer = call_files(payload, kRoom);
    FileReplyMessage message{answer ? 0 : static_cast<u32>(answer.error()), 0, answer ? answer->next : 0};
    send_frame(Type::FileReply, tag, message,
               answer ? std::span<const u8>(answer->bytes) : std::span<const u8>());
}

void handle_frame(const Header& header, std::span<const u8> payload) {
    switch (header.type) {
        case Type::Spawn:
            if (auto pid = spawn_program(header.tag, payload); !pid)
                send_frame(Type::SpawnFailed, header.tag,
                           SpawnFailedMessage{static_cast<u32>(pid.error()), 0});
            break;
        case Type::Input: handle_input(header.tag, payload); break;
        case Type::Signal: handle_signal(header.tag, payload); break;
        case Type::Resize: handle_resize(header.tag, payload); break;
        case Type::FileCall: handle_file_call(header.tag, payload); break;
        case Type::Shutdown: shut_down();
        default: panic("control port: unknown frame type %u", static_cast<u32>(header.type));
    }
}

void serve(void*) {
    Vector<u8> payload;
    if (!payload.resize(kMaxPayload)) panic("not enough memory for the control port");
    for (;;) {
        Header header;
        if (!read_exactly({reinterpret_cast<u8*>(&header), sizeof header})) continue;
        if (header.length > kMaxPayload) panic("control port: frame of %u bytes", header.length);
        if (!read_exactly({payload.data(), header.length})) panic("control port: interrupted");
        handle_frame(header, {payload.data(), header.length});
    }
}

}  // namespace

void start_control(u64 counters_phys, u64 counters_size) {
    if (!virtio::control_port()) {
        log(LogLevel::Error, "no control port: nobody can ask for a program");
        return;
    }
    sessions = new (std::nothrow) sched::MutexLocked<Sessions, sched::Rank::ControlSessions>;
    if (!sessions) panic("not enough memory for the control port");
    send_frame(Type::Hello, 0,
               HelloMessage{kVersion, static_cast<u32>(arch::build()), counters_phys, counters_size,
                            arch::now_ns(), arch::cpus_online(), 0});
    if (!sched::start_kernel_thread("control", serve, nullptr))
        panic("not enough memory for the control port");
}

void sched::report_exit(u64 tag, int pid, int wait_status) {
    Session* session;
    {
        auto guard = sessions->lock();
        session = guard->find(tag);
        if (session) guard->list.remove(*session);
    }
    delete session;  // its terminal is hung up
    send_frame(Type::Exited, tag,
               ExitedMessage{static_cast<u32>(pid), static_cast<u32>(wait_status), arch::now_ns()});
}

void report_out_of_memory(int pid, const char* name, u64 resident_bytes) {
    log(LogLevel::Error, "out of memory: killed %d (%s), %lu KiB resident", pid, name, resident_bytes / 1024);
    usize length = __builtin_strlen(name);
    send_frame(Type::OutOfMemory, 0, OutOfMemoryMessage{static_cast<u32>(pid), 0, resident_bytes},
               {reinterpret_cast<const u8*>(name), length});
}

void report_panic(u64 rip, std::span<const char> report) {
    virtio::ConsolePort* port = virtio::control_port();
    virtio::ConsolePort::OutputBuffer buffer;
    if (!port || !port->try_acquire(buffer, true)) return;
    PanickedMessage message{rip, arch::now_ns()};
    usize room = buffer.bytes.size() - sizeof(Header) - sizeof message;
    usize length = report.size() < room ? report.size() : room;
    Header header{static_cast<u32>(sizeof message + length), Type::Panicked, 0};
    u8* at = buffer.bytes.data();
    __builtin_memcpy(at, &header, sizeof header);
    __builtin_memcpy(at + sizeof header, &message, sizeof message);
    __builtin_memcpy(at + sizeof header + sizeof message, report.data(), length);
    port->send(buffer, sizeof header + header.length);
    port->drain();
}

void shut_down() {
    net::drain_network();
    if (auto* port = virtio::control_port()) port->drain();
    if (auto* port = virtio::console_port()) port->drain();
    arch::exit_machine(abi::machine::ExitCode::Clean);
}

}  // namespace astra
