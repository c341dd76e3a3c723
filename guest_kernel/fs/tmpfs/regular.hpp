// Regular files of tmpfs: the node, and its open descriptions.
#pragma once
#include "guest_kernel/fs/inode_file.hpp"
#include "guest_kernel/fs/tmpfs/contents.hpp"
#include "guest_kernel/fs/tmpfs/node.hpp"

namespace astra::fs::tmpfs {

class Regular final : public Node {
  public:
    using Node::Node;
    ~Regular() override;

    /// Made at first use: most files of an image are only looked at. Errors: ENOMEM.
    Result<Ref<Contents>> contents();
    Result<Ref<File>> open(const Path& path, u32 flags) override;

  protected:
    [[nodiscard]] u64 size() override;
    [[nodiscard]] u64 blocks() override;
    Result<void> resize(u64 size) override;

  private:
    [[nodiscard]] std::span<const u8> lower_bytes() const;
    std::atomic<Contents*> contents_{nullptr};  // one reference
};

class RegularFile final : public InodeFile {
  public:
    RegularFile(const Path& path, Ref<Regular> node, Ref<Contents> contents)
        : InodeFile(path), node_(std::move(node)), contents_(std::move(contents)) {}
    Result<usize> read(Buffer& to, i64* offset) override;
    Result<usize> write(Buffer& from, i64* offset) override;
    Result<i64> seek(i64 offset, int whence) override;
    Result<void> truncate(i64 size) override;
    Result<void> allocate(int mode, i64 offset, i64 length) override;
    /// F_ADD_SEALS and F_GET_SEALS.
    Result<i64> control(int command, u64 argument) override;
    Result<Ref<mm::PageSource>> page_source() override { return Ref<mm::PageSource>(contents_); }

  private:
    const Ref<Regular> node_;
    const Ref<Contents> contents_;
};

}  // namespace astra::fs::tmpfs
