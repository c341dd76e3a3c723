// Open descriptions of things that have a place in the tree.
#pragma once
#include "guest_kernel/fs/path.hpp"

namespace astra::fs {

/// What all of them share: the place, its inode's status, its name.
class InodeFile : public File {
  public:
    explicit InodeFile(const Path& path) : path_(path) {}
    [[nodiscard]] Inode* inode() override { return path_.dentry->inode.get(); }
    [[nodiscard]] const Path* path() override { return &path_; }
    [[nodiscard]] bool seekable() const override { return true; }
    Result<void> stat(abi::Stat& out) override { return inode()->stat(out); }
    Result<void> sync() override { return {}; }
    Result<Ref<File>> reopen(u32 flags) override;
    Result<String> describe() override;

  private:
    const Path path_;
};

/// An open directory. Offsets 0 and 1 stand before "." and "..", the rest are the file system's cursors + 2.
class DirectoryFile final : public InodeFile {
  public:
    using InodeFile::InodeFile;
    Result<usize> read(Buffer& to, i64* offset) override;  // EISDIR
    Result<void> read_directory(i64& offset, DirectorySink& sink) override;
};

/// O_PATH: a place to start from, nothing more. Descriptor calls answer EBADF before they get here.
class PathFile final : public InodeFile {
  public:
    using InodeFile::InodeFile;
};

/// d_type of a directory entry for an inode of type `mode` (DT_*).
constexpr u8 entry_type(u32 mode) { return static_cast<u8>((mode & kTypeMask) >> 12); }

}  // namespace astra::fs
