// The N_TTY line discipline.
#include "guest_kernel/drivers/line_discipline.hpp"

namespace astra::tty {

namespace {
constexpr int kSigint = 2, kSigquit = 3, kSigtstp = 20;
constexpr bool is_word(u8 c) {
    return ((c | 32) >= 'a' && (c | 32) <= 'z') || (c >= '0' && c <= '9') || c == '_' || c >= 0x80;
}
constexpr bool is_control(u8 c) { return c < 32 || c == 127; }
}  // namespace

abi::Termios default_termios() {
    abi::Termios t{};
    t.iflag = kIcrnl | kIxon;
    t.oflag = kOpost | kOnlcr;
    t.cflag = 0000277 | 0000060;  // B38400 CS8 CREAD HUPCL
    t.lflag = kIsig | kIcanon | kEcho | kEchoe | kEchok | kEchoctl | kEchoke | kIexten;
    constexpr u8 kDefaults[] = {3, 28, 127, 21, 4, 0, 1, 0, 17, 19, 26, 0, 18, 15, 23, 22, 0};
    for (usize i = 0; i < sizeof kDefaults; i++) t.cc[i] = kDefaults[i];
    return t;
}

bool LineDiscipline::push(u8 byte, bool ends_line) {
    // Canonical mode keeps room for the line end; raw mode drops what nobody reads (as Linux without
    // IMAXBEL).
    if (count_ + (local(kIcanon) && !ends_line ? 1 : 0) >= kInputSize) return false;
    usize slot = (head_ + count_++) % kInputSize;
    ring_[slot] = byte;
    ends_[slot] = ends_line;
    eof_[slot] = false;
    if (ends_line || !local(kIcanon)) complete_ = count_;
    return true;
}

void LineDiscipline::echo_raw(u8 byte, Effects& effects) {
    u8 out[2];
    usize length = output(byte, out);
    for (usize i = 0; i < length && effects.echo_length < kEchoSize; i++)
        effects.echo[effects.echo_length++] = out[i];
}

void LineDiscipline::echo(u8 byte, Effects& effects) {
    if (!local(kEcho)) {
        if (byte == '\n' && local(kEchonl) && local(kIcanon)) echo_raw(byte, effects);
        return;
    }
    if (local(kEchoctl) && is_control(byte) && byte != '\n' && byte != '\t') {
        echo_raw('^', effects);
        echo_raw(byte ^ 0x40, effects);
    } else {
        echo_raw(byte, effects);
    }
}

void LineDiscipline::erase_one(Effects& effects) {
    u8 byte = at(--count_);
    // The continuation bytes of one UTF-8 character go together.
    while ((termios.iflag & kIutf8) && (byte & 0xc0) == 0x80 && count_ > complete_) byte = at(--count_);
    if (!local(kEcho)) return;
    if (!local(kEchoe)) return echo(termios.cc[kVerase], effects);
    usize cells = is_control(byte) && local(kEchoctl) && byte != '\t' ? 2 : 1;
    for (usize i = 0; i < cells; i++)
        for (u8 c : {'\b', ' ', '\b'}) echo_raw(c, effects);
}

void LineDiscipline::input(u8 byte, Effects& effects) {
    if (termios.iflag & kIstrip) byte &= 0x7f;
    if (literal_next_) {
        literal_next_ = false;
        if (push(byte, false)) echo(byte, effects);
        effects.readable = complete_ != 0;
        return;
    }
    if (byte == '\r') {
        if (termios.iflag & kIgncr) return;
        if (termios.iflag & kIcrnl) byte = '\n';
    } else if (byte == '\n' && (termios.iflag & kInlcr)) {
        byte = '\r';
    }
    if (termios.iflag & kIxon) {
        if (is(kVstop, byte)) return void(output_stopped = true);
        if (is(kVstart, byte) || ((termios.iflag & kIxany) && output_stopped)) {
            output_stopped = false;
            if (is(kVstart, byte)) return;
        }
    }
    if (local(kIsig)) {
        int signal = is(kVintr, byte)   ? kSigint
                     : is(kVquit, byte) ? kSigquit
                     : is(kVsusp, byte) ? kSigtstp
                                        : 0;
        if (signal) {
            if (!local(kNoflsh)) flush_input();
            echo(byte, effects);
            effects.signal = signal;
            return;
        }
    }
    if (local(kIcanon)) {
        if (is(kVerase, byte) || byte == '\b') {
            if (count_ > complete_) erase_one(effects);
            return;
        }
        if (is(kVkill, byte)) {
            while (count_ > complete_) erase_one(effects);
            return;
        }
        if (local(kIexten) && is(kVwerase, byte)) {
            while (count_ > complete_ && !is_word(at(count_ - 1))) erase_one(effects);
            while (count_ > complete_ && is_word(at(count_ - 1))) erase_one(effects);
            return;
        }
        if (local(kIexten) && is(kVlnext, byte)) return void(literal_next_ = true);
        if (local(kIexten) && is(kVreprint, byte)) {
            echo(byte, effects);
            echo_raw('\n', effects);
            for (usize i = complete_; i < count_; i++) echo(at(i), effects);
            return;
        }
        if (is(kVeof, byte)) {
            if (push(0, true)) eof_[(head_ + count_ - 1) % kInputSize] = true;
            effects.readable = true;
            return;
        }
    }
    bool ends = byte == '\n' || is(kVeol, byte) || is(kVeol2, byte);
    if (push(byte, ends && local(kIcanon))) echo(byte, effects);
    effects.readable = complete_ != 0;
}

usize LineDiscipline::readable_bytes(bool& eof) const {
    eof = complete_ != 0 && eof_[head_];
    if (!local(kIcanon)) return complete_;
    for (usize i = 0; i < complete_; i++)
        if (ends_[(head_ + i) % kInputSize]) return eof_[(head_ + i) % kInputSize] ? i : i + 1;
    return complete_;
}

usize LineDiscipline::read(std::span<u8> to) {
    usize done = 0;
    while (complete_) {
        bool end = ends_[head_], eof = eof_[head_];
        if (!eof && done == to.size()) break;
        if (!eof) to[done++] = ring_[head_];
        head_ = (head_ + 1) % kInputSize;
        count_--, complete_--;
        if (end && local(kIcanon)) break;
    }
    return done;
}

usize LineDiscipline::output(u8 byte, u8 (&to)[2]) {
    auto advance = [&](u8 c) {
        if (c == '\r')
            column_ = 0;
        else if (c == '\b')
            column_ -= column_ != 0;
        else if (c == '\t')
            column_ = (column_ | 7) + 1;
        else if (c >= 32 && (c & 0xc0) != 0x80)
            column_++;
    };
    if (!(termios.oflag & kOpost)) {
        to[0] = byte;
        advance(byte);
        return 1;
    }
    if (byte == '\n' && (termios.oflag & kOnlcr)) {
        to[0] = '\r', to[1] = '\n';
        column_ = 0;
        return 2;
    }
    if (byte == '\r') {
        if (termios.oflag & kOcrnl)
            byte = '\n';
        else if ((termios.oflag & kOnocr) && column_ == 0)
            return 0;
    }
    to[0] = byte;
    if (byte == '\n' && (termios.oflag & kOnlret)) column_ = 0;
    advance(byte);
    return 1;
}

usize LineDiscipline::input_room() const {
    if (local(kIcanon) && complete_ == 0 && count_ + 1 >= kInputSize) return 1;
    return kInputSize - count_;
}

void LineDiscipline::flush_input() { head_ = count_ = complete_ = 0; }

void LineDiscipline::mode_changed() {
    if (!local(kIcanon)) complete_ = count_;
}

}  // namespace astra::tty
