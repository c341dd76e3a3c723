// A process's descriptor table.
#pragma once
#include "guest_kernel/fs/file.hpp"
#include "guest_kernel/sched/lock.hpp"

namespace astra::fs {

class FdTable : public RefCounted {
  public:
    ~FdTable() override;
    static Result<Ref<FdTable>> create();
    /// A copy with shared file descriptions (fork, CLONE_FILES unset).
    Result<Ref<FdTable>> clone();

    /// The file behind `fd`. Errors: EBADF (also for O_PATH descriptors unless `allow_path`).
    Result<Ref<File>> get(int fd, bool allow_path = false);
    /// Lowest free descriptor at or above `from`. Errors: EMFILE at `limit` (RLIMIT_NOFILE).
    Result<int> install(Ref<File> file, bool close_on_exec, u64 limit, int from = 0);
    /// Is there room for one more descriptor now? Errors: EMFILE at `limit`, ENOMEM.
    Result<void> check_room(u64 limit);
    /// dup2: puts `file` at exactly `fd`, closing what was there. Errors: EBADF beyond the limit.
    Result<void> install_at(int fd, Ref<File> file, bool close_on_exec, u64 limit);
    Result<void> close(int fd);
    void close_range(u32 first, u32 last);
    void set_close_on_exec(u32 first, u32 last);
    void close_on_exec_all();
    Result<bool> close_on_exec(int fd);
    Result<void> set_close_on_exec_flag(int fd, bool on);
    /// Descriptors in use at or after `from`; -1 at the end. For /proc/PID/fd.
    int next(int from);
    void close_all();

  private:
    struct Slot {
        Ref<File> file;
        bool close_on_exec = false;
    };
    struct Table {
        Vector<Slot> slots;
        usize lowest_free = 0;  // no slot below it is free
    };
    void released(Ref<File> file);
    static Result<usize> find_free(Table& t, usize from, u64 limit);
    static Result<void> grow(Table& t, usize size);
    static Ref<File> take(Table& t, usize index);
    template <class Which>
    void close_where(usize first, usize last, Which&& which);
    sched::SpinLocked<Table, sched::Rank::FdTable> table_;
};

}  // namespace astra::fs
