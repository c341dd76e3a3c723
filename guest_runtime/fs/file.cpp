// File and OpenOptions.
#include "guest_runtime/fs/file.hpp"

#include "guest_runtime/text/c_string.hpp"

namespace astra::fs {

io::Result<File> File::open(std::string_view path) { return OpenOptions().read(true).open(path); }

io::Result<File> File::create(std::string_view path) {
    return OpenOptions().write(true).create(true).truncate(true).open(path);
}

io::Result<File> File::create_new(std::string_view path) {
    return OpenOptions().read(true).write(true).create_new(true).open(path);
}

io::Result<u64> File::seek(io::SeekFrom to) {
    // SeekFrom's order is lseek's: SEEK_SET, SEEK_CUR, SEEK_END.
    return static_cast<u64>(TRY(os::check(sys::lseek(fd_.raw(), to.offset, static_cast<int>(to.origin)))));
}

io::Result<usize> File::read_at(std::span<u8> to, u64 offset) const {
    return static_cast<usize>(
        TRY(os::check(sys::pread64(fd_.raw(), to.data(), to.size(), static_cast<i64>(offset)))));
}

io::Result<usize> File::write_at(std::span<const u8> from, u64 offset) const {
    return static_cast<usize>(
        TRY(os::check(sys::pwrite64(fd_.raw(), from.data(), from.size(), static_cast<i64>(offset)))));
}

io::Result<void> File::set_len(u64 size) {
    if (size >> 63) return io::failure(io::ErrorKind::InvalidInput, "a file's length must fit in 63 bits");
    return os::check_done(sys::ftruncate(fd_.raw(), static_cast<i64>(size)));
}

io::Result<void> File::sync_all() { return os::check_done(sys::fsync(fd_.raw())); }
io::Result<void> File::sync_data() { return os::check_done(sys::fdatasync(fd_.raw())); }

io::Result<Metadata> File::metadata() const {
    abi::Stat stat{};
    TRY(os::check(sys::newfstatat(fd_.raw(), "", &stat, sys::kEmptyPath)));
    return Metadata(stat);
}

io::Result<void> File::set_permissions(Permissions permissions) {
    return os::check_done(sys::fchmod(fd_.raw(), permissions.mode()));
}

io::Result<void> File::set_times(time::SystemTime accessed, time::SystemTime modified) {
    abi::TimeSpec times[] = {{accessed.seconds(), accessed.nanos()}, {modified.seconds(), modified.nanos()}};
    return os::check_done(sys::utimensat(fd_.raw(), nullptr, times, 0));
}

io::Result<File> File::try_clone() const {
    auto fd = TRY(fd_.try_clone());
    return File(std::move(fd));
}

io::Result<int> OpenOptions::flags() const {
    auto invalid = [] {
        return io::failure(io::ErrorKind::InvalidInput, "these open options exclude each other");
    };
    if (!read_ && !write_ && !append_) return invalid();
    bool changes = create_ || create_new_ || truncate_;
    if (!write_ && !append_ && changes) return invalid();
    if (append_ && truncate_ && !create_new_) return invalid();
    int flags = sys::kCloseOnExec | custom_;
    if (append_)
        flags |= sys::kAppend | (read_ ? sys::kReadWrite : sys::kWriteOnly);
    else
        flags |= read_ ? write_ ? sys::kReadWrite : sys::kReadOnly : sys::kWriteOnly;
    if (create_new_) return flags | sys::kCreate | sys::kExclusive;
    return flags | (create_ ? sys::kCreate : 0) | (truncate_ ? sys::kTruncate : 0);
}

io::Result<File> OpenOptions::open(std::string_view path) const {
    int how = TRY(flags());
    auto name = TRY(text::CString::from(path));
    auto fd = TRY(io::retry([&] { return os::OwnedFd::from(sys::open(name.get(), how, mode_)); }));
    return File(std::move(fd));
}

}  // namespace astra::fs
