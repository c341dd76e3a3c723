// devpts; see the header.
#include "guest_kernel/fs/devpts.hpp"

#include "guest_kernel/base/format.hpp"
#include "guest_kernel/fs/dentry_cache.hpp"
#include "guest_kernel/fs/inode_file.hpp"
#include "guest_kernel/fs/mount.hpp"
#include "guest_kernel/fs/mount_options.hpp"
#include "guest_kernel/fs/walk.hpp"

namespace astra::fs {

namespace {

constexpr i64 kMagic = 0x1cd1;  // DEVPTS_SUPER_MAGIC

/// The directory: its names are the terminals there are just now.
class PtsDirectory final : public Inode {
  public:
    explicit PtsDirectory(Devpts& fs) : Inode(kTypeDirectory), fs_(fs) {}
    [[nodiscard]] bool dynamic_names() const override { return true; }
    [[nodiscard]] Ownership ownership() override { return fs_.top().ownership(); }
    Result<void> stat(abi::Stat& out) override { return fs_.top().stat(out); }
    Result<void> set_attributes(const Attributes& changes) override {
        return fs_.top().set_attributes(changes);
    }
    Result<Ref<Inode>> lookup(std::string_view name) override {
        Ref<Inode> node = fs_.node(name);
        return node ? Result<Ref<Inode>>(std::move(node)) : fail(Errno::kENOENT);
    }
    // Cursor 0: ptmx; n + 1: the first terminal numbered n or higher.
    Result<void> list(u64& cursor, DirectorySink& sink) override {
        if (cursor == 0) {
            if (!TRY(list_one("ptmx", 1, sink))) return {};
            cursor = 1;
        }
        for (i64 number; (number = fs_.next(static_cast<u32>(cursor - 1))) >= 0;) {
            char name[16];
            usize length = format_to(name, sizeof name, "%lu", static_cast<unsigned long>(number));
            if (!TRY(list_one({name, length}, static_cast<u64>(number) + 2, sink))) return {};
            cursor = static_cast<u64>(number) + 2;
        }
        return {};
    }

