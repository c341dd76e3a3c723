// tmpfs: files in memory, alone or over a read-only image (then it is the root file system).
#pragma once
#include "guest_kernel/fs/path.hpp"
#include "guest_kernel/fs/tmpfs/node.hpp"

namespace astra::fs {

class Tmpfs final : public FileSystem {
  public:
    struct Options {
        u64 limit_pages;
        u32 mode = 01777, uid = 0, gid = 0;
        /// As /proc/mounts names it.
        std::string_view type = "tmpfs";
        Own<tar::Image> lower;
    };
    static Result<Ref<Tmpfs>> create(Options options);
    /// Half of the memory, as Linux has it.
    static u64 default_limit();
    ~Tmpfs() override;

    [[nodiscard]] std::string_view type() const override { return type_; }
    [[nodiscard]] Ref<Inode> root_inode() override { return root_; }
    Result<void> statfs(abi::StatFs& out) override;
    Result<String> options() override;

  private:
    explicit Tmpfs(std::string_view type) : type_(type) {}
    template <class T, class... A>
    friend Result<Ref<T>> astra::make_ref(A&&...);

    const std::string_view type_;
    u64 limit_pages_ = 0;
    Ref<tmpfs::Volume> volume_;
    Ref<tmpfs::Node> root_;
};

/// mount(2)'s tmpfs: options size=, mode=, uid=, gid=, nr_inodes= (tmpfs(5)). Errors: EINVAL.
Result<Ref<FileSystem>> create_tmpfs(std::string_view options);
/// A tmpfs that holds the device nodes.
Result<Ref<FileSystem>> create_devtmpfs(std::string_view options);

}  // namespace astra::fs
