// Where a process stands in the file system: root, working directory, umask.
#pragma once
#include "guest_kernel/base/vector.hpp"
#include "guest_kernel/fs/vfs.hpp"
#include "guest_kernel/sched/lock.hpp"

namespace astra::fs {

class Context : public RefCounted {
  public:
    struct State {
        Path root, cwd;
        u32 umask = 022;
    };
    static Result<Ref<Context>> create(Path root, Path cwd);
    Result<Ref<Context>> clone();
    /// Snapshots and changes; paths are counted references.
    [[nodiscard]] Path root();
    [[nodiscard]] Path cwd();
    [[nodiscard]] u32 umask();
    u32 set_umask(u32 mask);
    void set_root(Path root);
    void set_cwd(Path cwd);

  private:
    sched::SpinLocked<State, sched::Rank::FdTable> state_;
};

}  // namespace astra::fs
