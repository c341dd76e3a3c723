// What is known of a file without opening it.
#pragma once
#include <string_view>

#include "guest_runtime/io/error.hpp"
#include "guest_runtime/os/os.hpp"
#include "guest_runtime/sys/constants.hpp"
#include "guest_runtime/time/time.hpp"

namespace astra::fs {

/// The kind of a file, from the type bits of st_mode (inode(7)).
class FileType {
  public:
    explicit FileType(u32 mode) : type_(mode & sys::kTypeMask) {}
    [[nodiscard]] bool is_file() const { return type_ == sys::kTypeFile; }
    [[nodiscard]] bool is_dir() const { return type_ == sys::kTypeDirectory; }
    [[nodiscard]] bool is_symlink() const { return type_ == sys::kTypeLink; }
    [[nodiscard]] bool is_fifo() const { return type_ == sys::kTypeFifo; }
    [[nodiscard]] bool is_socket() const { return type_ == sys::kTypeSocket; }
    [[nodiscard]] bool is_char_device() const { return type_ == sys::kTypeChar; }
    [[nodiscard]] bool is_block_device() const { return type_ == sys::kTypeBlock; }
    friend bool operator==(FileType, FileType) = default;

  private:
    u32 type_;
};

/// The twelve permission bits of st_mode.
class Permissions {
  public:
    explicit Permissions(u32 mode) : mode_(mode & 07777) {}
    [[nodiscard]] u32 mode() const { return mode_; }
    /// Nobody may write.
    [[nodiscard]] bool readonly() const { return (mode_ & 0222) == 0; }
    void set_readonly(bool readonly) { mode_ = readonly ? mode_ & ~0222u : mode_ | 0222; }
    friend bool operator==(Permissions, Permissions) = default;

  private:
    u32 mode_;
};

/// Size, type, times and the rest of a file's status (stat(2)). The full record is asked for: the
/// specification's 24-byte one (stat(4), fstat(5) of the astra ABI) has no inode, owner or access time.
class Metadata {
  public:
    explicit Metadata(const abi::Stat& stat) : stat_(stat) {}
    /// Bytes.
    [[nodiscard]] u64 len() const { return static_cast<u64>(stat_.size); }
    [[nodiscard]] FileType file_type() const { return FileType(stat_.mode); }
    [[nodiscard]] bool is_file() const { return file_type().is_file(); }
    [[nodiscard]] bool is_dir() const { return file_type().is_dir(); }
    [[nodiscard]] bool is_symlink() const { return file_type().is_symlink(); }
    [[nodiscard]] Permissions permissions() const { return Permissions(stat_.mode); }
    [[nodiscard]] time::SystemTime modified() const { return at(stat_.mtime); }
    [[nodiscard]] time::SystemTime accessed() const { return at(stat_.atime); }
    /// When the status last changed (ctime).
    [[nodiscard]] time::SystemTime changed() const { return at(stat_.ctime); }
    [[nodiscard]] u64 ino() const { return stat_.ino; }
    [[nodiscard]] u64 dev() const { return stat_.dev; }
    [[nodiscard]] u64 nlink() const { return stat_.nlink; }
    [[nodiscard]] u32 uid() const { return stat_.uid; }
    [[nodiscard]] u32 gid() const { return stat_.gid; }
    [[nodiscard]] u32 mode() const { return stat_.mode; }

  private:
    static time::SystemTime at(const abi::TimeSpec& t) { return {t.sec, static_cast<u32>(t.nsec)}; }
    abi::Stat stat_;
};

/// Of what `path` leads to; symbolic links are followed.
io::Result<Metadata> metadata(std::string_view path);
/// Of `path` itself, be it a symbolic link.
io::Result<Metadata> symlink_metadata(std::string_view path);
/// Whether `path` leads to something; errors other than NotFound are answered.
io::Result<bool> exists(std::string_view path);

}  // namespace astra::fs