  private:
    Result<bool> list_one(std::string_view name, u64 next, DirectorySink& sink) {
        Ref<Inode> node = fs_.node(name);
        if (!node) return true;  // just gone
        abi::Stat status{};
        TRY(node->stat(status));
        return sink.entry(name, status.ino, entry_type(kTypeCharDevice), static_cast<i64>(next));
    }
    Devpts& fs_;
};

Result<void> apply(std::string_view key, std::string_view value, Devpts::Options& options) {
    constexpr u64 kAnyId = u64{1} << 32;
    if (key == "newinstance" && value.empty()) return {};
    if (key == "max")
        return whole_number(value, 10, Devpts::kMost + 1) ? Result<void>{} : fail(Errno::kEINVAL);
    if (key == "uid")
        options.uid = static_cast<i64>(TRY(whole_number(value, 10, kAnyId)));
    else if (key == "gid")
        options.gid = static_cast<i64>(TRY(whole_number(value, 10, kAnyId)));
    else if (key == "mode")
        options.mode = static_cast<u32>(TRY(whole_number(value, 8, kAnyId))) & kModeBits;
    else if (key == "ptmxmode")
        options.ptmx_mode = static_cast<u32>(TRY(whole_number(value, 8, kAnyId))) & kModeBits;
    else
        return fail(Errno::kEINVAL);
    return {};
}

}  // namespace

Result<Ref<Devpts>> Devpts::create(const Options& options) {
    Ref<Devpts> fs = TRY(make_ref<Devpts>(options));
    fs->volume_ = TRY(make_ref<tmpfs::Volume>(fs->device(), Own<tar::Image>(), 0));
    fs->top_ = TRY(tmpfs::make_node(fs->volume_, {kTypeDirectory | 0755, 0, 0}));
    fs->ptmx_ =
        TRY(tmpfs::make_node(fs->volume_, {kTypeCharDevice | options.ptmx_mode, 0, 0, make_device(5, 2)}));
    fs->root_ = TRY(make_ref<PtsDirectory>(*fs));
    return fs;
}

Result<void> Devpts::statfs(abi::StatFs& out) {
    out = {};
    out.type = kMagic;
    out.bsize = out.frsize = kPageSize;
    out.fsid[0] = static_cast<i32>(device());
    out.namelen = kNameMax;
    return {};
}

Result<String> Devpts::options() {
    char text[96];
    usize length = 0;
    if (options_.uid >= 0)
        length += format_to(text, sizeof text, ",uid=%ld", static_cast<long>(options_.uid));
    if (options_.gid >= 0)
        length += format_to(text + length, sizeof text - length, ",gid=%ld", static_cast<long>(options_.gid));
    length += format_to(text + length, sizeof text - length, ",mode=%03o,ptmxmode=%03o", options_.mode,
                        options_.ptmx_mode);
    return String::from({text, length});
}

Result<u32> Devpts::add(Ref<RefCounted> terminal) {
    sched::Credentials opener = Caller::current().credentials;
    u32 uid = options_.uid >= 0 ? static_cast<u32>(options_.uid) : opener.fsuid;
    u32 gid = options_.gid >= 0 ? static_cast<u32>(options_.gid) : opener.fsgid;
    auto slots = slots_.lock();
    u32 number = 0;
    while (number < slots->size() && (*slots)[number].terminal) number++;
    if (number == kMost) return fail(Errno::kENOSPC);
    Ref<Inode> node = TRY(
        tmpfs::make_node(volume_, {kTypeCharDevice | options_.mode, uid, gid, make_device(kMajor, number)}));
    Slot slot{std::move(terminal), std::move(node)};
    if (number == slots->size())
        TRY(slots->push_back(std::move(slot)));
    else
        (*slots)[number] = std::move(slot);
    return number;
}

void Devpts::remove(u32 number) {
    Slot gone;
    slots_.with([&](Vector<Slot>& slots) { std::swap(gone, slots[number]); });
}

Ref<RefCounted> Devpts::terminal(u32 number) {
    return slots_.with([number](Vector<Slot>& slots) {
        return number < slots.size() ? slots[number].terminal : Ref<RefCounted>();
    });
}

Ref<Inode> Devpts::node(std::string_view name) {
    if (name == "ptmx") return ptmx_;
    if (name.size() > 1 && name.front() == '0') return nullptr;
    auto number = whole_number(name, 10, kMost);
    if (!number) return nullptr;
    return slots_.with([number](Vector<Slot>& slots) {
        return *number < slots.size() ? slots[*number].node : Ref<Inode>();
    });
}

i64 Devpts::next(u32 from) {
    return slots_.with([from](Vector<Slot>& slots) -> i64 {
        for (usize i = from; i < slots.size(); i++)
            if (slots[i].terminal) return static_cast<i64>(i);
        return -1;
    });
}

Result<Ref<FileSystem>> create_devpts(std::string_view text) {
    Devpts::Options options;
    TRY(each_option(text, [&](auto key, auto value) { return apply(key, value, options); }));
    return Ref<FileSystem>(TRY(Devpts::create(options)));
}

Result<Path> devpts_of(const Path& ptmx) {
    auto is_devpts = [](const Path& path) { return path.dentry->fs && path.dentry->fs->type() == "devpts"; };
    if (is_devpts(ptmx) && ptmx.mount) return Path{ptmx.mount, ptmx.mount->root};
    Ref<Dentry> directory = dentry_cache().parent(*ptmx.dentry);
    if (!directory) return fail(Errno::kENODEV);
    auto beside = resolve(Path{ptmx.mount, std::move(directory)}, "pts", kFollow);
    if (!beside || !beside->mount || !is_devpts(*beside) || beside->dentry != beside->mount->root)
        return fail(Errno::kENODEV);
    return *beside;
}

}  // namespace astra::fs
