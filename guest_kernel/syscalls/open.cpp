// open, creat, openat, openat2, memfd_create.
#include "guest_kernel/fs/memfd.hpp"
#include "guest_kernel/syscalls/path_arguments.hpp"

namespace astra::syscalls {

namespace {

constexpr int kRlimitNofile = 7;

SyscallResult install(Ref<fs::File> file, bool close_on_exec) {
    sched::Process& process = sched::current_process();
    return TRY(process.fds().install(std::move(file), close_on_exec, process.limit(kRlimitNofile)));
}

SyscallResult open_at(int dirfd, UserString path, u32 flags, u32 mode, u32 walk = 0) {
    PathArgument argument = TRY(read_path(dirfd, path));
    Ref<fs::File> file = TRY(fs::open(argument.base, argument.text, flags, mode, walk));
    return install(std::move(file), flags & fs::kOCloseOnExec);
}

enum Resolve : u64 {
    kNoXdev = 1,
    kNoMagicLinks = 2,
    kNoSymlinks = 4,
    kBeneath = 8,
    kInRoot = 16,
    kResolveAll = 31,
};
struct WalkBit {
    u64 resolve;
    u32 walk;
};
constexpr WalkBit kWalkBits[] = {{kNoXdev, fs::kNoCross},
                                 {kNoMagicLinks, fs::kNoMagic},
                                 {kNoSymlinks, fs::kNoSymlinks | fs::kNoMagic},
                                 {kBeneath, fs::kBeneath},
                                 {kInRoot, fs::kInRoot}};

/// Reads a struct that grows with time: bytes beyond what is known must be zero (copy_struct_from_user).
Result<OpenHow> read_how(In<OpenHow> how, usize size) {
    if (size < sizeof(OpenHow)) return fail(Errno::kEINVAL);
    if (size > kPageSize) return fail(Errno::kE2BIG);
    for (usize at = sizeof(OpenHow); at < size; at++)
        if (TRY(mm::read(In<u8>(how.address() + at)))) return fail(Errno::kE2BIG);
    return mm::read(how);
}

}  // namespace

SyscallResult sys_open(UserString path, int flags, u32 mode) {
    return open_at(fs::kAtCwd, path, static_cast<u32>(flags), mode);
}

SyscallResult sys_creat(UserString path, u32 mode) {
    return open_at(fs::kAtCwd, path, fs::kOCreate | fs::kOWriteOnly | fs::kOTruncate, mode);
}

SyscallResult sys_openat(int dirfd, UserString path, int flags, u32 mode) {
    return open_at(dirfd, path, static_cast<u32>(flags), mode);
}

SyscallResult sys_openat2(int dirfd, UserString path, In<OpenHow> how_address, usize size) {
    OpenHow how = TRY(read_how(how_address, size));
    constexpr u64 kWithPath = fs::kOPath | fs::kODirectory | fs::kONoFollow | fs::kOCloseOnExec;
    bool makes = how.flags & (fs::kOCreate | fs::kOTmpfileBit);
    if ((how.flags & ~u64{fs::kOAll}) || (how.resolve & ~u64{kResolveAll})) return fail(Errno::kEINVAL);
    if ((how.resolve & kBeneath) && (how.resolve & kInRoot)) return fail(Errno::kEINVAL);
    if (makes ? (how.mode & ~u64{fs::kModeBits}) != 0 : how.mode != 0) return fail(Errno::kEINVAL);
    if ((how.flags & fs::kOPath) && (how.flags & ~kWithPath)) return fail(Errno::kEINVAL);
    u32 walk = 0;
    for (const WalkBit& bit : kWalkBits)
        if (how.resolve & bit.resolve) walk |= bit.walk;
    return open_at(dirfd, path, static_cast<u32>(how.flags), static_cast<u32>(how.mode), walk);
}

SyscallResult sys_memfd_create(UserString name, u32 flags) {
    enum : u32 { kCloseOnExec = 1, kAllowSealing = 2 };
    constexpr usize kLongestName = 249;
    if (flags & ~u32(kCloseOnExec | kAllowSealing)) return fail(Errno::kEINVAL);
    String text = TRY(mm::read_string(name, kLongestName + 1, Errno::kEINVAL));
    return install(TRY(fs::make_memfd(text, flags & kAllowSealing)), flags & kCloseOnExec);
}

}  // namespace astra::syscalls
