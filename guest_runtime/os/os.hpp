// What the operating system says: errno values, their names and texts, and descriptors that close themselves.
#pragma once
#include <source_location>
#include <span>
#include <string_view>
#include <utility>

#include "guest_runtime/io/error.hpp"
#include "guest_runtime/sys/syscall.hpp"

namespace astra::os {

/// strerror(3)'s text for an errno value, "Unknown error" for a number that is none.
std::string_view error_string(int number);
/// The name of an errno value ("ENOENT"), or "" for a number that is none.
std::string_view error_name(int number);
/// The errno value of the last system call that check() saw fail in this thread; 0 before the first.
int last_errno();
/// Whether `number` is EINTR: a signal came before anything was done.
constexpr bool is_interrupted(int number) { return number == static_cast<int>(Errno::kEINTR); }

/// What a system call answered as a Result: the value, or the Error of -errno. Remembers the errno for
/// last_errno().
io::Result<i64> check(i64 answer);
/// The same for calls whose value says nothing.
io::Result<void> check_done(i64 answer);

/// A descriptor that this object owns and closes. Movable; using one that was moved from or closed panics.
class OwnedFd {
  public:
    OwnedFd() = default;
    /// Takes over `fd`.
    explicit OwnedFd(int fd) : fd_(fd) {}
    OwnedFd(OwnedFd&& o) noexcept : fd_(std::exchange(o.fd_, -1)) {}
    OwnedFd& operator=(OwnedFd&& o) noexcept {
        std::swap(fd_, o.fd_);
        return *this;
    }
    ~OwnedFd() {
        if (fd_ >= 0) sys::close(fd_);
    }
    /// Makes an OwnedFd of a call's answer.
    static io::Result<OwnedFd> from(i64 answer);

    /// The descriptor's number, still owned. Panics when there is none (moved from, closed).
    [[nodiscard]] int raw(std::source_location where = std::source_location::current()) const;
    [[nodiscard]] bool is_open() const { return fd_ >= 0; }
    /// Gives the descriptor away: the caller closes it.
    int into_raw() { return std::exchange(fd_, -1); }
    /// Closes now, to learn of errors (close(2)).
    io::Result<void> close();
    /// A second descriptor for the same open file, closed on exec (fcntl F_DUPFD_CLOEXEC).
    [[nodiscard]] io::Result<OwnedFd> try_clone() const;

  private:
    int fd_ = -1;
};

/// Reads at most `to.size()` bytes from a descriptor; 0 at the end of file (read(2)).
io::Result<usize> read(int fd, std::span<u8> to);
/// Writes at most `from.size()` bytes; answers how many were taken (write(2)).
io::Result<usize> write(int fd, std::span<const u8> from);
/// Sets or clears O_NONBLOCK.
io::Result<void> set_nonblocking(int fd, bool on);

}  // namespace astra::os
