// devpts: the file system of pseudo-terminals, a node per terminal that has a master (pts(4)).
#pragma once
#include "guest_kernel/fs/path.hpp"
#include "guest_kernel/fs/tmpfs/node.hpp"

namespace astra::fs {

class Devpts final : public FileSystem {
  public:
    struct Options {
        u32 mode = 0600, ptmx_mode = 0;
        i64 uid = -1, gid = -1;  // -1: the opener's
    };
    static Result<Ref<Devpts>> create(const Options& options);

    [[nodiscard]] std::string_view type() const override { return "devpts"; }
    [[nodiscard]] Ref<Inode> root_inode() override { return root_; }
    Result<void> statfs(abi::StatFs& out) override;
    Result<String> options() override;

    static constexpr u32 kMajor = 136;  // of the nodes; their minor is their number
    static constexpr u32 kMost = 4096;  // kernel.pty.max
    /// Gives `terminal` the lowest free number; a node of that name appears. Errors: ENOSPC, ENOMEM.
    Result<u32> add(Ref<RefCounted> terminal);
    void remove(u32 number);
    /// The terminal behind a node's number; null when it is gone.
    Ref<RefCounted> terminal(u32 number);
    /// The node, by number or as "ptmx"; null when there is none.
    Ref<Inode> node(std::string_view name);
    /// The number of the first node at or after `from`. -1: none.
    i64 next(u32 from);
    [[nodiscard]] Inode& top() { return *top_; }

  private:
    template <class T, class... A>
    friend Result<Ref<T>> astra::make_ref(A&&...);
    explicit Devpts(const Options& options) : options_(options) {}

    struct Slot {
        Ref<RefCounted> terminal;  // null: free
        Ref<Inode> node;
    };
    const Options options_;
    Ref<tmpfs::Volume> volume_;
    Ref<Inode> root_, top_, ptmx_;  // top_: the directory's attributes
    sched::SpinLocked<Vector<Slot>, sched::Rank::InodeMap> slots_;
};

/// mount(2)'s devpts: options uid=, gid=, mode=, ptmxmode=, newinstance (each mount is one anyway), max=.
/// Errors: EINVAL.
Result<Ref<FileSystem>> create_devpts(std::string_view options);
/// The top of the devpts that a ptmx at `ptmx` belongs to: the one it is in, or the one mounted on "pts"
/// beside it. Errors: ENODEV.
Result<Path> devpts_of(const Path& ptmx);

}  // namespace astra::fs
