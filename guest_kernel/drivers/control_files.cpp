// The control port's file calls, over the virtual file system.
#include "guest_kernel/drivers/control_files.hpp"

#include "guest_kernel/fs/names.hpp"
#include "guest_kernel/fs/vfs.hpp"

namespace astra {

using namespace abi::control;
using fs::Path;

namespace {

struct Call {
    FileCallMessage message;
    std::string_view path;
    std::span<const u8> data;
    usize room;
};

template <class T>
std::span<const u8> bytes_of(const T& value) {
    return {reinterpret_cast<const u8*>(&value), sizeof value};
}

std::string_view text_of(std::span<const u8> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Result<FileAttributes> attributes_of(const Path& path) {
    abi::Stat stat{};
    fs::Inode& inode = *path.dentry->inode;
    TRY(inode.stat(stat));
    return FileAttributes{.mode = stat.mode,
                          .uid = stat.uid,
                          .gid = stat.gid,
                          .links = static_cast<u32>(stat.nlink),
                          .size = static_cast<u64>(stat.size),
                          .inode = stat.ino,
                          .device = stat.dev,
                          .rdev = stat.rdev,
                          .mtime_sec = stat.mtime.sec,
                          .mtime_nsec = static_cast<u32>(stat.mtime.nsec),
                          .changed = inode.changed()};
}

/// The open file, of a type that reads and writes without waiting.
Result<Ref<fs::File>> open_regular(const Call& call, u32 flags) {
    Path path = TRY(fs::resolve(fs::root(), call.path, 0));
    if (!path.dentry->inode->is_regular()) return fail(Errno::kEINVAL);
    return fs::open_path(path, flags | fs::kONonblock);
}

Result<FileAnswer> look(const Call& call) {
    Path path = TRY(fs::resolve(fs::root(), call.path, 0));
    FileAnswer answer;
    TRY(answer.bytes.append(bytes_of(TRY(attributes_of(path)))));
    if (!path.dentry->inode->is_symlink()) return answer;
    String target = TRY(path.dentry->inode->read_link());
    TRY(answer.bytes.append({reinterpret_cast<const u8*>(target.view().data()), target.view().size()}));
    return answer;
}

/// Takes names as long as there is room for them and their attributes.
struct Collector final : fs::DirectorySink {
    Collector(Vector<String>& to, usize most) : names(to), room(most) {}
    bool entry(std::string_view name, u64, u8, i64) override {
        if (name == "." || name == "..") return true;
        usize needed = sizeof(FileEntry) + name.size();
        auto text = String::from(name);
        if (needed > room || !text || !names.push_back(std::move(*text))) return false;
        room -= needed;
        return true;
    }
    Vector<String>& names;
    usize room;
};

Result<FileAnswer> list(const Call& call) {
    Path directory = TRY(fs::resolve(fs::root(), call.path, fs::kDirectory));
    Ref<fs::File> file = TRY(fs::open_path(directory, fs::kODirectory));
    Vector<String> names;
    Collector collector(names, call.room);
    auto cursor = static_cast<i64>(call.message.offset);
    TRY(file->read_directory(cursor, collector));
    FileAnswer answer;
    answer.next = static_cast<u64>(cursor);
    for (const String& name : names) {
        auto path = fs::resolve(directory, name.view(), 0);
        if (!path) continue;  // it went meanwhile
        auto attributes = attributes_of(*path);
        if (!attributes) continue;
        FileEntry entry{*attributes, static_cast<u32>(name.view().size()), 0};
        TRY(answer.bytes.append(bytes_of(entry)));
        TRY(answer.bytes.append({reinterpret_cast<const u8*>(name.view().data()), name.view().size()}));
    }
    return answer;
}

Result<FileAnswer> read(const Call& call) {
    Ref<fs::File> file = TRY(open_regular(call, fs::kOReadOnly | fs::kONoAtime));
    FileAnswer answer;
    usize length = call.message.length < call.room ? call.message.length : call.room;
    TRY(answer.bytes.resize(length));
    fs::KernelBuffer to(std::span<u8>(answer.bytes.data(), length));
    auto offset = static_cast<i64>(call.message.offset);
    if (offset < 0) return fail(Errno::kEINVAL);
    usize done = TRY(file->read(to, &offset));
    TRY(answer.bytes.resize(done));
    answer.next = static_cast<u64>(offset);
    return answer;
}

/// Makes way for something else at the path. Whether a directory that is wanted is there already.
Result<bool> make_room(const Call& call) {
    auto there = fs::resolve(fs::root(), call.path, 0);
    if (!there && there.error() == Errno::kENOENT) return false;
    if (!there) return fail(there.error());
    bool directory = there->dentry->inode->is_directory();
    bool wanted = (call.message.attributes.mode & fs::kTypeMask) == fs::kTypeDirectory;
    if (directory && wanted) return true;
    TRY(directory ? fs::remove_directory(fs::root(), call.path) : fs::unlink(fs::root(), call.path));
    return false;
}

Result<FileAnswer> make(const Call& call) {
    const u32 mode = call.message.attributes.mode;
    if ((mode & fs::kTypeMask) == 0) {
        Path existing = TRY(fs::resolve(fs::root(), text_of(call.data), 0));
        if (existing.dentry->inode->is_directory()) return fail(Errno::kEPERM);
        auto there = fs::resolve(fs::root(), call.path, 0);
        if (there && there->dentry->inode == existing.dentry->inode) return FileAnswer();
        TRY(make_room(call));
        TRY(fs::link(existing, fs::root(), call.path));
        return FileAnswer();
    }
    if (TRY(make_room(call))) return FileAnswer();
    switch (mode & fs::kTypeMask) {
        case fs::kTypeDirectory: TRY(fs::make_directory(fs::root(), call.path, mode & fs::kModeBits)); break;
        case fs::kTypeSymlink: TRY(fs::make_symlink(fs::root(), call.path, text_of(call.data))); break;
        default: TRY(fs::make_node(fs::root(), call.path, mode, call.message.attributes.rdev));
    }
    return FileAnswer();
}

Result<FileAnswer> write(const Call& call) {
    Ref<fs::File> file = TRY(open_regular(call, fs::kOWriteOnly));
    fs::KernelBuffer from(call.data);
    auto offset = static_cast<i64>(call.message.offset);
    if (offset < 0) return fail(Errno::kEINVAL);
    while (from.remaining() > 0)
        if (TRY(file->write(from, &offset)) == 0) return fail(Errno::kENOSPC);
    FileAnswer answer;
    answer.next = static_cast<u64>(offset);
    return answer;
}

Result<FileAnswer> set(const Call& call) {
    const FileAttributes& wanted = call.message.attributes;
    Path path = TRY(fs::resolve(fs::root(), call.path, 0));
    // The owner first: a change of it takes the set-id bits away.
    TRY(fs::change_owner(path, wanted.uid, wanted.gid));
    if (!path.dentry->inode->is_symlink()) TRY(fs::change_mode(path, wanted.mode & fs::kModeBits));
    abi::TimeSpec mtime{};
    mtime.sec = wanted.mtime_sec;
    mtime.nsec = wanted.mtime_nsec;
    TRY(fs::change_times(path, mtime, mtime));
    return FileAnswer();
}

// In the order of FileOperation.
constexpr Result<FileAnswer> (*kOperations[])(const Call&) = {look, list, read, make, write, set};

}  // namespace

Result<FileAnswer> call_files(std::span<const u8> payload, usize room) {
    Call call{.message = {}, .path = {}, .data = {}, .room = room};
    if (payload.size() < sizeof call.message) return fail(Errno::kEBADMSG);
    __builtin_memcpy(&call.message, payload.data(), sizeof call.message);
    payload = payload.subspan(sizeof call.message);
    auto operation = static_cast<usize>(call.message.operation);
    if (operation >= std::size(kOperations) || call.message.path_bytes > payload.size())
        return fail(Errno::kEBADMSG);
    call.path = text_of(payload.first(call.message.path_bytes));
    call.data = payload.subspan(call.message.path_bytes);
    if (!call.path.starts_with('/') || call.path.size() >= fs::kPathMax) return fail(Errno::kEINVAL);
    return kOperations[operation](call);
}

}  // namespace astra
