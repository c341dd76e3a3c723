// /proc/PID/mounts and mountinfo (proc(5)): every mount, as seen from a root.
#include "guest_kernel/fs/mount.hpp"
#include "guest_kernel/fs/procfs/files.hpp"

namespace astra::fs::procfs {

namespace {

struct Flag {
    u64 bit;
    std::string_view text;
};
constexpr Flag kFlags[] = {{kMountNoSuid, ",nosuid"},
                           {kMountNoDevices, ",nodev"},
                           {kMountNoExec, ",noexec"},
                           {kMountNoDirAtime, ",nodiratime"}};

void add_flags(const Mount& mount, Text& text) {
    u64 flags = mount.flags;
    text.append(flags & kMountReadOnly ? "ro" : "rw");
    for (const Flag& flag : kFlags)
        if (flags & flag.bit) text.append(flag.text);
    text.append(flags & kMountNoAtime ? ",noatime" : ",relatime");
}

/// Runs `line(mount, where)` for every mount that can be reached from the subject's root.
template <class Line>
Result<void> for_each_mount(const Subject& subject, Line&& line) {
    Ref<sched::Process> process = TRY(process_of(subject));
    Ref<Context> context = process->fs_ref();
    if (!context) return fail(Errno::kEINVAL);  // a zombie
    Path top = context->root();
    Vector<Ref<Mount>> mounts;
    TRY(list_mounts(mounts));
    for (const Ref<Mount>& mount : mounts) {
        PathName where = TRY(path_name(Path{mount, mount->root}, top));
        if (where.reachable) TRY(line(*mount, where.text.view()));
    }
    return {};
}

std::string_view source_of(const Mount& mount) {
    return mount.source.empty() ? std::string_view("none") : mount.source.view();
}

}  // namespace

Result<void> show_mounts(const Subject& subject, Text& text) {
    return for_each_mount(subject, [&](Mount& mount, std::string_view where) -> Result<void> {
        text.append_escaped(source_of(mount));
        text.append(" ");
        text.append_escaped(where);
        text.add(" %.*s ", ASTRA_TEXT(mount.fs->type()));
        add_flags(mount, text);
        text.append(TRY(mount.fs->options()));
        text.append(" 0 0\n");
        return {};
    });
}

Result<void> show_mountinfo(const Subject& subject, Text& text) {
    return for_each_mount(subject, [&](Mount& mount, std::string_view where) -> Result<void> {
        u64 device = mount.fs->device();
        u32 parent = mount.parent ? mount.parent->id : 0;
        text.add("%u %u %u:%u ", mount.id, parent, device_major(device), device_minor(device));
        // The part of the file system that the mount shows: all of it but for binds.
        PathName part =
            TRY(path_name(Path{mount.parent ? mount.parent : Ref<Mount>(mount), mount.root}, Path()));
        text.append_escaped(part.text.view());
        text.append(" ");
        text.append_escaped(where);
        text.append(" ");
        add_flags(mount, text);
        text.add(" - %.*s ", ASTRA_TEXT(mount.fs->type()));
        text.append_escaped(source_of(mount));
        text.append(mount.read_only() ? " ro" : " rw");
        text.append(TRY(mount.fs->options()));
        text.append("\n");
        return {};
    });
}

}  // namespace astra::fs::procfs
