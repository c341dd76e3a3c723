// System V shared memory (shmget(2), shmop(2), shmctl(2)).
#pragma once
#include "guest_kernel/ipc/registry.hpp"
#include "guest_kernel/mm/shared_memory.hpp"

namespace astra::ipc {

inline constexpr u64 kMostSegment = ~u64{0} - (1 << 24);  // SHMMAX, bytes

/// A segment: memory that programs attach. It lives until it is removed and nobody has it attached.
class Segment final : public mm::SharedMemory, public Object {
  public:
    static Result<Ref<Segment>> create(u64 size);
    /// How many areas map it.
    [[nodiscard]] u64 attached();
    [[nodiscard]] Identity identity() const override { return {kDevice, static_cast<u64>(id)}; }

    const u64 size;  // as asked for, in bytes
    i64 attach_time = 0, detach_time = 0;
    int creator = 0, last_user = 0;
    ListNode retired_node;

  private:
    template <class T, class... A>
    friend Result<Ref<T>> astra::make_ref(A&&...);
    explicit Segment(u64 bytes);
    void destroy() override;
};

/// Removed segments stay in it until the last one lets go of them.
class Segments : public Registry<Segment, 4096> {
  public:
    /// As Registry::find, but finds what was removed and is attached still. The answer may be the last
    /// reference: to be dropped with the registry unlocked.
    Result<Ref<Segment>> find(int id);
    /// IPC_RMID: the key is free, the identifier answers while the segment is attached. Answers the
    /// registry's reference.
    Ref<Segment> retire(Segment& segment);
    /// The segment is being destroyed.
    void forget(Segment& segment);
    /// The segment that `source` is, null when it is none.
    Segment* which(const mm::PageSource* source);

  private:
    List<Segment, &Segment::retired_node> retired_;
};

using LockedSegments = sched::SpinLocked<Segments, sched::Rank::FileRegistry>;
LockedSegments& segments();

}  // namespace astra::ipc
