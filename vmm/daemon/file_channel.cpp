// Calls about a guest's files, and what its answers are held to.
#include "vmm/daemon/file_channel.hpp"

#include <algorithm>
#include <cstring>

#include "vmm/control/frame.hpp"
#include "vmm/image/path.hpp"

namespace astra::vmm::daemon {

using namespace abi::control;

namespace {

constexpr std::chrono::milliseconds kSlice{100};
constexpr usize kMostEntries = 1'000'000;

struct ErrorCode {
    int error;
    Code code;
};
constexpr ErrorCode kCodes[] = {{ENOENT, Code::NotFound},          {EACCES, Code::PermissionDenied},
                                {EPERM, Code::PermissionDenied},   {EEXIST, Code::AlreadyExists},
                                {ENOSPC, Code::ResourceExhausted}, {ENOMEM, Code::ResourceExhausted},
                                {EROFS, Code::FailedPrecondition}, {ENOTEMPTY, Code::FailedPrecondition},
                                {ESRCH, Code::FailedPrecondition}, {EAGAIN, Code::Unavailable}};

std::unexpected<Error> nonsense() {
    return fail(Code::Corrupt, "the guest's answer to a file call makes no sense");
}

std::unexpected<Error> guest_error(int error, const std::string& path) {
    auto known = std::ranges::find(kCodes, error, &ErrorCode::error);
    return fail(known == std::end(kCodes) ? Code::InvalidArgument : known->code,
                image::printable(path) + ": " + ::strerror(error),
                error == ENOSPC ? "free some space in the guest" : "",
                error == ENOENT ? "FILE_NOT_FOUND" : "");
}

std::span<const u8> bytes_of_text(std::string_view text) {
    return {reinterpret_cast<const u8*>(text.data()), text.size()};
}

/// Moves a T from the front of `bytes`; false when they are too few.
template <class T>
bool take(std::span<const u8>& bytes, T& value) {
    if (bytes.size() < sizeof value) return false;
    std::memcpy(&value, bytes.data(), sizeof value);
    bytes = bytes.subspan(sizeof value);
    return true;
}

bool is_component(std::string_view name) {
    return !name.empty() && name.size() <= image::kMaxName && name != "." && name != ".." &&
           name.find('/') == name.npos && name.find('\0') == name.npos;
}

}  // namespace

Result<FileChannel::Reply> FileChannel::call(FileCallMessage message, const std::string& path,
                                             std::span<const u8> data, const Wanted& wanted) {
    if (!path.starts_with('/') || path.size() > image::kMaxPath)
        return fail(Code::InvalidArgument, image::printable(path) + ": not an absolute path of the guest");
    TRY(wanted());  // a guest may answer quickly, and for ever
    message.path_bytes = static_cast<u32>(path.size());
    std::vector<u8> tail(path.begin(), path.end());
    tail.insert(tail.end(), data.begin(), data.end());
    while (!host_->send(Type::FileCall, tag_, bytes_of(message), tail, kSlice)) TRY(wanted());
    std::unique_lock lock(mutex_);
    while (!changed_.wait_for(lock, kSlice, [&] { return !replies_.empty() || lost_; })) TRY(wanted());
    if (replies_.empty())
        return fail(Code::FailedPrecondition, "the guest has ended", "", "GUEST_NOT_RUNNING");
    std::vector<u8> reply = std::move(replies_.front());
    replies_.pop_front();
    std::span<const u8> rest = reply;
    FileReplyMessage head;
    if (!take(rest, head)) return nonsense();
    if (head.error != 0) return guest_error(static_cast<int>(head.error), path);
    return Reply{.next = head.next, .bytes = {rest.begin(), rest.end()}};
}

Result<FileChannel::File> FileChannel::look(const std::string& path, const Wanted& wanted) {
    FileCallMessage message{};
    message.operation = FileOperation::Look;
    Reply reply = TRY(call(message, path, {}, wanted));
    std::span<const u8> rest = reply.bytes;
    File file;
    if (!take(rest, file.attributes) || rest.size() > image::kMaxPath) return nonsense();
    file.target.assign(rest.begin(), rest.end());
    if (file.target.find('\0') != file.target.npos) return nonsense();
    return file;
}

Result<std::vector<FileChannel::Entry>> FileChannel::list(const std::string& path, const Wanted& wanted) {
    std::vector<Entry> entries;
    FileCallMessage message{};
    message.operation = FileOperation::List;
    for (;;) {
        Reply reply = TRY(call(message, path, {}, wanted));
        if (reply.next == message.offset) return entries;
        message.offset = reply.next;
        for (std::span<const u8> rest = reply.bytes; !rest.empty();) {
            FileEntry entry;
            if (!take(rest, entry) || entry.name_bytes > rest.size()) return nonsense();
            std::string name(rest.begin(), rest.begin() + entry.name_bytes);
            rest = rest.subspan(entry.name_bytes);
            if (!is_component(name)) return nonsense();
            entries.push_back({.name = std::move(name), .attributes = entry.attributes});
        }
        if (entries.size() > kMostEntries)
            return fail(Code::ResourceExhausted, image::printable(path) + ": more than a million entries");
    }
}

Result<std::vector<u8>> FileChannel::read(const std::string& path, u64 offset, const Wanted& wanted) {
    FileCallMessage message{};
    message.operation = FileOperation::Read;
    message.offset = offset;
    message.length = kMaxPayload;
    return TRY(call(message, path, {}, wanted)).bytes;
}

Result<void> FileChannel::make(const std::string& path, const Attributes& attributes, std::string_view data,
                               const Wanted& wanted) {
    if (data.size() > image::kMaxPath)
        return fail(Code::InvalidArgument, image::printable(path) + ": the link's target is too long");
    FileCallMessage message{};
    message.operation = FileOperation::Make;
    message.attributes = attributes;
    TRY(call(message, path, bytes_of_text(data), wanted));
    return {};
}

Result<void> FileChannel::write(const std::string& path, u64 offset, std::span<const u8> bytes,
                                const Wanted& wanted) {
    const usize most = kMaxPayload - sizeof(FileCallMessage) - path.size();
    while (!bytes.empty()) {
        auto piece = bytes.first(std::min(bytes.size(), most));
        FileCallMessage message{};
        message.operation = FileOperation::Write;
        message.offset = offset;
        TRY(call(message, path, piece, wanted));
        offset += piece.size();
        bytes = bytes.subspan(piece.size());
    }
    return {};
}

Result<void> FileChannel::set(const std::string& path, const Attributes& attributes, const Wanted& wanted) {
    FileCallMessage message{};
    message.operation = FileOperation::Set;
    message.attributes = attributes;
    TRY(call(message, path, {}, wanted));
    return {};
}

void FileChannel::deliver(std::span<const u8> reply) {
    std::lock_guard lock(mutex_);
    replies_.emplace_back(reply.begin(), reply.end());
    changed_.notify_all();
}

void FileChannel::lose() {
    std::lock_guard lock(mutex_);
    lost_ = true;
    changed_.notify_all();
}

}  // namespace astra::vmm::daemon
