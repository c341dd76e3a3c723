// The console: the terminal whose far side is the host.
#include "guest_kernel/drivers/streams.hpp"
#include "guest_kernel/drivers/tty.hpp"
#include "guest_kernel/drivers/tty_object.hpp"
#include "guest_kernel/drivers/virtio_console.hpp"
#include "guest_kernel/fs/inode.hpp"
#include "guest_kernel/fs/poll.hpp"

namespace astra {

namespace {

class Console final : public tty::Tty {
  public:
    Console() { state.unlocked().size = {24, 80, 0, 0}; }
    std::atomic<u64> stream_tag{0};  // the program that shows the console
    std::atomic<bool> attached{false};

    [[nodiscard]] u64 device() const override { return fs::make_device(5, 1); }
    usize room() override { return ~usize{0}; }
    usize reserve(usize wanted) override { return wanted; }

    /// To the program's stream, or to the console port when no program has it. Waits for buffers.
    void transmit(std::span<const u8> bytes, usize) override {
        fs::KernelBuffer buffer(bytes);
        if (attached) {
            while (buffer.remaining() && send_output(stream_tag, 1, buffer)) {}
            return;
        }
        virtio::ConsolePort* port = virtio::console_port();
        while (port && buffer.remaining()) {
            auto out = port->acquire(sched::Sleep::Killable);
            if (!out) return;
            port->send(*out, *buffer.take(out->bytes));
        }
    }
};

constinit Console* console = nullptr;
Console& the_console() {
    if (!console) console = new (std::nothrow) Console;
    if (!console) panic("not enough memory for the console");
    return *console;
}

}  // namespace

Result<Ref<fs::File>> open_console(const fs::Path&, u32 flags) {
    tty::offer_controlling(the_console(), flags);
    return tty::open_tty(the_console(), flags);
}

void attach_console(u64 tag) {
    the_console().stream_tag = tag;
    the_console().attached = true;
}
void console_input(std::span<const u8> bytes) { the_console().receive(bytes); }
void hang_up_console() {
    Console& terminal = the_console();
    int session = terminal.state.with([](tty::Tty::State& s) {
        s.input_ended = true;
        return s.session;
    });
    terminal.changes.wake_all(fs::kPollReadable | fs::kPollHup);
    if (!session) return;
    tty::signal_group(session, tty::kSigHup);
    tty::signal_group(session, tty::kSigCont);
}
bool signal_console_foreground(int signal) { return the_console().signal_foreground(signal); }
void set_console_size(u16 rows, u16 columns) {
    the_console().resize({rows ? rows : u16{24}, columns ? columns : u16{80}, 0, 0});
}
void drain_console() { the_console().attached = false; }

}  // namespace astra
