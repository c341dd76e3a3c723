// Open terminals: read(2) and write(2) through the line discipline, poll(2).
#include "guest_kernel/drivers/tty_object.hpp"
#include "guest_kernel/fs/poll.hpp"
#include "guest_kernel/fs/vfs.hpp"

namespace astra::tty {

namespace {

constexpr u32 kSetForeground = 0x5410;  // TIOCSPGRP

class TtyFile final : public fs::File {
  public:
    TtyFile(Tty& tty, u32 open_flags) : tty_(tty) {
        flags = open_flags;
        hangups_ = tty.state.with([](Tty::State& s) { return s.opens++, s.hangups; });
        tty.opened();
    }
    ~TtyFile() override {
        bool last =
            tty_->state.with([this](Tty::State& s) { return s.hangups == hangups_ && --s.opens == 0; });
        if (last) tty_->last_closed();
    }

    Result<usize> read(fs::Buffer& to, i64*) override;
    Result<usize> write(fs::Buffer& from, i64*) override;
    u32 poll(sched::WaitQueue** queue) override;

    Result<i64> ioctl(u32 request, u64 argument) override {
        if (hung_up()) return fail(request == kSetForeground ? Errno::kENOTTY : Errno::kEIO);
        return control_tty(*tty_, false, request, argument);
    }
    Result<void> stat(abi::Stat& out) override {
        if (fs::Inode* node = inode()) return node->stat(out);
        out = {};
        out.mode = fs::kTypeCharDevice | 0620;
        out.rdev = tty_->device();
        out.nlink = 1;
        return {};
    }
    Result<String> describe() override { return path() ? File::describe() : String::from("/dev/console"); }

  private:
    [[nodiscard]] bool hung_up() { return tty_->state.lock()->hangups != hangups_; }
    [[nodiscard]] bool can_write() {
        bool stopped = tty_->state.with([](Tty::State& s) { return s.discipline.output_stopped; });
        return !stopped && tty_->room() > 1;
    }
    Result<usize> write_some(fs::Buffer& from);

    Ref<Tty> tty_;
    u32 hangups_;
};

Result<usize> TtyFile::read(fs::Buffer& to, i64*) {
    if (to.remaining() == 0 || hung_up()) return 0;
    TRY(check_foreground(*tty_, kSigTtin));
    for (;;) {
        u8 chunk[512];
        bool ended = false;
        usize count =
            tty_->take_input({chunk, to.remaining() < sizeof chunk ? to.remaining() : sizeof chunk}, ended);
        if (count) return to.put({chunk, count});
        if (ended) return 0;
        if (hung_up()) return fail(Errno::kEIO);
        abi::Termios termios = tty_->state.lock()->discipline.termios;
        bool limited = !(termios.lflag & kIcanon) && termios.cc[kVmin] == 0;
        if (limited && termios.cc[kVtime] == 0) return 0;
        if (nonblocking()) return fail(Errno::kEAGAIN);
        u64 deadline = limited ? arch::now_ns() + termios.cc[kVtime] * 100'000'000ull : sched::kForever;
        auto waited = tty_->changes.wait([this] { return tty_->has_input() || hung_up(); },
                                         sched::Sleep::Interruptible, deadline);
        if (!waited) return waited.error() == Errno::kETIMEDOUT ? Result<usize>(0) : fail(waited.error());
    }
}

/// As much as there is room for, at most one chunk; 0: no room. One byte can become two.
Result<usize> TtyFile::write_some(fs::Buffer& from) {
    u8 raw[512], cooked[1024];
    usize wanted = from.remaining() < sizeof raw ? from.remaining() : sizeof raw;
    usize reserved = tty_->reserve(2 * wanted);
    Result<usize> taken = reserved < 2 ? Result<usize>(0) : from.take({raw, reserved / 2});
    usize length = 0;
    tty_->state.with([&](Tty::State& s) {
        for (usize i = 0; taken && i < *taken; i++) {
            u8 out[2];
            usize count = s.discipline.output(raw[i], out);
            for (usize j = 0; j < count; j++) cooked[length++] = out[j];
        }
    });
    tty_->transmit({cooked, length}, reserved);
    return taken;
}

Result<usize> TtyFile::write(fs::Buffer& from, i64*) {
    usize done = 0;
    auto partly = [&done](Errno error) { return done ? Result<usize>(done) : fail(error); };
    if (tty_->state.lock()->discipline.termios.lflag & kTostop) TRY(check_foreground(*tty_, kSigTtou));
    while (from.remaining()) {
        if (hung_up()) return partly(Errno::kEIO);
        if (can_write()) {
            Result<usize> moved = write_some(from);
            if (!moved) return partly(moved.error());
            done += *moved;
            continue;
        }
        if (nonblocking()) return partly(Errno::kEAGAIN);
        Result<void> slept = tty_->changes.wait([this] { return can_write() || hung_up(); });
        if (!slept) return partly(slept.error());
    }
    return done;
}

u32 TtyFile::poll(sched::WaitQueue** queue) {
    if (queue) *queue = &tty_->changes;
    if (hung_up()) return fs::kPollReadable | fs::kPollWritable | fs::kPollErr | fs::kPollHup;
    u32 events = can_write() ? u32{fs::kPollWritable} : 0;
    if (tty_->has_input()) events |= fs::kPollReadable;
    if (tty_->state.lock()->input_ended) events |= fs::kPollHup;
    return events;
}

}  // namespace

Result<Ref<fs::File>> open_tty(Tty& tty, u32 flags) {
    return Ref<fs::File>(TRY(make_ref<TtyFile>(tty, flags)));
}

}  // namespace astra::tty
