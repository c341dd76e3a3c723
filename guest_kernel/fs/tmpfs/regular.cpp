// Regular files of tmpfs.
#include "guest_kernel/fs/tmpfs/regular.hpp"

#include "guest_kernel/fs/flags.hpp"
#include "guest_kernel/fs/notify.hpp"
#include "guest_kernel/fs/vfs.hpp"
#include "guest_kernel/sched/process.hpp"

namespace astra::fs::tmpfs {

namespace {

constexpr int kRlimitFileSize = 1, kSigFileSize = 25;  // RLIMIT_FSIZE, SIGXFSZ
constexpr u64 kMaxFileSize = INT64_MAX;
constexpr int kAddSeals = 1033, kGetSeals = 1034;  // F_ADD_SEALS, F_GET_SEALS

/// May a file of `size` bytes become `wanted` long?
Result<void> check_size_seals(u32 seals, u64 size, u64 wanted) {
    bool sealed = (wanted < size && (seals & kSealShrink)) || (wanted > size && (seals & kSealGrow));
    return sealed ? fail(Errno::kEPERM) : Result<void>{};
}

bool has_process() { return sched::scheduler_running() && !sched::current().is_kernel_thread(); }

/// Where a write must stop. Errors: EFBIG, with SIGXFSZ when the process's limit is the reason.
Result<u64> write_limit(u64 offset) {
    u64 limit = has_process() ? sched::current_process().limit(kRlimitFileSize) : kMaxFileSize;
    if (limit > kMaxFileSize) limit = kMaxFileSize;
    if (offset < limit) return limit;
    if (limit < kMaxFileSize)
        sched::send_signal(sched::current_process(), sched::kernel_signal(kSigFileSize));
    return fail(Errno::kEFBIG);
}

}  // namespace

Regular::~Regular() {
    if (Contents* contents = contents_.load(std::memory_order_relaxed)) contents->unref();
}

std::span<const u8> Regular::lower_bytes() const {
    return lower() == kNoLower ? std::span<const u8>() : image().contents(lower_record());
}

Result<Ref<Contents>> Regular::contents() {
    if (Contents* known = contents_.load(std::memory_order_acquire)) return Ref<Contents>(*known);
    Ref<Contents> fresh = TRY(make_ref<Contents>(volume(), number(), lower_bytes()));
    Contents* expected = nullptr;
    if (!contents_.compare_exchange_strong(expected, fresh.get(), std::memory_order_acq_rel))
        return Ref<Contents>(*expected);
    fresh->ref();  // the node's own
    return fresh;
}

u64 Regular::size() {
    Contents* known = contents_.load(std::memory_order_acquire);
    return known ? known->size() : lower_bytes().size();
}

u64 Regular::blocks() {
    Contents* known = contents_.load(std::memory_order_acquire);
    return known ? known->blocks() : (lower_bytes().size() + kPageSize - 1) / kPageSize * (kPageSize / 512);
}

Result<void> Regular::resize(u64 size) {
    Ref<Contents> bytes = TRY(contents());
    if (size > kMaxFileSize) return fail(Errno::kEFBIG);
    if (size > bytes->size() && size > 0) TRY(write_limit(size - 1));
    auto guard = bytes->writer.lock();
    TRY(check_size_seals(bytes->seals, bytes->size(), size));
    return bytes->resize(size);
}

Result<Ref<File>> Regular::open(const Path& path, u32 flags) {
    // What a shared mapping writes is told to nobody.
    if (flags & kOAccessMode) pin();
    Ref<Contents> bytes = TRY(contents());
    return Ref<File>(TRY(make_ref<RegularFile>(path, Ref<Regular>(*this), std::move(bytes))));
}

Result<usize> RegularFile::read(Buffer& to, i64* offset) {
    Result<usize> done = contents_->read(to, static_cast<u64>(*offset));
    if (!done) return done;
    *offset += static_cast<i64>(*done);
    bool quiet = (flags & kONoAtime) || (path()->mount && (path()->mount->flags & kMountNoAtime));
    if (!quiet) node_->accessed();
    if (*done > 0) notify_object(*path()->dentry, kNotifyAccess);
    return done;
}

Result<usize> RegularFile::write(Buffer& from, i64* offset) {
    if (from.remaining() == 0) return 0;
    auto guard = contents_->writer.lock();
    if ((flags & kOAppend) || *offset == kAtEnd) *offset = static_cast<i64>(contents_->size());
    u64 limit = TRY(write_limit(static_cast<u64>(*offset)));
    if (!contents_->allows_writing()) return fail(Errno::kEPERM);
    u64 end = static_cast<u64>(*offset) + from.remaining();
    if (end > contents_->size()) TRY(check_size_seals(contents_->seals, contents_->size(), end));
    TRY(drop_set_ids(*node_));
    usize done = TRY(contents_->write(from, static_cast<u64>(*offset), limit));
    *offset += static_cast<i64>(done);
    node_->modified();
    notify_object(*path()->dentry, kNotifyModify);
    return done;
}

Result<i64> RegularFile::seek(i64 offset, int whence) {
    u64 size = contents_->size();
    if ((whence == kSeekData || whence == kSeekHole) && offset >= 0 && static_cast<u64>(offset) < size) {
        u64 from = static_cast<u64>(offset);
        u64 found = whence == kSeekData ? contents_->next_data(from) : contents_->next_hole(from);
        if (whence == kSeekData && found >= size) return fail(Errno::kENXIO);
        offset = static_cast<i64>(found);
        whence = kSeekSet;
    }
    return File::seek(offset, whence);
}

Result<void> RegularFile::truncate(i64 size) {
    if (size < 0) return fail(Errno::kEINVAL);
    TRY(node_->set_attributes({.which = Attributes::kSize, .size = static_cast<u64>(size)}));
    notify_object(*path()->dentry, kNotifyModify);
    return drop_set_ids(*node_);
}

Result<void> RegularFile::allocate(int mode, i64 offset, i64 length) {
    if (mode & ~int(kKeepSize | kPunchHole)) return fail(Errno::kENOTSUP);
    if ((mode & kPunchHole) && !(mode & kKeepSize)) return fail(Errno::kENOTSUP);
    u64 from = static_cast<u64>(offset), to = from + static_cast<u64>(length);
    if (to > kMaxFileSize) return fail(Errno::kEFBIG);
    if (!(mode & kKeepSize) && to > contents_->size()) TRY(write_limit(to - 1));
    auto guard = contents_->writer.lock();
    if ((mode & kPunchHole) && !contents_->allows_writing()) return fail(Errno::kEPERM);
    bool grows = !(mode & kKeepSize) && to > contents_->size();
    if (grows) TRY(check_size_seals(contents_->seals, contents_->size(), to));
    node_->modified();
    if (mode & kPunchHole) return contents_->punch(from, to);
    TRY(contents_->allocate(from, to));
    if (grows) TRY(contents_->resize(to));
    notify_object(*path()->dentry, kNotifyModify);
    return {};
}

Result<i64> RegularFile::control(int command, u64 argument) {
    if (!contents_->is_memfd || (command != kAddSeals && command != kGetSeals)) return fail(Errno::kEINVAL);
    if (command == kGetSeals) return contents_->seals.load();
    if (argument & ~u64{kSealAll}) return fail(Errno::kEINVAL);
    if (!writable()) return fail(Errno::kEPERM);
    auto guard = contents_->writer.lock();
    if (contents_->seals & kSealSeal) return fail(Errno::kEPERM);
    if ((argument & kSealWrite) && !(contents_->seals & kSealWrite) && contents_->mapped_for_writing())
        return fail(Errno::kEBUSY);
    contents_->seals |= static_cast<u32>(argument);
    return 0;
}

}  // namespace astra::fs::tmpfs
