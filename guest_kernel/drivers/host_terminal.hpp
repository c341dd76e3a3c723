// Terminals whose far side is the host: the console, and one of its own for each program that the host wants
// on one.
#pragma once
#include "guest_kernel/drivers/tty_object.hpp"

namespace astra {

/// Output goes to stream 1 of the program it is attached to; input comes from the control port.
class HostTerminal : public tty::Tty {
  public:
    void attach(u64 tag);
    /// The program it was attached to has ended.
    virtual void detach() = 0;
    /// What to open it as.
    [[nodiscard]] virtual std::string_view name() const = 0;

    /// The host closed its input: SIGHUP to the session leader's group, end of file to readers.
    void end_input();
    /// 0x0 means 24x80.
    void set_size(u16 rows, u16 columns);

    usize room() override { return ~usize{0}; }
    usize reserve(usize wanted) override { return wanted; }
    /// Waits for buffers.
    void transmit(std::span<const u8> bytes, usize) override;

  protected:
    /// Output while no program has the terminal.
    virtual void transmit_unattached(fs::Buffer&) {}
    std::atomic<bool> attached_{false};

  private:
    std::atomic<u64> tag_{0};
};

/// The console: when no program has it, what it shows goes to the console port.
Ref<HostTerminal> console_terminal();
/// A new terminal in /dev/pts. Errors: ENOENT or ENODEV (there is no /dev/pts), ENOSPC, ENOMEM.
Result<Ref<HostTerminal>> make_host_terminal();

}  // namespace astra
