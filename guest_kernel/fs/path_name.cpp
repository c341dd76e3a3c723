// From a place to its name: what getcwd(2) and /proc's links show.
#include "guest_kernel/fs/dentry_cache.hpp"
#include "guest_kernel/fs/walk.hpp"

namespace astra::fs {

Result<PathName> path_name(const Path& path, const Path& top) {
    PathName out{{}, true, path.dentry->deleted};
    auto guard = names().lock();
    DentryCache& cache = dentry_cache();
    if (!path.mount) {
        out.text = TRY(String::from(cache.name(*path.dentry)));
        return out;
    }
    // Up to the top twice: first for the length, then to fill in from the end.
    usize length = 0;
    auto climb = [&](auto&& component) {
        const Mount* mount = path.mount.get();
        const Dentry* at = path.dentry.get();
        while (mount != top.mount.get() || at != top.dentry.get()) {
            if (const Dentry* up = at == mount->root.get() ? nullptr : cache.parent_of(*at)) {
                component(cache.name(*at));
                at = up;
            } else if (mount->parent) {
                at = mount->mountpoint.get();
                mount = mount->parent.get();
            } else {
                out.reachable = false;
                return;
            }
        }
    };
    climb([&](std::string_view name) { length += 1 + name.size(); });
    if (length == 0) {
        out.text = TRY(String::from("/"));
        return out;
    }
    TRY(out.text.resize(length));
    char* end = out.text.data() + length;
    climb([&](std::string_view name) {
        end -= name.size();
        for (usize i = 0; i < name.size(); i++) end[i] = name[i];
        *--end = '/';
    });
    return out;
}

Result<String> path_name(const Path& path) {
    PathName name = TRY(path_name(path, Caller::current().root));
    if (name.deleted) TRY(name.text.append(" (deleted)"));
    return std::move(name.text);
}

}  // namespace astra::fs
