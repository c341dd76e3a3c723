// Reading directories by getdents, the call the specification names.
#include "guest_runtime/fs/read_dir.hpp"

#include "guest_runtime/path/path.hpp"
#include "guest_runtime/text/c_string.hpp"

namespace astra::fs {

io::Result<String> DirEntry::path() const { return path::join(directory_, name_); }

io::Result<Metadata> DirEntry::metadata() const {
    String whole = TRY(path());
    return symlink_metadata(whole);
}

io::Result<FileType> DirEntry::file_type() const {
    if (type_ != 0) return FileType(u32{type_} << 12);  // DT_* are the type bits of st_mode
    auto m = TRY(metadata());
    return m.file_type();
}

io::Result<std::optional<DirEntry>> ReadDir::next() {
    for (;;) {
        if (at_ == end_) {
            end_ = static_cast<usize>(TRY(os::check(sys::getdents(fd_.raw(), buffer_, sizeof buffer_))));
            at_ = 0;
            if (end_ == 0) return std::nullopt;
        }
        auto* head = reinterpret_cast<const abi::DirentHead*>(buffer_ + at_);
        std::string_view name = reinterpret_cast<const char*>(head + 1);
        u8 type = buffer_[at_ + head->reclen - 1];
        u64 ino = head->ino;
        at_ += head->reclen;
        if (name == "." || name == "..") continue;
        String directory, own;
        TRY(directory.append(path_));
        TRY(own.append(name));
        return DirEntry(std::move(directory), std::move(own), ino, type);
    }
}

io::Result<ReadDir> read_dir(std::string_view path) {
    auto name = TRY(text::CString::from(path));
    auto fd = TRY(
        os::OwnedFd::from(sys::open(name.get(), sys::kReadOnly | sys::kDirectory | sys::kCloseOnExec, 0)));
    String copy;
    TRY(copy.append(path));
    return ReadDir(std::move(fd), std::move(copy));
}

}  // namespace astra::fs
