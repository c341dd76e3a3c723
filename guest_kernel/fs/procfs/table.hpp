// File systems made of facts: a tree of entries in constant tables, whose files are written by functions when
// somebody reads them. procfs and sysfs are two such trees.
#pragma once
#include "guest_kernel/fs/path.hpp"
#include "guest_kernel/fs/procfs/text.hpp"
#include "guest_kernel/sched/process.hpp"

namespace astra::fs {

/// Whose facts: nothing set for the system as a whole.
struct Subject {
    int pid = 0;  // of a process, or of the process a thread belongs to
    int tid = 0;  // 0: the process as a whole
    int fd = -1;  // or a CPU, in /sys
};

struct Entry;

/// Members of a directory that come and go, named by numbers: processes, threads, descriptors, CPUs.
struct Numbers {
    const Entry& entry;
    /// The lowest member at or above `from`, or -1.
    int (*next)(const Subject& directory, int from);
    /// Whose facts the member shows.
    Subject (*member)(const Subject& directory, int number);
    std::string_view prefix = {};  // what stands before the number: "cpu"
};

/// One name. Which functions it has says what it is: `children` and `numbers` a directory, `link` a symbolic
/// link (`follow` too: one that leads straight to an object), `show` a text, `read` a file with offsets. What
/// a function answers ESRCH to is gone: ENOENT.
struct Entry {
    std::string_view name;
    u32 mode;  // permissions
    Result<void> (*show)(const Subject&, Text&) = nullptr;
    Result<void> (*store)(const Subject&, std::string_view) = nullptr;
    Result<String> (*link)(const Subject&) = nullptr;
    Result<Path> (*follow)(const Subject&) = nullptr;
    Result<usize> (*read)(const Subject&, Buffer& to, u64 offset) = nullptr;
    Result<usize> (*write)(const Subject&, Buffer& from, u64 offset) = nullptr;
    std::span<const Entry> children = {};
    const Numbers* numbers = nullptr;

    [[nodiscard]] u32 type() const {
        return show || read ? kTypeRegular : link ? kTypeSymlink : kTypeDirectory;
    }
};

/// A mountable tree. `dynamic`: names come and go (Inode::dynamic_names).
struct Tree {
    std::string_view type;
    i64 magic;
    bool dynamic;
    const Entry& root;
};
Result<Ref<FileSystem>> make_table_file_system(const Tree& tree);

/// The process a subject means. Errors: ENOENT when it is gone.
Result<Ref<sched::Process>> process_of(const Subject& subject);
/// The same, for facts that only its owner and root may see (ptrace(2), access mode checking). Errors:
/// EACCES.
Result<Ref<sched::Process>> private_process_of(const Subject& subject);

}  // namespace astra::fs
