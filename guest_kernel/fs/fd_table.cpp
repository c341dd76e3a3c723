// Descriptor tables. Files are let go of with the table unlocked: the last reference may have much to do.
#include "guest_kernel/fs/fd_table.hpp"

#include <algorithm>
#include <bit>

#include "guest_kernel/fs/locks.hpp"
#include "guest_kernel/fs/vfs.hpp"

namespace astra::fs {

namespace {

constexpr u32 kPath = 010000000;  // O_PATH

}  // namespace

/// Ends what one descriptor meant to its file: POSIX locks go at the first close in the process, whichever
/// descriptor took them.
void FdTable::released(Ref<File> file) {
    if (!file) return;
    if (Inode* inode = file->inode()) release_posix_locks(*inode, this);
    file->on_close();
}

Result<Ref<FdTable>> FdTable::create() { return make_ref<FdTable>(); }

FdTable::~FdTable() { close_all(); }

Result<Ref<FdTable>> FdTable::clone() {
    Ref<FdTable> copy = TRY(create());
    Table& to = copy->table_.unlocked();
    for (usize room = 64;; room *= 2) {
        TRY(to.slots.reserve(room));
        auto from = table_.lock();
        if (from->slots.size() > room) continue;
        to.lowest_free = from->lowest_free;
        for (const Slot& slot : from->slots) (void)to.slots.push_back(slot);  // there is room
        return copy;
    }
}

Result<Ref<File>> FdTable::get(int fd, bool allow_path) {
    auto t = table_.lock();
    if (fd < 0 || static_cast<usize>(fd) >= t->slots.size()) return fail(Errno::kEBADF);
    const Ref<File>& file = t->slots[static_cast<usize>(fd)].file;
    if (!file || (!allow_path && file->flags & kPath)) return fail(Errno::kEBADF);
    return file;
}

/// The lowest free slot at or above `from`, made when it is past the end.
Result<usize> FdTable::find_free(Table& t, usize from, u64 limit) {
    usize at = std::max(from, t.lowest_free);
    while (at < t.slots.size() && t.slots[at].file) at++;
    if (at >= limit) return fail(Errno::kEMFILE);
    if (from <= t.lowest_free) t.lowest_free = at;
    if (at >= t.slots.size()) TRY(grow(t, at + 1));
    return at;
}

Result<void> FdTable::grow(Table& t, usize size) {
    if (size > t.slots.size()) TRY(t.slots.reserve(std::bit_ceil(std::max<usize>(size, 16))));
    return t.slots.resize(size);
}

Result<int> FdTable::install(Ref<File> file, bool close_on_exec, u64 limit, int from) {
    auto t = table_.lock();
    usize at = TRY(find_free(*t, static_cast<usize>(from), limit));
    t->slots[at] = {std::move(file), close_on_exec};
    return static_cast<int>(at);
}

Result<void> FdTable::check_room(u64 limit) {
    TRY(find_free(*table_.lock(), 0, limit));
    return {};
}

Result<void> FdTable::install_at(int fd, Ref<File> file, bool close_on_exec, u64 limit) {
    if (fd < 0 || static_cast<u64>(fd) >= limit) return fail(Errno::kEBADF);
    auto index = static_cast<usize>(fd);
    Ref<File> old;
    {
        auto t = table_.lock();
        if (index >= t->slots.size()) TRY(grow(*t, index + 1));
        old = std::exchange(t->slots[index].file, std::move(file));
        t->slots[index].close_on_exec = close_on_exec;
    }
    released(std::move(old));
    return {};
}

/// Takes the file out of a slot; null when it was free.
Ref<File> FdTable::take(Table& t, usize index) {
    if (index >= t.slots.size() || !t.slots[index].file) return {};
    t.lowest_free = std::min(t.lowest_free, index);
    t.slots[index].close_on_exec = false;
    return std::move(t.slots[index].file);
}

Result<void> FdTable::close(int fd) {
    if (fd < 0) return fail(Errno::kEBADF);
    Ref<File> file = table_.with([fd](Table& t) { return take(t, static_cast<usize>(fd)); });
    if (!file) return fail(Errno::kEBADF);
    released(std::move(file));
    return {};
}

/// Closes the descriptors of [first, last] that `which` chooses.
template <class Which>
void FdTable::close_where(usize first, usize last, Which&& which) {
    for (usize at = first; at <= last; at++) {
        Ref<File> file;
        {
            auto t = table_.lock();
            while (at < t->slots.size() && at <= last && !(t->slots[at].file && which(t->slots[at]))) at++;
            if (at >= t->slots.size() || at > last) return;
            file = take(*t, at);
        }
        released(std::move(file));
    }
}

void FdTable::close_range(u32 first, u32 last) {
    close_where(first, last, [](const Slot&) { return true; });
}
void FdTable::close_on_exec_all() {
    close_where(0, ~u32{0}, [](const Slot& slot) { return slot.close_on_exec; });
}
void FdTable::close_all() { close_range(0, ~u32{0}); }

void FdTable::set_close_on_exec(u32 first, u32 last) {
    auto t = table_.lock();
    for (usize at = first; at <= last && at < t->slots.size(); at++)
        if (t->slots[at].file) t->slots[at].close_on_exec = true;
}

Result<bool> FdTable::close_on_exec(int fd) {
    auto t = table_.lock();
    if (fd < 0 || static_cast<usize>(fd) >= t->slots.size() || !t->slots[static_cast<usize>(fd)].file)
        return fail(Errno::kEBADF);
    return t->slots[static_cast<usize>(fd)].close_on_exec;
}

Result<void> FdTable::set_close_on_exec_flag(int fd, bool on) {
    TRY(close_on_exec(fd));
    auto t = table_.lock();
    if (t->slots[static_cast<usize>(fd)].file) t->slots[static_cast<usize>(fd)].close_on_exec = on;
    return {};
}

int FdTable::next(int from) {
    auto t = table_.lock();
    for (usize at = from < 0 ? 0 : static_cast<usize>(from); at < t->slots.size(); at++)
        if (t->slots[at].file) return static_cast<int>(at);
    return -1;
}

}  // namespace astra::fs
