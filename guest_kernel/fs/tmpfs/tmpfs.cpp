// tmpfs as a file system; and devtmpfs, which is one with device nodes in it.
#include "guest_kernel/fs/tmpfs/tmpfs.hpp"

#include "guest_kernel/base/format.hpp"
#include "guest_kernel/fs/devices.hpp"
#include "guest_kernel/fs/mount_options.hpp"
#include "guest_kernel/fs/vfs.hpp"
#include "guest_kernel/mm/frames.hpp"

namespace astra::fs {

namespace {

constexpr i64 kTmpfsMagic = 0x01021994, kOverlayMagic = 0x794c7630;

/// A size in bytes: a number with k, m, g or %, of memory.
Result<u64> size_option(std::string_view text) {
    u64 value = TRY(take_number(text, 10));
    if (text.empty()) return value;
    if (text.size() != 1) return fail(Errno::kEINVAL);
    u32 shift;
    switch (text.front() | 0x20) {
        case 'k': shift = 10; break;
        case 'm': shift = 20; break;
        case 'g': shift = 30; break;
        default:
            if (text.front() != '%' || value > 100) return fail(Errno::kEINVAL);
            return mm::frame_stats().total * kPageSize / 100 * value;
    }
    if (value > (~u64{0} >> shift)) return fail(Errno::kEINVAL);
    return value << shift;
}

Result<void> apply(std::string_view key, std::string_view value, Tmpfs::Options& options) {
    if (key == "size") {
        u64 bytes = TRY(size_option(value));
        options.limit_pages = bytes ? align_up(bytes, kPageSize) >> kPageShift : ~u64{0} >> 1;
        return {};
    }
    if (key == "nr_inodes" || key == "nr_blocks")
        return size_option(value) ? Result<void>{} : fail(Errno::kEINVAL);
    u32* number_option = key == "mode"  ? &options.mode
                         : key == "uid" ? &options.uid
                         : key == "gid" ? &options.gid
                                        : nullptr;
    if (!number_option) return fail(Errno::kEINVAL);
    *number_option = static_cast<u32>(TRY(whole_number(value, key == "mode" ? 8 : 10, u64{1} << 32)));
    if (key == "mode") *number_option &= kModeBits;
    return {};
}

Result<Tmpfs::Options> parse(std::string_view text) {
    Tmpfs::Options options{.limit_pages = Tmpfs::default_limit(), .lower = {}};
    TRY(each_option(text, [&](auto key, auto value) { return apply(key, value, options); }));
    return options;
}

}  // namespace

u64 Tmpfs::default_limit() { return mm::frame_stats().total / 2; }

Result<Ref<Tmpfs>> Tmpfs::create(Options options) {
    Ref<Tmpfs> fs = TRY(make_ref<Tmpfs>(options.type));
    bool over_image = static_cast<bool>(options.lower);
    fs->volume_ = TRY(make_ref<tmpfs::Volume>(fs->device(), std::move(options.lower), options.limit_pages));
    if (over_image)
        fs->root_ = TRY(fs->volume_->lower_node(tar::Image::kRoot));
    else
        fs->root_ =
            TRY(tmpfs::make_node(fs->volume_, {kTypeDirectory | options.mode, options.uid, options.gid}));
    fs->limit_pages_ = options.limit_pages;
    return fs;
}

Tmpfs::~Tmpfs() {
    root_ = nullptr;
    if (volume_) volume_->unpin_all();
}

Result<void> Tmpfs::statfs(abi::StatFs& out) {
    u64 used = volume_->used_pages(), inodes = mm::frame_stats().total / 2;
    u64 in_use = volume_->numbers_used();
    out = {};
    out.type = volume_->lower ? kOverlayMagic : kTmpfsMagic;
    out.bsize = out.frsize = kPageSize;
    out.blocks = limit_pages_;
    out.bfree = out.bavail = used < limit_pages_ ? limit_pages_ - used : 0;
    out.files = inodes > in_use ? inodes : in_use;
    out.ffree = out.files - in_use;
    out.fsid[0] = static_cast<i32>(device());
    out.namelen = kNameMax;
    return {};
}

Result<String> Tmpfs::options() {
    String text;
    if (volume_->lower || limit_pages_ == default_limit()) return text;
    char size[40];
    usize length = format_to(size, sizeof size, ",size=%zuk", usize{limit_pages_ * (kPageSize / 1024)});
    TRY(text.append({size, length}));
    return text;
}

Result<Ref<FileSystem>> create_tmpfs(std::string_view options) {
    return Ref<FileSystem>(TRY(Tmpfs::create(TRY(parse(options)))));
}

Result<Ref<FileSystem>> create_devtmpfs(std::string_view text) {
    Tmpfs::Options options = TRY(parse(text));
    options.type = "devtmpfs";
    options.mode = 0755;
    Ref<Tmpfs> fs = TRY(Tmpfs::create(std::move(options)));
    Ref<Inode> top = fs->root_inode();
    auto guard = names().lock();
    for (const DeviceNode& node : device_nodes()) TRY(top->create(node.name, {node.mode, 0, 0, node.rdev}));
    struct Link {
        std::string_view name, target;
    };
    static constexpr Link kLinks[] = {{"fd", "/proc/self/fd"},
                                      {"stdin", "/proc/self/fd/0"},
                                      {"stdout", "/proc/self/fd/1"},
                                      {"stderr", "/proc/self/fd/2"}};
    for (const Link& link : kLinks)
        TRY(top->make_symlink(link.name, link.target, {kTypeSymlink | 0777, 0, 0}));
    TRY(top->make_directory("shm", {kTypeDirectory | kSticky | 0777, 0, 0}));
    TRY(top->make_directory("pts", {kTypeDirectory | 0755, 0, 0}));
    return Ref<FileSystem>(std::move(fs));
}

}  // namespace astra::fs
