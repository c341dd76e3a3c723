// The standard streams: thin handles for descriptors 0, 1 and 2, unbuffered as the specification asks
// ("direct system calls without buffering layers"); wrap them in BufReader or BufWriter for many small
// pieces.
#pragma once
#include "guest_runtime/io/traits.hpp"
#include "guest_runtime/stdio/print.hpp"

namespace astra::stdio {

/// Descriptor 0.
///     String line; TRY(stdio::stdin_().read_line(line));
class Stdin : public io::ReadMethods<Stdin> {
  public:
    io::Result<usize> read(std::span<u8> to);
    /// Appends a line with its line feed; answers its length, 0 at the end. Reads byte by byte, so that
    /// nothing of the next line is taken from whoever reads it next: for many lines use
    /// io::BufReader(stdio::stdin_()).
    io::Result<usize> read_line(String& to);
    [[nodiscard]] bool is_terminal() const;
};

/// Descriptor 1.
class Stdout : public io::WriteMethods<Stdout> {
  public:
    io::Result<usize> write(std::span<const u8> from);
    /// Nothing is held back: always succeeds.
    io::Result<void> flush() { return {}; }
    [[nodiscard]] bool is_terminal() const;
};

/// Descriptor 2.
class Stderr : public io::WriteMethods<Stderr> {
  public:
    io::Result<usize> write(std::span<const u8> from);
    io::Result<void> flush() { return {}; }
    [[nodiscard]] bool is_terminal() const;
};

// The underscores keep clear of the C library's macros where a program has one.
inline Stdin stdin_() { return {}; }
inline Stdout stdout_() { return {}; }
inline Stderr stderr_() { return {}; }

/// Whether a descriptor is a terminal (isatty(3)).
bool is_terminal(int fd);

}  // namespace astra::stdio
