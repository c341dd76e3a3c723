// File and OpenOptions.
#pragma once
#include "guest_runtime/fs/metadata.hpp"
#include "guest_runtime/io/traits.hpp"

namespace astra::fs {

/// An open file; closed when it dies. Reads and writes go straight to the kernel.
///     auto file = TRY(fs::File::open("/index.html"));
///     String contents;
///     TRY(file.read_to_string(contents));
class File : public io::ReadMethods<File>, public io::WriteMethods<File>, public io::SeekMethods<File> {
  public:
    explicit File(os::OwnedFd fd) : fd_(std::move(fd)) {}
    /// For reading. NotFound, PermissionDenied, …
    static io::Result<File> open(std::string_view path);
    /// For writing; made when it is not there, emptied when it is.
    static io::Result<File> create(std::string_view path);
    /// For reading and writing; AlreadyExists when it is there.
    static io::Result<File> create_new(std::string_view path);

    io::Result<usize> read(std::span<u8> to) { return os::read(fd_.raw(), to); }
    io::Result<usize> write(std::span<const u8> from) { return os::write(fd_.raw(), from); }
    /// Nothing is held back in this process: always succeeds.
    io::Result<void> flush() { return {}; }
    /// Answers the new position in bytes (lseek(2)); InvalidInput before the start, NotSeekable for pipes.
    io::Result<u64> seek(io::SeekFrom to);
    /// At a position, without moving the file's own (pread(2), pwrite(2)).
    io::Result<usize> read_at(std::span<u8> to, u64 offset) const;
    io::Result<usize> write_at(std::span<const u8> from, u64 offset) const;

    /// Cuts or extends (with zeros) to `size` bytes (ftruncate(2)).
    io::Result<void> set_len(u64 size);
    /// Data and metadata, or data only, to the medium (fsync(2), fdatasync(2)).
    io::Result<void> sync_all();
    io::Result<void> sync_data();
    [[nodiscard]] io::Result<Metadata> metadata() const;
    io::Result<void> set_permissions(Permissions permissions);
    /// Sets access and modification time (utimensat(2)).
    io::Result<void> set_times(time::SystemTime accessed, time::SystemTime modified);
    /// Another handle for the same open file: they share the position.
    [[nodiscard]] io::Result<File> try_clone() const;
    /// Closes now, to learn of errors.
    io::Result<void> close() { return fd_.close(); }
    [[nodiscard]] os::OwnedFd& fd() { return fd_; }
    os::OwnedFd into_fd() { return std::move(fd_); }

  private:
    os::OwnedFd fd_;
};

/// How to open a file.
///     auto log = TRY(fs::OpenOptions().append(true).create(true).open("/var/log/x"));
class OpenOptions {
  public:
    OpenOptions& read(bool on) { return read_ = on, *this; }
    OpenOptions& write(bool on) { return write_ = on, *this; }
    /// Every write goes to the end; implies writing.
    OpenOptions& append(bool on) { return append_ = on, *this; }
    /// Empties a file that is there; needs write.
    OpenOptions& truncate(bool on) { return truncate_ = on, *this; }
    /// Makes a file that is not there; needs write or append.
    OpenOptions& create(bool on) { return create_ = on, *this; }
    /// Makes the file; AlreadyExists when it is there. Overrides create and truncate.
    OpenOptions& create_new(bool on) { return create_new_ = on, *this; }
    /// Permission bits of a file that is made, minus the umask; 0666 unless told.
    OpenOptions& mode(u32 mode) { return mode_ = mode, *this; }
    /// Further open(2) flags (sys/constants.hpp).
    OpenOptions& custom_flags(int flags) { return custom_ = flags, *this; }
    /// InvalidInput when the options contradict each other, as in Rust.
    [[nodiscard]] io::Result<File> open(std::string_view path) const;

  private:
    [[nodiscard]] io::Result<int> flags() const;
    bool read_ = false, write_ = false, append_ = false, truncate_ = false, create_ = false,
         create_new_ = false;
    u32 mode_ = 0666;
    int custom_ = 0;
};

}  // namespace astra::fs
