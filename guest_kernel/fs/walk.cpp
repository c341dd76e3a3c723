// Path walks; see the header.
#include "guest_kernel/fs/walk.hpp"

#include "guest_kernel/fs/dentry_cache.hpp"
#include "guest_kernel/fs/mount.hpp"

namespace astra::fs {

Caller Caller::current() {
    Caller caller;
    if (!sched::scheduler_running() || sched::current().is_kernel_thread()) {
        caller.root = fs::root();
        return caller;
    }
    sched::Process& process = sched::current_process();
    caller.root = process.fs().root();
    caller.umask = process.fs().umask();
    caller.credentials = process.credentials();
    return caller;
}

Walker::Walker(const Caller& caller, const Path& base, u32 walk)
    : caller_(caller), walk_(walk), scope_(walk & (kBeneath | kInRoot) ? base : caller.root), at_(base) {}

Result<void> Walker::check_directory() {
    if (!at_.dentry->inode->is_directory()) return fail(Errno::kENOTDIR);
    return check_access(*at_.dentry->inode, kExecute, caller_.credentials);
}

Path Walker::enter_mounts(Path path, bool& crossed) {
    while (path.dentry->mounts.load(std::memory_order_acquire) != 0) {
        Ref<Mount> mount = mounted_on(path);
        if (!mount) break;
        path.dentry = mount->root;
        path.mount = std::move(mount);
        crossed = true;
    }
    return path;
}

Result<Path> Walker::child(std::string_view name) {
    TRY(check_directory());
    if (name.size() > kNameMax) return fail(Errno::kENAMETOOLONG);
    Ref<Dentry> dentry = TRY(lookup_child(*at_.dentry, name));
    bool crossed = false;
    Path found = enter_mounts(Path{at_.mount, std::move(dentry)}, crossed);
    if (crossed && (walk_ & kNoCross)) return fail(Errno::kEXDEV);
    return found;
}

Result<void> Walker::up() {
    TRY(check_directory());
    for (;;) {
        if (at_ == scope_) return walk_ & kBeneath ? Result<void>(fail(Errno::kEXDEV)) : Result<void>{};
        if (at_ == caller_.root) return {};
        if (!at_.mount || at_.dentry != at_.mount->root) break;
        if (!at_.mount->parent) return {};
        if (walk_ & kNoCross) return fail(Errno::kEXDEV);
        at_ = Path{at_.mount->parent, at_.mount->mountpoint};
    }
    if (Ref<Dentry> parent = dentry_cache().parent(*at_.dentry)) at_.dentry = std::move(parent);
    bool crossed = false;
    at_ = enter_mounts(std::move(at_), crossed);
    return crossed && (walk_ & kNoCross) ? Result<void>(fail(Errno::kEXDEV)) : Result<void>{};
}

Result<void> Walker::push_link(const Path& link, bool slash_after) {
    if (++links_ > kMaxLinks || (walk_ & kNoSymlinks)) return fail(Errno::kELOOP);
    Inode& inode = *link.dentry->inode;
    if (Path magic = TRY(inode.follow_magic())) {
        if (walk_ & kNoMagic) return fail(Errno::kELOOP);
        if (walk_ & (kBeneath | kInRoot)) return fail(Errno::kEXDEV);
        at_ = std::move(magic);
        if (slash_after && !at_.dentry->inode->is_directory()) return fail(Errno::kENOTDIR);
        String rest = TRY(String::from(rest_));
        text_ = std::move(rest);
        rest_ = text_.view();
        return {};
    }
    String text = TRY(inode.read_link());
    if (text.empty()) return fail(Errno::kENOENT);
    if (text.view().front() == '/') {
        if (walk_ & kBeneath) return fail(Errno::kEXDEV);
        at_ = scope_;
    }
    if (slash_after) TRY(text.push_back('/'));
    TRY(text.append(rest_));
    text_ = std::move(text);
    rest_ = text_.view();
    return {};
}

// Walks rest_ until one component is left, which becomes last_.
Result<void> Walker::advance() {
    for (;;) {
        while (!rest_.empty() && rest_.front() == '/') rest_.remove_prefix(1);
        if (rest_.empty()) {
            last_ = {Last::Nothing, {}, false};
            return {};
        }
        usize length = rest_.find('/');
        if (length == std::string_view::npos) length = rest_.size();
        std::string_view name = rest_.substr(0, length);
        rest_.remove_prefix(length);
        bool slash = !rest_.empty();
        Last::Kind kind = name == "." ? Last::Dot : name == ".." ? Last::DotDot : Last::Name;
        if (rest_.find_first_not_of('/') == std::string_view::npos) {
            last_ = {kind, name, slash};
            rest_ = {};
            return {};
        }
        if (kind == Last::Dot) {
            TRY(check_directory());
        } else if (kind == Last::DotDot) {
            TRY(up());
        } else {
            Path next = TRY(child(name));
            if (next.dentry->inode->is_symlink())
                TRY(push_link(next, true));
            else
                at_ = std::move(next);
        }
    }
}

Result<void> Walker::to_parent(std::string_view path) {
    if (path.empty()) return fail(Errno::kENOENT);
    if (path.size() >= kPathMax) return fail(Errno::kENAMETOOLONG);
    rest_ = path;
    if (path.front() == '/') {
        if (walk_ & kBeneath) return fail(Errno::kEXDEV);
        at_ = scope_;
    }
    return advance();
}

Result<void> Walker::follow_last(const Path& link) {
    TRY(push_link(link, last_.slash));
    return advance();
}

Result<Path> Walker::finish() {
    for (;;) {
        switch (last_.kind) {
            case Last::Nothing: break;
            case Last::Dot: TRY(check_directory()); break;
            case Last::DotDot: TRY(up()); break;
            case Last::Name: {
                Path found = TRY(child(last_.name));
                if (found.dentry->inode->is_symlink() && ((walk_ & kFollow) || last_.slash)) {
                    TRY(follow_last(found));
                    continue;
                }
                at_ = std::move(found);
            }
        }
        if ((last_.slash || (walk_ & kDirectory)) && !at_.dentry->inode->is_directory())
            return fail(Errno::kENOTDIR);
        return at_;
    }
}

Result<Path> Walker::resolve(std::string_view path) {
    TRY(to_parent(path));
    return finish();
}

Result<Path> resolve(const Path& base, std::string_view path, u32 walk) {
    Caller caller = Caller::current();
    return Walker(caller, base, walk).resolve(path);
}

Result<Path> at(int dirfd, std::string_view path) {
    if (path.starts_with('/') || dirfd == kAtCwd) {
        if (!sched::scheduler_running() || sched::current().is_kernel_thread()) return root();
        return sched::current_process().fs().cwd();
    }
    Ref<File> file = TRY(sched::current_process().fds().get(dirfd, true));
    const Path* place = file->path();
    if (!place || !place->dentry->inode->is_directory()) return fail(Errno::kENOTDIR);
    return *place;
}

}  // namespace astra::fs
