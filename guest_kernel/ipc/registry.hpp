// System V objects by identifier and by key, and who may use them (sysvipc(7), svipc permissions).
#pragma once
#include "guest_kernel/abi/ipc.hpp"
#include "guest_kernel/base/ref.hpp"
#include "guest_kernel/base/vector.hpp"
#include "guest_kernel/sched/credentials.hpp"
#include "guest_kernel/sched/lock.hpp"

namespace astra::ipc {

/// What segments, semaphore sets and message queues have in common. Guarded by their registry's lock.
struct Object {
    int id = -1;
    abi::IpcPerm perm{};
    i64 change_time = 0;  // seconds of the wall clock
    bool removed = false;
};

/// Who asks: taken before a registry is locked.
struct Caller {
    sched::Credentials credentials;
    int pid;
    i64 now;  // seconds of the wall clock
    static Caller current();
};

/// EACCES unless the permission bits allow what `mode` asks for (in any of its three groups of bits).
Result<void> check_access(const Object& object, u32 mode, const Caller& caller);
/// EPERM unless the caller is the owner, the creator or the administrator.
Result<void> check_owner(const Object& object, const Caller& caller);
/// IPC_SET: new owner and permission bits. Errors: EPERM.
Result<void> set_owner(Object& object, const abi::IpcPerm& wanted, const Caller& caller);
/// The caller becomes the creator of an object.
void own(Object& object, i32 key, u32 flags, const Caller& caller);

/// The identifiers of one kind of objects: a slot's number plus 32768 times a count that grows with reuse, so
/// that an old identifier does not find a new object.
template <class T, u32 kMost>
class Registry {
  public:
    /// Errors: EINVAL (no such object), EIDRM (it is gone and its slot in use again).
    Result<Ref<T>> find(int id) const {
        u32 slot = static_cast<u32>(id) % kSlots;
        if (id < 0 || slot >= slots_.size() || !slots_[slot]) return fail(Errno::kEINVAL);
        if (slots_[slot]->id != id) return fail(Errno::kEIDRM);
        return slots_[slot];
    }
    /// The object in a slot, for commands that walk all of them. Errors: EINVAL.
    Result<Ref<T>> at(int slot) const {
        if (slot < 0 || static_cast<u32>(slot) >= slots_.size() || !slots_[slot]) return fail(Errno::kEINVAL);
        return slots_[slot];
    }
    [[nodiscard]] Ref<T> find_key(i32 key) const {
        for (const Ref<T>& object : slots_)
            if (object && object->perm.key == key && !object->removed) return object;
        return {};
    }
    /// Gives a new object its identifier. Errors: ENOSPC, ENOMEM.
    Result<int> add(Ref<T> object) {
        u32 slot = 0;
        while (slot < slots_.size() && slots_[slot]) slot++;
        if (slot == kMost) return fail(Errno::kENOSPC);
        if (slot == slots_.size()) TRY(slots_.push_back({}));
        if (slot <= last_slot_ && used_before_) sequence_ = (sequence_ + 1) % kSequences;
        last_slot_ = slot;
        used_before_ = true;
        object->id = static_cast<int>(sequence_ * kSlots + slot);
        object->perm.seq = static_cast<u16>(sequence_);
        slots_[slot] = std::move(object);
        return slots_[slot]->id;
    }
    /// Takes an object out; the caller drops the reference when the registry is unlocked.
    Ref<T> remove(T& object) {
        object.removed = true;
        return std::move(slots_[static_cast<u32>(object.id) % kSlots]);
    }
    [[nodiscard]] int highest_slot() const {
        for (usize i = slots_.size(); i > 0; i--)
            if (slots_[i - 1]) return static_cast<int>(i - 1);
        return 0;
    }
    [[nodiscard]] const Vector<Ref<T>>& all() const { return slots_; }

  private:
    static constexpr u32 kSlots = 32768, kSequences = 65536;
    static_assert(kMost <= kSlots);
    Vector<Ref<T>> slots_;
    u32 sequence_ = 0, last_slot_ = 0;
    bool used_before_ = false;
};

/// The get calls: the object with `key`, made by `make()` when there is none and `flags` ask for it.
/// `fits(object)` says what is wrong with one that is there. Errors: ENOENT, EEXIST, EACCES, and those of
/// `make` and `fits`.
template <class Locked, class Make, class Fits>
Result<int> get(Locked& locked, i32 key, u32 flags, const Caller& caller, Make&& make, Fits&& fits) {
    // Made first: no object is created under the spin lock. It goes again when there is one already.
    auto fresh = make();
    auto registry = locked.lock();
    if (key != abi::kIpcPrivate) {
        if (auto found = registry->find_key(key)) {
            if (flags & abi::kIpcCreate && flags & abi::kIpcExclusive) return fail(Errno::kEEXIST);
            TRY(fits(*found));
            TRY(check_access(*found, flags & 0777, caller));
            return found->id;
        }
        if (!(flags & abi::kIpcCreate)) return fail(Errno::kENOENT);
    }
    if (!fresh) return fail(fresh.error());
    own(**fresh, key, flags, caller);
    return registry->add(*fresh);
}

}  // namespace astra::ipc
