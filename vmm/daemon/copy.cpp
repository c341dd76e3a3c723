// Copies of trees into and out of a guest.
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "vmm/daemon/file_transfer.hpp"
#include "vmm/daemon/tar_stream.hpp"
#include "vmm/image/path.hpp"

namespace astra::vmm::daemon {

using image::Kind;
using image::Member;

namespace {

u32 type_of(Kind kind) {
    switch (kind) {
        case Kind::Regular: return S_IFREG;
        case Kind::Directory: return S_IFDIR;
        case Kind::Symlink: return S_IFLNK;
        case Kind::CharDevice: return S_IFCHR;
        case Kind::BlockDevice: return S_IFBLK;
        case Kind::Fifo: return S_IFIFO;
        case Kind::HardLink: return 0;
    }
    __builtin_unreachable();
}

FileChannel::Attributes attributes_of(const Member& member) {
    FileChannel::Attributes attributes{};
    u32 type = type_of(member.kind);
    attributes.mode = type ? type | (member.permissions & 07777) : 0;
    attributes.uid = member.uid;
    attributes.gid = member.gid;
    attributes.rdev = makedev(member.rdev >> 20, member.rdev & 0xfffff);
    attributes.mtime_sec = member.mtime_sec;
    attributes.mtime_nsec = member.mtime_nsec;
    return attributes;
}

/// Where a member's path lies below a directory; empty for the directory itself.
Result<std::string> place_below(const std::string& directory, const std::string& member) {
    auto parts = TRY(image::split_path(member));
    if (parts.empty()) return std::string();
    std::string path = directory;
    for (const std::string& part : parts) path = join(path, part);
    return path;
}

class Unpacker {
  public:
    Unpacker(FileChannel& files, const std::string& directory, const FileChannel::Wanted& wanted)
        : files_(files), directory_(directory), wanted_(wanted) {}

    Result<void> take(const Member& member, image::TarReader& reader) {
        std::string path = TRY(place_below(directory_, member.path));
        if (path.empty()) return {};
        std::string data =
            member.kind == Kind::HardLink ? TRY(place_below(directory_, member.target)) : member.target;
        auto attributes = attributes_of(member);
        TRY(make(path, attributes, data));
        if (member.kind == Kind::HardLink) return {};
        if (member.kind == Kind::Regular) {
            u64 offset = 0;
            TRY(reader.read_data(member.size, [&](std::span<const u8> bytes) -> Result<void> {
                TRY(files_.write(path, offset, bytes, wanted_));
                offset += bytes.size();
                return {};
            }));
        }
        // A directory's time changes with what is put into it.
        if (member.kind != Kind::Directory) return files_.set(path, attributes, wanted_);
        directories_.emplace_back(std::move(path), attributes);
        return {};
    }
    Result<void> finish() {
        for (auto at = directories_.rbegin(); at != directories_.rend(); ++at)
            TRY(files_.set(at->first, at->second, wanted_));
        return {};
    }

  private:
    Result<void> make(const std::string& path, const FileChannel::Attributes& attributes,
                      const std::string& data) {
        auto made = files_.make(path, attributes, data, wanted_);
        if (made || made.error().code != Code::NotFound) return made;
        FileChannel::Attributes directory{};
        directory.mode = S_IFDIR | 0755;
        for (usize slash = path.find('/', directory_.size() + 1); slash != path.npos;
             slash = path.find('/', slash + 1))
            TRY(files_.make(path.substr(0, slash), directory, {}, wanted_));
        return files_.make(path, attributes, data, wanted_);
    }

    FileChannel& files_;
    const std::string& directory_;
    const FileChannel::Wanted& wanted_;
    std::vector<std::pair<std::string, FileChannel::Attributes>> directories_;
};

}  // namespace

Result<void> copy_out(FileChannel& files, const std::string& path, const image::ByteSink& sink,
                      const FileChannel::Wanted& wanted) {
    auto top = TRY(files.look(path, wanted));
    std::string trimmed = path;
    while (trimmed.ends_with('/')) trimmed.pop_back();
    std::string name = trimmed.substr(trimmed.rfind('/') + 1);
    TarStream tar(files, sink, wanted);
    TRY(tar.add_tree(path, name.empty() || name == ".." ? "." : name, top.attributes));
    return tar.finish();
}

Result<u64> copy_in(FileChannel& files, const std::string& directory, int archive, u64 size,
                    const FileChannel::Wanted& wanted) {
    auto there = TRY(files.look(join(directory, "."), wanted));
    if (!S_ISDIR(there.attributes.mode))
        return fail(Code::InvalidArgument, image::printable(directory) + ": not a directory");
    Unpacker unpacker(files, directory, wanted);
    auto reader = TRY(image::TarReader::open(archive, size));
    for (u64 members = 0;; members++) {
        auto member = TRY(reader.next());
        if (!member) {
            TRY(unpacker.finish());
            return members;
        }
        TRY(unpacker.take(*member, reader));
    }
}

}  // namespace astra::vmm::daemon
