// Members from what the guest says of its files.
#include "vmm/daemon/tar_stream.hpp"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <array>
#include <optional>

#include "vmm/image/path.hpp"
#include "vmm/image/tar_writer.hpp"

namespace astra::vmm::daemon {

using image::Kind;
using image::Member;

namespace {

constexpr usize kMostUnsized = usize{1} << 20;  // bytes of a file that says it has none (procfs)

std::optional<Kind> kind_of(u32 mode) {
    switch (mode & S_IFMT) {
        case S_IFREG: return Kind::Regular;
        case S_IFDIR: return Kind::Directory;
        case S_IFLNK: return Kind::Symlink;
        case S_IFCHR: return Kind::CharDevice;
        case S_IFBLK: return Kind::BlockDevice;
        case S_IFIFO: return Kind::Fifo;
        default: return std::nullopt;
    }
}

}  // namespace

std::string join(const std::string& directory, const std::string& name) {
    return directory.ends_with('/') ? directory + name : directory + "/" + name;
}

Result<void> TarStream::add(const std::string& path, const std::string& name,
                            const FileChannel::Attributes& attributes) {
    auto kind = kind_of(attributes.mode);
    if (!kind) return {};
    // Times beyond what TAR's readers take are the guest's own doing.
    Member member{.path = {},
                  .kind = *kind,
                  .permissions = attributes.mode & 07777,
                  .uid = attributes.uid,
                  .gid = attributes.gid,
                  .size = *kind == Kind::Regular ? attributes.size : 0,
                  .mtime_sec = std::clamp<i64>(attributes.mtime_sec, -(i64{1} << 40), i64{1} << 40),
                  .mtime_nsec = attributes.mtime_nsec % 1'000'000'000,
                  .rdev = (major(attributes.rdev) << 20) | (minor(attributes.rdev) & 0xfffff),
                  .target = {}};
    if (*kind == Kind::Directory) return put(member, name.ends_with('/') ? name : name + "/");
    if (attributes.links > 1) {
        auto [first, fresh] = links_.emplace(std::pair(attributes.device, attributes.inode), name);
        if (!fresh) {
            member.kind = Kind::HardLink;
            member.target = first->second;
            return put(member, name);
        }
    }
    if (*kind == Kind::Symlink) member.target = TRY(files_.look(path, wanted_)).target;
    if (*kind != Kind::Regular) return put(member, name);
    if (member.size > 0) {
        TRY(put(member, name));
        return put_data(path, member.size);
    }
    std::vector<u8> bytes = TRY(read_unsized(path));
    member.size = bytes.size();
    TRY(put(member, name));
    TRY(sink_(bytes));
    return put_zeros(align_up(bytes.size(), image::kTarBlock) - bytes.size());
}

Result<void> TarStream::add_tree(const std::string& path, const std::string& name,
                                 const FileChannel::Attributes& attributes) {
    TRY(add(path, name, attributes));
    if (!S_ISDIR(attributes.mode)) return {};
    for (const FileChannel::Entry& entry : TRY(files_.list(path, wanted_)))
        if (entry.attributes.device == attributes.device)
            TRY(add_tree(join(path, entry.name), join(name, entry.name), entry.attributes));
    return {};
}

Result<void> TarStream::add_marker(const std::string& name) {
    return put({.path = {}, .permissions = 0600, .target = {}}, name);
}

Result<void> TarStream::finish() { return put_zeros(2 * image::kTarBlock); }

Result<void> TarStream::put(const Member& member, const std::string& name) {
    std::string header = image::member_header(member, name, 0, false);
    return sink_({reinterpret_cast<const u8*>(header.data()), header.size()});
}

/// As many bytes as the header says, whatever becomes of the file meanwhile: cut off, or zeros.
Result<void> TarStream::put_data(const std::string& path, u64 size) {
    u64 done = 0;
    while (done < size) {
        std::vector<u8> bytes = TRY(files_.read(path, done, wanted_));
        if (bytes.empty()) break;
        bytes.resize(std::min<u64>(bytes.size(), size - done));
        TRY(sink_(bytes));
        done += bytes.size();
    }
    return put_zeros(align_up(size, image::kTarBlock) - done);
}

Result<std::vector<u8>> TarStream::read_unsized(const std::string& path) {
    std::vector<u8> all;
    for (;;) {
        std::vector<u8> bytes = TRY(files_.read(path, all.size(), wanted_));
        if (bytes.empty()) return all;
        all.insert(all.end(), bytes.begin(), bytes.end());
        if (all.size() > kMostUnsized)
            return fail(Code::ResourceExhausted, image::printable(path) + ": goes on and on");
    }
}

Result<void> TarStream::put_zeros(u64 count) {
    static constexpr std::array<u8, 64 * 1024> kZeros{};
    while (count > 0) {
        TRY(wanted_());
        auto piece = std::span(kZeros).first(std::min<u64>(count, kZeros.size()));
        TRY(sink_(piece));
        count -= piece.size();
    }
    return {};
}

}  // namespace astra::vmm::daemon
