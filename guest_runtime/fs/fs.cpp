// Whole files, names and directories.
#include "guest_runtime/fs/fs.hpp"

#include "guest_runtime/env/env.hpp"
#include "guest_runtime/path/path.hpp"
#include "guest_runtime/text/c_string.hpp"

namespace astra::fs {

namespace {

io::Result<Metadata> status(std::string_view path, int flags) {
    auto name = TRY(text::CString::from(path));
    abi::Stat stat{};
    TRY(os::check(sys::newfstatat(sys::kAtCwd, name.get(), &stat, flags)));
    return Metadata(stat);
}

/// A system call on one path, or on two.
template <class Call>
io::Result<void> with(std::string_view path, Call call) {
    auto name = TRY(text::CString::from(path));
    return os::check_done(call(name.get()));
}
template <class Call>
io::Result<void> with(std::string_view first, std::string_view second, Call call) {
    auto one = TRY(text::CString::from(first));
    auto two = TRY(text::CString::from(second));
    return os::check_done(call(one.get(), two.get()));
}

}  // namespace

io::Result<Metadata> metadata(std::string_view path) { return status(path, 0); }
io::Result<Metadata> symlink_metadata(std::string_view path) { return status(path, sys::kSymlinkNoFollow); }

io::Result<bool> exists(std::string_view path) {
    auto found = metadata(path);
    if (found) return true;
    if (found.error().kind() == io::ErrorKind::NotFound) return false;
    return std::unexpected(found.error());
}

io::Result<Vector<u8>> read(std::string_view path) {
    auto file = TRY(File::open(path));
    auto status = TRY(file.metadata());
    Vector<u8> bytes;
    TRY(file.read_to_end(bytes, status.len()));
    return bytes;
}

io::Result<String> read_to_string(std::string_view path) {
    auto file = TRY(File::open(path));
    auto status = TRY(file.metadata());
    String text;
    TRY(file.read_to_string(text, status.len()));
    return text;
}

io::Result<void> write(std::string_view path, std::span<const u8> contents) {
    auto file = TRY(File::create(path));
    TRY(file.write_all(contents));
    return file.close();
}
io::Result<void> write(std::string_view path, std::string_view contents) {
    return write(path, io::as_bytes(contents));
}

io::Result<u64> copy(std::string_view from, std::string_view to) {
    auto source = TRY(File::open(from));
    auto status = TRY(source.metadata());
    if (!status.is_file())
        return io::failure(io::ErrorKind::InvalidInput,
                           "the source path is neither a regular file nor a symlink to one");
    auto options = OpenOptions().write(true).create(true).truncate(true).mode(status.permissions().mode());
    auto target = TRY(options.open(to));
    TRY(target.set_permissions(status.permissions()));
    u64 bytes = TRY(io::copy(source, target));
    TRY(target.close());
    return bytes;
}

io::Result<void> rename(std::string_view from, std::string_view to) {
    return with(from, to, [](auto a, auto b) { return sys::rename(a, b); });
}
io::Result<void> remove_file(std::string_view path) {
    return with(path, [](auto p) { return sys::unlink(p); });
}
io::Result<void> hard_link(std::string_view original, std::string_view link) {
    return with(original, link, [](auto a, auto b) { return sys::link(a, b); });
}
io::Result<void> symlink(std::string_view target, std::string_view link) {
    return with(target, link, [](auto a, auto b) { return sys::symlink(a, b); });
}

io::Result<String> read_link(std::string_view path) {
    auto name = TRY(text::CString::from(path));
    String target;
    TRY(target.resize(4096));
    i64 length = TRY(os::check(sys::readlink(name.get(), reinterpret_cast<u8*>(target.data()), 4096)));
    TRY(target.resize(static_cast<usize>(length)));
    return target;
}

namespace {
std::string_view without_leading_slashes(std::string_view path) {
    while (path.starts_with('/')) path.remove_prefix(1);
    return path;
}
}  // namespace

io::Result<String> canonicalize(std::string_view path) {
    if (path.empty()) return std::unexpected(io::Error(Errno::kENOENT));
    String base = TRY(env::current_dir());
    String rest = TRY(path::join(base, path));  // still to be walked, from `done`
    String done;                                // without links; "" is the root
    for (int links = 0;;) {
        std::string_view left = without_leading_slashes(rest);
        if (left.empty()) break;
        std::string_view name = left.substr(0, left.find('/'));
        left.remove_prefix(name.size());
        String next = TRY(path::join("", left));
        if (name == "..") {
            TRY(done.resize(done.empty() ? 0 : done.view().rfind('/')));
        } else if (name != ".") {
            String whole = TRY(path::join(done.empty() ? "/" : done.view(), name));
            auto status = TRY(symlink_metadata(whole));
            if (status.is_symlink()) {
                if (++links > 40) return std::unexpected(io::Error(Errno::kELOOP));
                String target = TRY(read_link(whole));
                if (path::is_absolute(target)) done.clear();
                next = std::move(target);
                TRY(next.append(left));
            } else if (!left.empty() && !status.is_dir()) {
                return std::unexpected(io::Error(Errno::kENOTDIR));
            } else {
                done = std::move(whole);
            }
        }
        rest = std::move(next);
    }
    if (done.empty()) TRY(done.push_back('/'));
    return done;
}

io::Result<void> set_permissions(std::string_view path, Permissions permissions) {
    return with(path, [&](auto p) { return sys::chmod(p, permissions.mode()); });
}

io::Result<void> create_dir(std::string_view path) {
    return with(path, [](auto p) { return sys::mkdir(p, 0777); });
}

io::Result<void> create_dir_all(std::string_view path) {
    if (path.empty()) return {};
    auto made = create_dir(path);
    if (made) return {};
    if (made.error().kind() == io::ErrorKind::NotFound) {
        auto above = path::parent(path);
        if (!above) return made;
        TRY(create_dir_all(*above));
        made = create_dir(path);
        if (made) return {};
    }
    auto there = metadata(path);
    return there && there->is_dir() ? io::Result<void>() : made;
}

io::Result<void> remove_dir(std::string_view path) {
    return with(path, [](auto p) { return sys::rmdir(p); });
}

io::Result<void> remove_dir_all(std::string_view path) {
    auto status = TRY(symlink_metadata(path));
    if (status.is_symlink()) return remove_file(path);
    // Removing while reading may skip names: go through the directory until nothing is left.
    for (bool found = true; found;) {
        found = false;
        auto directory = TRY(read_dir(path));
        while (auto entry = TRY(directory.next())) {
            found = true;
            String whole = TRY(entry->path());
            auto type = TRY(entry->file_type());
            TRY(type.is_dir() ? remove_dir_all(whole) : remove_file(whole));
        }
    }
    return remove_dir(path);
}

}  // namespace astra::fs
