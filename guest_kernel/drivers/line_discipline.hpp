// The N_TTY line discipline (termios(3)): turns what is typed into lines and signals, and what is written
// into what a terminal shows. Pure: no locks, no devices, so it is unit-tested as is.
#pragma once
#include <span>

#include "guest_kernel/abi/structs.hpp"
#include "guest_kernel/base/result.hpp"

namespace astra::tty {

// asm-generic/termbits.h.
enum InputFlag : u32 {
    kIgnbrk = 1,
    kBrkint = 2,
    kIstrip = 040,
    kInlcr = 0100,
    kIgncr = 0200,
    kIcrnl = 0400,
    kIuclc = 01000,
    kIxon = 02000,
    kIxany = 04000,
    kImaxbel = 020000,
    kIutf8 = 040000
};
enum OutputFlag : u32 { kOpost = 1, kOlcuc = 2, kOnlcr = 4, kOcrnl = 010, kOnocr = 020, kOnlret = 040 };
enum LocalFlag : u32 {
    kIsig = 1,
    kIcanon = 2,
    kEcho = 010,
    kEchoe = 020,
    kEchok = 040,
    kEchonl = 0100,
    kNoflsh = 0200,
    kTostop = 0400,
    kEchoctl = 01000,
    kEchoke = 04000,
    kIexten = 0100000
};
enum ControlCharacter {
    kVintr,
    kVquit,
    kVerase,
    kVkill,
    kVeof,
    kVtime,
    kVmin,
    kVswtc,
    kVstart,
    kVstop,
    kVsusp,
    kVeol,
    kVreprint,
    kVdiscard,
    kVwerase,
    kVlnext,
    kVeol2
};

/// What a new terminal starts with (Linux's tty_std_termios).
abi::Termios default_termios();

class LineDiscipline {
  public:
    static constexpr usize kInputSize = 4096;
    static constexpr usize kEchoSize = 512;

    /// What input() wants done: signals to the foreground group, bytes to echo (already output-processed).
    struct Effects {
        int signal = 0;  // SIGINT, SIGQUIT or SIGTSTP; 0: none
        bool readable = false;
        u8 echo[kEchoSize];
        usize echo_length = 0;
    };

    abi::Termios termios = default_termios();
    bool output_stopped = false;  // ^S

    /// Takes one typed byte.
    void input(u8 byte, Effects& effects);
    /// Bytes a read would get now: whole lines in canonical mode. At end of file `eof` is set when the next
    /// thing is ^D.
    [[nodiscard]] usize readable_bytes(bool& eof) const;
    /// Copies up to to.size() bytes out: at most one line in canonical mode. Consumes a ^D that stands alone
    /// (returns 0).
    usize read(std::span<u8> to);
    /// Output processing of one byte into at most 2 bytes (8 for a tab is not expanded); returns how many.
    usize output(u8 byte, u8 (&to)[2]);
    /// Bytes of input that fit now. A line too long to end leaves room for its end: the rest of it is lost.
    [[nodiscard]] usize input_room() const;
    void flush_input();
    [[nodiscard]] usize column() const { return column_; }
    /// After ICANON was switched off or on: what was typed becomes readable.
    void mode_changed();

  private:
    void echo(u8 byte, Effects& effects);
    void echo_raw(u8 byte, Effects& effects);
    void erase_one(Effects& effects);
    bool is(int character, u8 byte) const {
        return termios.cc[character] != 0 && termios.cc[character] == byte;
    }
    bool local(u32 flag) const { return termios.lflag & flag; }
    u8 at(usize i) const { return ring_[(head_ + i) % kInputSize]; }
    bool push(u8 byte, bool ends_line);

    u8 ring_[kInputSize] = {};
    bool ends_[kInputSize] = {};  // the byte ends a line; a ^D is stored as a 0-byte marker with eof_ set
    bool eof_[kInputSize] = {};
    usize head_ = 0, count_ = 0;
    usize complete_ = 0;  // bytes up to and including the last line end
    usize column_ = 0;
    bool literal_next_ = false;
};

}  // namespace astra::tty
