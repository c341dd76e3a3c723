// The inodes of tmpfs: what all kinds share.
#include "guest_kernel/fs/tmpfs/node.hpp"

#include "guest_kernel/fs/tmpfs/directory.hpp"
#include "guest_kernel/fs/tmpfs/regular.hpp"
#include "guest_kernel/fs/xattrs.hpp"

namespace astra::fs::tmpfs {

namespace {

bool earlier(const abi::TimeSpec& a, const abi::TimeSpec& b) {
    return a.sec != b.sec ? a.sec < b.sec : a.nsec < b.nsec;
}

}  // namespace

Node::Node(Ref<Volume> volume, const Start& start)
    : Inode(start.mode),
      volume_(std::move(volume)),
      lower_(start.lower),
      number_(lower_ == kNoLower ? volume_->new_number() : u64{lower_} + 1),
      metadata_(Metadata{start.mode & kModeBits, start.uid, start.gid, start.links, start.mtime, start.mtime,
                         start.mtime, false}) {}

Node::~Node() { delete xattrs_.load(); }

Result<Xattrs*> Node::xattrs(bool make) {
    Xattrs* present = xattrs_;
    if (present || !make) return present;
    auto fresh = TRY(make_own<Xattrs>());
    if (xattrs_.compare_exchange_strong(present, fresh.get())) return fresh.leak();
    return present;
}

void Node::leave() {
    if (lower_ != kNoLower) volume_->forget(lower_, *this);
}

void Node::destroy() {
    leave();
    delete this;
}

Ownership Node::ownership() {
    auto m = metadata_.lock();
    return {type() | m->permissions, m->uid, m->gid};
}

Result<void> Node::stat(abi::Stat& out) {
    u64 bytes = size(), sectors = blocks();
    auto m = metadata_.lock();
    out = {.dev = volume_->device,
           .ino = number_,
           .nlink = m->links,
           .mode = type() | m->permissions,
           .uid = m->uid,
           .gid = m->gid,
           .pad0 = 0,
           .rdev = rdev(),
           .size = static_cast<i64>(bytes),
           .blksize = kPageSize,
           .blocks = static_cast<i64>(sectors),
           .atime = m->atime,
           .mtime = m->mtime,
           .ctime = m->ctime,
           .unused = {}};
    return {};
}

Result<void> Node::set_attributes(const Attributes& changes) {
    if (changes.which & Attributes::kSize) TRY(resize(changes.size));
    abi::TimeSpec now = current_time();
    pin();
    auto m = metadata_.lock();
    if (changes.which & Attributes::kMode) m->permissions = changes.mode & kModeBits;
    if (changes.which & Attributes::kUid) m->uid = changes.uid;
    if (changes.which & Attributes::kGid) m->gid = changes.gid;
    if (changes.which & Attributes::kSize) m->mtime = now;
    if (changes.which & Attributes::kAtime) m->atime = changes.atime;
    if (changes.which & Attributes::kMtime) m->mtime = changes.mtime;
    m->ctime = now;
    return {};
}

u32 Node::links() { return metadata_.lock()->links; }

void Node::add_link() {
    pin();
    abi::TimeSpec now = current_time();
    auto m = metadata_.lock();
    m->links++;
    m->ctime = now;
}

void Node::drop_link() {
    pin();
    abi::TimeSpec now = current_time();
    bool last = metadata_.with([&](Metadata& m) {
        m.ctime = now;
        return m.links == 0 || --m.links == 0;
    });
    if (last) unpin();
}

void Node::drop_all_links() {
    metadata_.with([](Metadata& m) { m.links = 0; });
    unpin();
}

void Node::modified() {
    pin();
    abi::TimeSpec now = current_time();
    auto m = metadata_.lock();
    m->mtime = m->ctime = now;
}

void Node::accessed() {
    constexpr i64 kDay = 24 * 60 * 60;
    abi::TimeSpec now = current_time();
    auto m = metadata_.lock();
    if (lower_ != kNoLower && !m->pinned) return;
    if (!earlier(m->mtime, m->atime) || !earlier(m->ctime, m->atime) || now.sec - m->atime.sec >= kDay)
        m->atime = now;
}

void Node::pin() {
    if (lower_ == kNoLower) return;
    auto m = metadata_.lock();
    if (m->pinned || m->links == 0) return;
    m->pinned = true;
    ref();
}

bool Node::changed() { return lower_ == kNoLower || metadata_.lock()->pinned; }

void Node::unpin() {
    bool was = metadata_.with([](Metadata& m) { return std::exchange(m.pinned, false); });
    if (was) unref();
}

Result<Ref<Node>> make_node(Ref<Volume> volume, const NewInode& what, std::string_view symlink_target) {
    u32 type = what.mode & kTypeMask;
    Node::Start start{what.mode, what.uid, what.gid, type == kTypeDirectory ? 2u : 1u, current_time()};
    switch (type) {
        case kTypeDirectory: return Ref<Node>(TRY(make_ref<Directory>(std::move(volume), start)));
        case kTypeRegular: return Ref<Node>(TRY(make_ref<Regular>(std::move(volume), start)));
        case kTypeSymlink: {
            String target = TRY(String::from(symlink_target));
            return Ref<Node>(TRY(make_ref<Symlink>(std::move(volume), start, std::move(target))));
        }
        default: return Ref<Node>(TRY(make_ref<Special>(std::move(volume), start, what.rdev)));
    }
}

Result<Ref<Node>> make_lower_node(Ref<Volume> volume, u32 number) {
    const abi::image::Inode* record = volume->lower->inode(number);
    if (!record) return fail(Errno::kEIO);
    i64 nsec = record->mtime_nsec < 1'000'000'000 ? record->mtime_nsec : 0;
    Node::Start start{record->mode, record->uid, record->gid, record->links, {record->mtime_sec, nsec},
                      number};
    if (start.links == 0) start.links = 1;
    switch (record->mode & kTypeMask) {
        case kTypeDirectory: return Ref<Node>(TRY(make_ref<Directory>(std::move(volume), start)));
        case kTypeRegular: return Ref<Node>(TRY(make_ref<Regular>(std::move(volume), start)));
        case kTypeSymlink: return Ref<Node>(TRY(make_ref<Symlink>(std::move(volume), start, String())));
        case kTypeCharDevice:
        case kTypeBlockDevice:
        case kTypeFifo:
        case kTypeSocket: {
            u64 rdev = make_device(record->rdev >> 20, record->rdev & 0xfffff);
            return Ref<Node>(TRY(make_ref<Special>(std::move(volume), start, rdev)));
        }
        default: return fail(Errno::kEIO);
    }
}

}  // namespace astra::fs::tmpfs
