// What the host's terminals have in common, and those in /dev/pts.
#include "guest_kernel/drivers/host_terminal.hpp"

#include "guest_kernel/base/format.hpp"
#include "guest_kernel/drivers/streams.hpp"
#include "guest_kernel/fs/devpts.hpp"
#include "guest_kernel/fs/poll.hpp"
#include "guest_kernel/fs/vfs.hpp"

namespace astra {

void HostTerminal::attach(u64 tag) {
    tag_ = tag;
    attached_ = true;
}

void HostTerminal::end_input() {
    int session = state.with([](State& s) {
        s.input_ended = true;
        return s.session;
    });
    changes.wake_all(fs::kPollReadable | fs::kPollHup);
    if (!session) return;
    tty::signal_group(session, tty::kSigHup);
    tty::signal_group(session, tty::kSigCont);
}

void HostTerminal::set_size(u16 rows, u16 columns) {
    resize({rows ? rows : u16{24}, columns ? columns : u16{80}, 0, 0});
}

void HostTerminal::transmit(std::span<const u8> bytes, usize) {
    fs::KernelBuffer buffer(bytes);
    if (!attached_) return transmit_unattached(buffer);
    while (buffer.remaining() && send_output(tag_, 1, buffer)) {}
}

namespace {

class PtsTerminal final : public HostTerminal {
  public:
    explicit PtsTerminal(Ref<fs::Devpts> home) : home_(std::move(home)) {}

    /// Gives it its number and so its node. Once, before anybody else sees it.
    Result<void> appear() {
        number_ = TRY(home_->add(Ref<RefCounted>(*this)));
        format_to(name_, sizeof name_, "/dev/pts/%u", number_);
        return {};
    }
    [[nodiscard]] u64 device() const override { return fs::make_device(fs::Devpts::kMajor, number_); }
    [[nodiscard]] std::string_view name() const override { return name_; }
    void detach() override {
        attached_ = false;
        home_->remove(number_);
        hang_up();
    }

  private:
    const Ref<fs::Devpts> home_;
    u32 number_ = 0;
    char name_[32] = {};
};

}  // namespace

Result<Ref<HostTerminal>> make_host_terminal() {
    fs::Path top = TRY(fs::devpts_of(TRY(fs::resolve(fs::root(), "/dev/ptmx", fs::kFollow))));
    auto terminal = TRY(make_ref<PtsTerminal>(Ref<fs::Devpts>(static_cast<fs::Devpts&>(*top.mount->fs))));
    TRY(terminal->appear());
    return Ref<HostTerminal>(std::move(terminal));
}

}  // namespace astra
