// Stands in for QEMU in tests of the launcher: finds the control socket on its command line and plays a guest
// kernel that follows (or breaks) the control protocol. What the "program" does is said by its arguments.
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "guest_kernel/abi/counters.hpp"
#include "vmm/control/frame.hpp"

namespace {

using namespace astra;
using namespace astra::abi::control;
namespace counters = abi::counters;

constexpr u64 kCountersAt = 16 << 20;

int control_fd = -1;
u64 tag = 0;

[[noreturn]] void leave(int status) { ::_exit(status); }
[[noreturn]] void leave_by_doorbell(int code) { leave((code << 1) | 1); }  // isa-debug-exit

void send_bytes(std::span<const u8> bytes) {
    while (!bytes.empty()) {
        ssize_t put = ::send(control_fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (put <= 0) leave(1);
        bytes = bytes.subspan(static_cast<usize>(put));
    }
}
template <class Message>
void send_frame(Type type, const Message& message, std::string_view tail = {}) {
    std::vector<u8> bytes;
    vmm::append_frame(bytes, type, tag, vmm::bytes_of(message),
                      {reinterpret_cast<const u8*>(tail.data()), tail.size()});
    send_bytes(bytes);
}
void write_out(u32 stream, std::string_view text) {
    send_frame(Type::Output, StreamMessage{stream, 0}, text);
}
[[noreturn]] void serve_until_shutdown();
[[noreturn]] void exit_with(u32 wait_status) {
    send_frame(Type::Exited, ExitedMessage{.pid = 2, .wait_status = wait_status, .boot_ns = 5'000'000});
    serve_until_shutdown();
}

struct HostFrame {
    Header header;
    std::string payload;
};
HostFrame receive() {
    HostFrame frame{};
    if (::recv(control_fd, &frame.header, sizeof frame.header, MSG_WAITALL) != sizeof frame.header) leave(1);
    frame.payload.resize(frame.header.length);
    if (frame.header.length > 0 && ::recv(control_fd, frame.payload.data(), frame.payload.size(),
                                          MSG_WAITALL) != static_cast<ssize_t>(frame.header.length))
        leave(1);
    return frame;
}
bool frame_waits(int timeout_ms) {
    pollfd entry{.fd = control_fd, .events = POLLIN, .revents = 0};
    return ::poll(&entry, 1, timeout_ms) > 0;
}
[[noreturn]] void serve_until_shutdown() {
    for (;;)
        if (receive().header.type == Type::Shutdown) leave_by_doorbell(0);
}

struct Program {
    std::string workdir;
    std::vector<std::string> arguments, environment;
    SpawnMessage spawn;
    [[nodiscard]] std::string word(usize i) const { return i < arguments.size() ? arguments[i] : ""; }
    [[nodiscard]] u32 number(usize i) const {
        return static_cast<u32>(std::strtoul(word(i).c_str(), nullptr, 10));
    }
};

Program parse(const HostFrame& frame) {
    Program program;
    std::memcpy(&program.spawn, frame.payload.data(), sizeof program.spawn);
    const char* at = frame.payload.data() + sizeof program.spawn;
    auto next = [&] {
        std::string text = at;
        at += text.size() + 1;
        return text;
    };
    program.workdir = next();
    for (u32 i = 0; i < program.spawn.argc; i++) program.arguments.push_back(next());
    for (u32 i = 0; i < program.spawn.envc; i++) program.environment.push_back(next());
    return program;
}

/// Reads input to its end, giving credit; every piece goes to `each`.
void read_input(const std::function<void(std::string_view)>& each) {
    for (;;) {
        HostFrame frame = receive();
        if (frame.header.type != Type::Input) continue;
        std::string_view bytes = std::string_view(frame.payload).substr(sizeof(StreamMessage));
        if (bytes.empty()) return;
        each(bytes);
        send_frame(Type::Credit, CreditMessage{0, static_cast<u32>(bytes.size())});
    }
}

void cat(const Program&) {
    read_input([](std::string_view bytes) { write_out(1, bytes); });
    exit_with(0);
}
void count(const Program&) {
    usize total = 0;
    read_input([&](std::string_view bytes) { total += bytes.size(); });
    write_out(1, std::to_string(total) + "\n");
    exit_with(0);
}
void say_what_was_asked(const Program& program) {
    write_out(1, "cwd " + program.workdir + "\n");
    for (const auto& word : program.arguments) write_out(1, "arg " + word + "\n");
    for (const auto& entry : program.environment) write_out(1, "env " + entry + "\n");
    write_out(1, "terminal " + std::to_string(static_cast<u32>(program.spawn.stdio)) + " " +
                     std::to_string(program.spawn.rows) + "x" + std::to_string(program.spawn.columns) + "\n");
    exit_with(0);
}
void pour(const Program& program) {  // pour BYTES: that many bytes, or without end
    std::string block(32 * 1024, 'y');
    usize left = program.number(1);
    bool endless = left == 0;
    while (endless || left > 0) {
        usize piece = endless ? block.size() : std::min(left, block.size());
        write_out(1, std::string_view(block).substr(0, piece));
        if (!endless) left -= piece;
        while (frame_waits(0)) {
            HostFrame frame = receive();
            if (frame.header.type == Type::Signal && program.word(2) != "stubborn")
                exit_with(static_cast<u8>(frame.payload[0]));
        }
    }
    exit_with(0);
}
void wait_for_signals(const Program& program) {  // signals N: tells each, ends after N of them
    write_out(1, "ready\n");
    for (u32 left = program.number(1); left > 0;) {
        HostFrame frame = receive();
        if (frame.header.type != Type::Signal) continue;
        write_out(1, "signal " + std::to_string(static_cast<u8>(frame.payload[0])) + "\n");
        left--;
    }
    exit_with(0);
}
void wait_for_resize(const Program&) {
    write_out(1, "ready\r\n");
    for (;;) {
        HostFrame frame = receive();
        if (frame.header.type != Type::Resize) continue;
        ResizeMessage size;
        std::memcpy(&size, frame.payload.data(), sizeof size);
        write_out(1, std::to_string(size.rows) + "x" + std::to_string(size.columns) + "\r\n");
        exit_with(0);
    }
}
void read_line(const Program&) {  // until Ctrl-D
    for (;;) {
        HostFrame frame = receive();
        if (frame.header.type != Type::Input) continue;
        std::string_view bytes = std::string_view(frame.payload).substr(sizeof(StreamMessage));
        write_out(1, bytes.empty() ? "hang-up" : bytes);
        if (bytes.empty() || bytes.ends_with('\x04')) exit_with(0);
    }
}
void hang(const Program&) {
    for (;;) receive();
}
void break_protocol(const Program&) {
    std::vector<u8> garbage(64, 0xff);
    send_bytes(garbage);
    for (;;) receive();
}
void panic(const Program&) {
    send_frame(Type::Panicked, PanickedMessage{.rip = 1, .boot_ns = 1},
               "page fault at 0x0\n\x1b[31mrax=0\nlast calls: write\n");
    leave_by_doorbell(1);
}
void run_out_of_memory(const Program&) {
    send_frame(Type::OutOfMemory, OutOfMemoryMessage{.pid = 7, .reserved = 0, .resident_bytes = 64 << 20},
               "hog\n");
    exit_with(9);
}
void linger(const Program&) {  // ends, but the machine never leaves
    send_frame(Type::Exited, ExitedMessage{.pid = 2, .wait_status = 0, .boot_ns = 1});
    for (;;) receive();
}

const std::map<std::string, void (*)(const Program&)> kPrograms{
    {"cat", cat},
    {"count", count},
    {"asked", say_what_was_asked},
    {"pour", pour},
    {"signals", wait_for_signals},
    {"resize", wait_for_resize},
    {"line", read_line},
    {"hang", hang},
    {"garbage", break_protocol},
    {"panic", panic},
    {"oom", run_out_of_memory},
    {"linger", linger},
    {"exit", [](const Program& p) { exit_with(p.number(1) << 8); }},
    {"die", [](const Program& p) { exit_with(p.number(1)); }},
    {"reset", [](const Program&) { leave(0); }},
    {"crash", [](const Program&) { ::raise(SIGKILL); }},
    {"both", [](const Program&) { write_out(1, "out\n"), write_out(2, "err\n"), exit_with(0); }},
};

/// The value of a "key=value" item inside any of the arguments, as QEMU's options have them.
int find_number(int argc, char** argv, const std::string& before) {
    for (int i = 1; i < argc; i++) {
        const char* at = std::strstr(argv[i], before.c_str());
        if (at) return std::atoi(at + before.size());
    }
    return -1;
}

/// Puts counters where Hello will say they are, as a kernel does.
void write_counters(int ram_fd) {
    usize size = counters::region_bytes(1);
    auto* base =
        static_cast<u8*>(::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, ram_fd, kCountersAt));
    if (base == MAP_FAILED) leave(1);
    auto& head = *reinterpret_cast<counters::Head*>(base);
    head.magic = counters::kMagic;
    head.version = counters::kVersion;
    auto& cpu = *reinterpret_cast<counters::CpuCounters*>(base + counters::kHeadBytes);
    cpu.page_faults = 42;
    cpu.unknown[0] = {777, 2};
    cpu.syscalls[1].calls = 3;
    cpu.syscalls[1].total_ns = 3000;
    cpu.syscalls[1].max_ns = 1500;
    cpu.syscalls[1].histogram[9] = 3;
}

}  // namespace

