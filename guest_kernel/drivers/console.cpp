// The console: the terminal that is always there.
#include "guest_kernel/drivers/host_terminal.hpp"
#include "guest_kernel/drivers/tty.hpp"
#include "guest_kernel/drivers/virtio_console.hpp"
#include "guest_kernel/fs/inode.hpp"

namespace astra {

namespace {

class Console final : public HostTerminal {
  public:
    Console() { state.unlocked().size = {24, 80, 0, 0}; }

    [[nodiscard]] u64 device() const override { return fs::make_device(5, 1); }
    [[nodiscard]] std::string_view name() const override { return "/dev/console"; }
    void detach() override { attached_ = false; }

  protected:
    void transmit_unattached(fs::Buffer& buffer) override {
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

Ref<HostTerminal> console_terminal() { return Ref<HostTerminal>(the_console()); }

Result<Ref<fs::File>> open_console(const fs::Path&, u32 flags) {
    tty::offer_controlling(the_console(), flags);
    return tty::open_tty(the_console(), flags);
}

}  // namespace astra
