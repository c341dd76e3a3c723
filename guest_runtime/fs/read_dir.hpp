// Reading directories.
#pragma once
#include "guest_kernel/base/vector.hpp"
#include "guest_runtime/fs/metadata.hpp"

namespace astra::fs {

/// A name in a directory.
class DirEntry {
  public:
    DirEntry(String directory, String name, u64 ino, u8 type)
        : directory_(std::move(directory)), name_(std::move(name)), ino_(ino), type_(type) {}
    [[nodiscard]] std::string_view file_name() const { return name_; }
    /// The directory's path as it was given, with the name.
    [[nodiscard]] io::Result<String> path() const;
    /// Of the entry itself, not what a link leads to.
    [[nodiscard]] io::Result<Metadata> metadata() const;
    /// From the directory when it says so, otherwise from metadata.
    [[nodiscard]] io::Result<FileType> file_type() const;
    [[nodiscard]] u64 ino() const { return ino_; }

  private:
    String directory_, name_;
    u64 ino_;
    u8 type_;
};

/// A directory being read, without "." and "..", in the file system's order.
///     auto dir = TRY(fs::read_dir("/"));
///     while (auto entry = TRY(dir.next())) println("{}", entry->file_name());
class ReadDir {
  public:
    ReadDir(os::OwnedFd fd, String path) : fd_(std::move(fd)), path_(std::move(path)) {}
    /// The next name; none at the end (getdents(78)).
    io::Result<std::optional<DirEntry>> next();

  private:
    os::OwnedFd fd_;
    String path_;
    usize at_ = 0, end_ = 0;
    alignas(8) u8 buffer_[2048];
};

/// Opens a directory; NotADirectory for something else.
io::Result<ReadDir> read_dir(std::string_view path);

}  // namespace astra::fs
