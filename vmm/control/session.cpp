// The control port's session: what each frame means and when it is allowed.
#include "vmm/control/session.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <array>

namespace astra::vmm {
namespace {

using namespace abi::control;

constexpr usize kReceivePerCall = 256 * 1024;
constexpr usize kInputPerFrame = kMaxPayload - sizeof(StreamMessage);
constexpr u32 kSignalEnd = 65;  // the first number that is no signal: the guest refuses it, and all above

std::unexpected<Error> broken(const std::string& what) {
    return fail(Code::Corrupt, "control port: " + what);
}

std::string_view text_of(std::span<const u8> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

Result<Session::Peer> Session::receive() {
    std::array<u8, 64 * 1024> buffer;
    for (usize total = 0; total < kReceivePerCall;) {
        ssize_t got = ::recv(socket_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
        if (got == 0) return Peer::Closed;
        if (got < 0) {
            if (errno == EINTR) continue;
            if (errno == EAGAIN || errno == EWOULDBLOCK) break;
            if (errno == ECONNRESET) return Peer::Closed;
            return fail_errno("control port: recv");
        }
        total += static_cast<usize>(got);
        TRY(parser_.feed(std::span(buffer).first(static_cast<usize>(got)),
                         [this](const Frame& frame) { return dispatch(frame); }));
    }
    return Peer::Open;
}

Result<void> Session::flush() {
    int error = queue_.flush(socket_.get());
    if (error == EPIPE || error == ECONNRESET)
        queue_ = {};
    else if (error != 0)
        return fail_errno("control port: send", error);
    if (wants_write()) return {};
    queue_pending();
    return wants_write() ? flush() : Result<void>();
}

void Session::queue_pending() {
    if (!std::exchange(pending_, false)) return;
    for (auto& [tag, program] : programs_) {
        if (auto size = std::exchange(program.size, {})) resize(tag, size->rows, size->columns);
        for (u32 number : std::exchange(program.signals, {})) signal(tag, number);
    }
}

Result<void> Session::dispatch(const Frame& frame) {
    switch (frame.type) {
        case Type::Hello: return take_hello(frame);
        // A kernel that cannot go on says so at any time, even before Hello.
        case Type::WrongBuild: events_.on_wrong_build(frame.message<WrongBuildMessage>()); return {};
        case Type::Panicked:
            events_.on_panicked(frame.message<PanickedMessage>(), text_of(frame.tail<PanickedMessage>()));
            return {};
        default: break;
    }
    if (!greeted_) return broken("a frame came before Hello");
    if (frame.type == Type::OutOfMemory) {
        events_.on_out_of_memory(frame.message<OutOfMemoryMessage>(),
                                 text_of(frame.tail<OutOfMemoryMessage>()));
        return {};
    }
    if (frame.type == Type::FileReply) {
        if (file_calls_.erase(frame.tag) == 0) return broken("an answer to no file call");
        events_.on_file_reply(frame.tag, frame.payload);
        return {};
    }
    return dispatch_to_program(frame);
}

Result<void> Session::take_hello(const Frame& frame) {
    auto hello = frame.message<HelloMessage>();
    if (greeted_) return broken("a second Hello");
    if (hello.version != kVersion)
        return broken("the kernel speaks version " + std::to_string(hello.version) +
                      ", this launcher version " + std::to_string(kVersion));
    if (hello.build != static_cast<u32>(Build::Isolated) && hello.build != static_cast<u32>(Build::Flat))
        return broken("unknown kernel build " + std::to_string(hello.build));
    greeted_ = true;
    events_.on_hello(hello);
    return {};
}

Result<void> Session::dispatch_to_program(const Frame& frame) {
    auto found = programs_.find(frame.tag);
    if (found == programs_.end()) return broken("a frame about a program that was never asked for");
    Program& program = found->second;
    bool answer = frame.type == Type::Started || frame.type == Type::SpawnFailed;
    bool late = frame.type == Type::Output || frame.type == Type::Credit;
    if (late && program.state == Program::State::Ended) return {};
    if (program.state != (answer ? Program::State::Asked : Program::State::Running))
        return broken("a program's frames are out of order");
    switch (frame.type) {
        case Type::Started:
            program.state = Program::State::Running;
            events_.on_started(frame.tag, frame.message<StartedMessage>());
            return {};
        case Type::SpawnFailed:
            program.state = Program::State::Ended;
            events_.on_spawn_failed(frame.tag, frame.message<SpawnFailedMessage>().error);
            return {};
        case Type::Exited:
            program.state = Program::State::Ended;
            events_.on_exited(frame.tag, frame.message<ExitedMessage>());
            return {};
        case Type::Output: {
            u32 stream = frame.message<StreamMessage>().stream;
            if (stream != 1 && stream != 2) return broken("output on stream " + std::to_string(stream));
            events_.on_output(frame.tag, stream, frame.tail<StreamMessage>());
            return {};
        }
        case Type::Credit: return take_credit(frame.tag, program, frame.message<CreditMessage>());
        default: return broken("unexpected frame");
    }
}

Result<void> Session::take_credit(u64 tag, Program& program, const CreditMessage& credit) {
    if (credit.stream != 0) return broken("credit for stream " + std::to_string(credit.stream));
    if (credit.bytes > kStreamWindow - program.window) return broken("credit for bytes that were never sent");
    program.window += credit.bytes;
    events_.on_credit(tag, credit.bytes);
    return {};
}

Result<std::vector<u8>> encode_spawn(const SpawnRequest& request) {
    std::vector<u8> strings;
    bool terminated = false;
    auto add = [&](const std::string& text) {
        terminated |= text.find('\0') != text.npos;
        strings.insert(strings.end(), text.begin(), text.end());
        strings.push_back(0);
    };
    add(request.workdir);
    std::ranges::for_each(request.arguments, add);
    std::ranges::for_each(request.environment, add);
    SpawnMessage message{.stdio = request.stdio,
                         .rows = request.rows,
                         .columns = request.columns,
                         .argc = static_cast<u32>(request.arguments.size()),
                         .envc = static_cast<u32>(request.environment.size())};
    if (terminated) return fail(Code::InvalidArgument, "an argument or environment entry has a NUL in it");
    if (strings.size() > kMaxPayload - sizeof message)
        return fail(Code::InvalidArgument,
                    "arguments and environment take " + std::to_string(strings.size()) +
                        " bytes, the limit is " + std::to_string(kMaxPayload - sizeof message),
                    "pass long data on standard input or in the image");
    auto head = bytes_of(message);
    strings.insert(strings.begin(), head.begin(), head.end());
    return strings;
}

Result<void> Session::spawn(u64 tag, const SpawnRequest& request) {
    spawn_encoded(tag, TRY(encode_spawn(request)));
    return {};
}

void Session::spawn_encoded(u64 tag, std::span<const u8> request) {
    programs_[tag] = {};
    queue_.add(Type::Spawn, tag, request);
}

const Session::Program* Session::running(u64 tag) const {
    auto found = programs_.find(tag);
    bool runs = found != programs_.end() && found->second.state == Program::State::Running;
    return runs ? &found->second : nullptr;
}

usize Session::input_capacity(u64 tag) const {
    const Program* program = running(tag);
    return program && !program->input_ended ? program->window : 0;
}

usize Session::send_input(u64 tag, std::span<const u8> bytes) {
    usize total = std::min(bytes.size(), input_capacity(tag));
    for (usize done = 0; done < total;) {
        usize chunk = std::min(total - done, kInputPerFrame);
        queue_.add(Type::Input, tag, bytes_of(StreamMessage{.stream = 0, .reserved = 0}),
                   bytes.subspan(done, chunk));
        done += chunk;
    }
    if (total > 0) programs_[tag].window -= static_cast<u32>(total);
    return total;
}

void Session::end_input(u64 tag) {
    const Program* program = running(tag);
    if (!program || program->input_ended) return;
    programs_[tag].input_ended = true;
    queue_.add(Type::Input, tag, bytes_of(StreamMessage{.stream = 0, .reserved = 0}));
}

bool Session::signal(u64 tag, u32 number) {
    if (!running(tag)) return false;
    if (crowded()) {
        programs_[tag].signals.insert(std::min(number, kSignalEnd));
        pending_ = true;
        return true;
    }
    queue_.add(Type::Signal, tag, bytes_of(SignalMessage{.signal = number, .reserved = 0}));
    return true;
}

void Session::resize(u64 tag, u16 rows, u16 columns) {
    if (!running(tag)) return;
    ResizeMessage size{.rows = rows, .columns = columns, .reserved = 0};
    if (!crowded()) return queue_.add(Type::Resize, tag, bytes_of(size));
    programs_[tag].size = size;
    pending_ = true;
}

void Session::call_files(u64 tag, std::span<const u8> call) {
    file_calls_.insert(tag);
    queue_.add(Type::FileCall, tag, call);
}

void Session::shutdown() { queue_.add(Type::Shutdown, 0, {}); }

}  // namespace astra::vmm
