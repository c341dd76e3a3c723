// The standard streams.
#include "guest_runtime/stdio/stdio.hpp"

#include "guest_runtime/os/os.hpp"

namespace astra::stdio {

io::Result<usize> Stdin::read(std::span<u8> to) { return os::read(0, to); }

io::Result<usize> Stdin::read_line(String& to) {
    Vector<u8> bytes;
    for (u8 byte = 0; byte != '\n';) {
        usize count = TRY(io::retry([&] { return read({&byte, 1}); }));
        if (count == 0) break;
        TRY(bytes.push_back(byte));
    }
    if (!text::is_utf8(io::as_text(bytes)))
        return io::failure(io::ErrorKind::InvalidData, "stream did not contain valid UTF-8");
    TRY(to.append(io::as_text(bytes)));
    return bytes.size();
}

io::Result<usize> Stdout::write(std::span<const u8> from) { return os::write(1, from); }
io::Result<usize> Stderr::write(std::span<const u8> from) { return os::write(2, from); }

bool Stdin::is_terminal() const { return stdio::is_terminal(0); }
bool Stdout::is_terminal() const { return stdio::is_terminal(1); }
bool Stderr::is_terminal() const { return stdio::is_terminal(2); }

bool is_terminal(int fd) {
    constexpr u32 kTcGets = 0x5401;
    abi::Termios settings{};
    return sys::ioctl(fd, kTcGets, reinterpret_cast<u64>(&settings)) == 0;
}

}  // namespace astra::stdio