int main(int argc, char** argv) {
    control_fd = find_number(argc, argv, "socket,id=control,fd=");
    int ram_fd = find_number(argc, argv, "/proc/self/fd/");
    std::string words;  // for the kernel
    for (int i = 1; i + 1 < argc; i++)
        if (std::strcmp(argv[i], "-append") == 0) words = argv[i + 1];
    auto told = [&](const char* word) { return words.find(word) != std::string::npos; };
    if (told("fail-to-start")) {
        std::fputs("qemu-system-x86_64: could not load kernel\n", stderr);
        return 1;
    }
    if (told("wrong-build")) leave_by_doorbell(2);
    if (told("die-at-boot")) return 0;

    write_counters(ram_fd);
    HelloMessage hello{};
    hello.version = kVersion;
    hello.build = static_cast<u32>(Build::Isolated);
    hello.counters_phys = told("bad-counters") ? ~u64{0} & ~u64{0xfff} : kCountersAt;
    hello.counters_size = told("bad-counters") ? ~u64{0} : counters::region_bytes(1);
    hello.boot_ns = 1'000'000;
    hello.cpus_online = 1;
    send_frame(Type::Hello, hello);
    HostFrame spawn = receive();
    if (spawn.header.type != Type::Spawn) leave(1);
    tag = spawn.header.tag;
    Program program = parse(spawn);
    std::string name = program.word(0).substr(program.word(0).rfind('/') + 1);
    auto found = kPrograms.find(name);
    if (found == kPrograms.end()) {
        send_frame(Type::SpawnFailed,
                   SpawnFailedMessage{.error = name == "locked" ? 13u : 2u, .reserved = 0});
        serve_until_shutdown();
    }
    send_frame(Type::Started, StartedMessage{.pid = 2, .reserved = 0, .boot_ns = 2'000'000});
    found->second(program);
    leave(1);
}
