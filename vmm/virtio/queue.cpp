// Queue: the ring protocol and the checked walk over descriptor chains.
#include "vmm/virtio/queue.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstring>

#include "guest_kernel/base/try.hpp"

namespace astra::vmm::virtio {
namespace {

using namespace abi::virtio;

template <class... Args>
std::unexpected<Broken> broken(fmt::format_string<Args...> format, Args&&... args) {
    return std::unexpected(Broken{fmt::format(format, std::forward<Args>(args)...)});
}

/// A 16-bit field of a ring; the guest's CPUs access it at the same time.
std::atomic_ref<u16> field(std::span<u8> ring, u64 offset) {
    return std::atomic_ref<u16>(*reinterpret_cast<u16*>(ring.data() + offset));
}

}  // namespace

u64 Chain::readable_bytes() const {
    u64 total = 0;
    for (auto buffer : readable) total += buffer.size();
    return total;
}

u64 Chain::writable_bytes() const {
    u64 total = 0;
    for (auto buffer : writable) total += buffer.size();
    return total;
}

usize Chain::copy_out(u64 offset, std::span<u8> to) const {
    usize done = 0;
    for (auto buffer : readable) {
        if (done == to.size()) break;
        u64 skipped = std::min<u64>(offset, buffer.size());
        offset -= skipped;
        usize count = std::min<u64>(buffer.size() - skipped, to.size() - done);
        std::memcpy(to.data() + done, buffer.data() + skipped, count);
        done += count;
    }
    return done;
}

usize Chain::copy_in(u64 offset, std::span<const u8> from) const {
    usize done = 0;
    for (auto buffer : writable) {
        if (done == from.size()) break;
        u64 skipped = std::min<u64>(offset, buffer.size());
        offset -= skipped;
        usize count = std::min<u64>(buffer.size() - skipped, from.size() - done);
        std::memcpy(buffer.data() + skipped, from.data() + done, count);
        done += count;
    }
    return done;
}

void Queue::set_size(u32 size) {
    // Out of range becomes 0, which enable() refuses.
    if (!ready_) size_ = size <= max_size_ ? static_cast<u16>(size) : 0;
}

std::expected<void, Broken> Queue::enable(const GuestMemory& memory, u64 features) {
    if (!std::has_single_bit(size_)) return broken("queue size is not a power of two up to {}", max_size_);
    if (!is_aligned(descriptors_at_.raw(), kDescriptorAlign) ||
        !is_aligned(available_at_.raw(), kAvailableAlign) || !is_aligned(used_at_.raw(), kUsedAlign))
        return broken("queue rings are misaligned");
    table_ = memory.host_span(descriptors_at_, descriptor_table_bytes(size_), false);
    available_ring_ = memory.host_span(available_at_, available_ring_bytes(size_), false);
    used_ring_ = memory.host_span(used_at_, used_ring_bytes(size_), true);
    if (table_.empty() || available_ring_.empty() || used_ring_.empty())
        return broken("queue rings lie outside guest memory");
    memory_ = &memory;
    event_idx_ = features & kFeatureEventIdx;
    indirect_ = features & kFeatureIndirectDesc;
    next_available_ = next_used_ = signalled_used_ = 0;
    no_notify_ = false;
    ready_ = true;
    return {};
}

std::expected<bool, Broken> Queue::more_available() {
    u16 index = field(available_ring_, kRingIndex).load(std::memory_order_acquire);
    u16 pending = index - next_available_;
    if (pending > size_)
        return broken("available index {} is {} ahead of a queue of {}", index, pending, size_);
    return pending != 0;
}

std::expected<bool, Broken> Queue::pop(Chain& chain) {
    if (!ready_) return false;
    if (!TRY(more_available())) {
        if (event_idx_)
            field(used_ring_, available_event_offset(size_))
                .store(next_available_, std::memory_order_relaxed);
        else if (std::exchange(no_notify_, false))
            field(used_ring_, kRingFlags).store(0, std::memory_order_relaxed);
        // The driver publishes its index, then reads what was just stored; this side stored, then looks at
        // the index again. Without the fence between, both could miss the other (2.7.10.1, 2.7.13.4.1).
        std::atomic_thread_fence(std::memory_order_seq_cst);
        if (!TRY(more_available())) return false;
    }
    if (!event_idx_ && !std::exchange(no_notify_, true))
        field(used_ring_, kRingFlags).store(kUsedNoNotify, std::memory_order_relaxed);
    u64 entry = kRingEntries + sizeof(u16) * (next_available_ & (size_ - 1));
    u16 head = field(available_ring_, entry).load(std::memory_order_relaxed);
    ++next_available_;
    TRY(walk(head, chain));
    return true;
}

std::expected<void, Broken> Queue::walk(u16 head, Chain& chain) const {
    chain.head = head;
    chain.readable.clear();
    chain.writable.clear();
    std::span<const u8> table = table_;
    bool in_indirect = false;
    u32 index = head, buffers = 0;
    u64 total = 0;
    while (true) {
        if (index >= table.size() / sizeof(Descriptor))
            return broken("descriptor {} is outside its table", index);
        Descriptor descriptor;
        std::memcpy(&descriptor, table.data() + index * sizeof descriptor, sizeof descriptor);
        if (descriptor.flags & kDescIndirect) {
            // 2.7.5.3: ends the chain in the ring's table, does not nest; its WRITE flag means nothing.
            if (!indirect_) return broken("indirect descriptor without VIRTIO_F_INDIRECT_DESC");
            if (in_indirect) return broken("indirect descriptor in an indirect table");
            if (descriptor.flags & kDescNext) return broken("indirect descriptor with a successor");
            if (descriptor.length == 0 || descriptor.length % sizeof(Descriptor) != 0)
                return broken("indirect table of {} bytes", descriptor.length);
            table = memory_->host_span(PhysAddr(descriptor.address), descriptor.length, false);
            if (table.empty()) return broken("indirect table at {:#x} is outside memory", descriptor.address);
            in_indirect = true;
            index = 0;
            continue;
        }
        if (++buffers > size_) return broken("descriptor chain is longer than its queue, or a loop");
        total += descriptor.length;
        if (total > UINT32_MAX) return broken("descriptor chain holds 4 GiB or more");
        TRY(add_buffer(descriptor, chain));
        if (!(descriptor.flags & kDescNext)) return {};
        index = descriptor.next;
    }
}

std::expected<void, Broken> Queue::add_buffer(const Descriptor& descriptor, Chain& chain) const {
    bool writable = descriptor.flags & kDescWrite;
    if (!writable && !chain.writable.empty()) return broken("readable descriptor after a writable one");
    if (descriptor.length == 0) return {};
    std::span<u8> buffer = memory_->host_span(PhysAddr(descriptor.address), descriptor.length, writable);
    if (buffer.empty())
        return broken("buffer of {} bytes at {:#x} is outside {} memory", descriptor.length,
                      descriptor.address, writable ? "writable" : "guest");
    if (writable)
        chain.writable.push_back(buffer);
    else
        chain.readable.push_back(buffer);
    return {};
}

void Queue::push(const Chain& chain, u32 written) {
    UsedElement element{chain.head, written};
    u64 entry = kRingEntries + sizeof element * (next_used_ & (size_ - 1));
    std::memcpy(used_ring_.data() + entry, &element, sizeof element);
    ++next_used_;
    field(used_ring_, kRingIndex).store(next_used_, std::memory_order_release);
}

bool Queue::wants_interrupt() {
    u16 before = std::exchange(signalled_used_, next_used_);
    if (!ready_ || before == next_used_) return false;
    // As in pop(), mirrored: the used index must be visible before the driver's wish is read.
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (event_idx_) {
        u16 event = field(available_ring_, used_event_offset(size_)).load(std::memory_order_relaxed);
        return event_passed(event, next_used_, before);
    }
    return !(field(available_ring_, kRingFlags).load(std::memory_order_relaxed) & kAvailNoInterrupt);
}

}  // namespace astra::vmm::virtio
