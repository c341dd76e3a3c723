// Driver side of a split virtqueue.
#include "guest_kernel/drivers/virtqueue.hpp"

#include <atomic>

#include "guest_kernel/mm/frames.hpp"

namespace astra::virtio {

namespace {

// One frame holds all three parts for up to 64 descriptors: 1024 + 134 + 518 bytes.
constexpr usize kAvailableOffset = Queue::kMaxSize * sizeof(vring_desc);
constexpr usize kUsedOffset = 2048;
static_assert(kAvailableOffset + 6 + 2 * Queue::kMaxSize <= kUsedOffset);
static_assert(kUsedOffset + 6 + sizeof(vring_used_elem) * Queue::kMaxSize <= kPageSize);

u16 load(const u16& cell) { return __atomic_load_n(&cell, __ATOMIC_ACQUIRE); }
void store(u16& cell, u16 value) { __atomic_store_n(&cell, value, __ATOMIC_RELEASE); }

}  // namespace

Result<void> Queue::init(u16 size, bool event_index) {
    base_ = TRY(mm::alloc_frame(mm::Zero::Yes));
    size_ = size;
    event_index_ = event_index;
    auto* memory = static_cast<u8*>(arch::phys_to_virt(base_));
    desc_ = reinterpret_cast<vring_desc*>(memory);
    avail_ = reinterpret_cast<vring_avail*>(memory + kAvailableOffset);
    used_ = reinterpret_cast<vring_used*>(memory + kUsedOffset);
    disable_interrupts();
    return {};
}

PhysAddr Queue::available() const { return base_ + kAvailableOffset; }
PhysAddr Queue::used() const { return base_ + kUsedOffset; }

void Queue::publish(u16 token, PhysAddr buffer, u32 length, bool device_writes) {
    desc_[token] = {buffer.raw(), length, static_cast<u16>(device_writes ? VRING_DESC_F_WRITE : 0), 0};
    avail_->ring[next_available_ % size_] = token;
    store(avail_->idx, ++next_available_);
}

bool Queue::needs_notify() {
    if (last_notified_ == next_available_) return false;
    // The store of avail->idx must be visible before avail_event or flags are read (virtio 1.2, 2.7.21).
    std::atomic_thread_fence(std::memory_order_seq_cst);
    u16 old = last_notified_;
    last_notified_ = next_available_;
    if (!event_index_) return !(load(used_->flags) & VRING_USED_F_NO_NOTIFY);
    u16 event = load(*reinterpret_cast<u16*>(&used_->ring[size_]));
    return vring_need_event(event, next_available_, old);
}

bool Queue::take_used(Used& out) {
    while (last_used_ != load(used_->idx)) {
        vring_used_elem element = used_->ring[last_used_++ % size_];
        if (element.id >= size_) continue;
        out = {static_cast<u16>(element.id), element.len};
        return true;
    }
    return false;
}

bool Queue::enable_interrupts() {
    if (event_index_)
        store(avail_->ring[size_], last_used_);
    else
        store(avail_->flags, 0);
    std::atomic_thread_fence(std::memory_order_seq_cst);
    return last_used_ == load(used_->idx);
}

void Queue::disable_interrupts() {
    // With EVENT_IDX the interrupt comes when used->idx passes the event: half the ring behind never happens
    // soon.
    if (event_index_)
        store(avail_->ring[size_], static_cast<u16>(last_used_ - 1));
    else
        store(avail_->flags, VRING_AVAIL_F_NO_INTERRUPT);
}

}  // namespace astra::virtio
