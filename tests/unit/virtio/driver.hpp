// A virtio driver for tests: guest memory, a virtio-mmio register interface and split rings, all of which a
// test may also use wrongly.
#pragma once
#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "tests/unit/devices/fakes.hpp"
#include "vmm/virtio/mmio.hpp"

namespace astra::vmm::test {

namespace spec = abi::virtio;

/// Guest memory: RAM at kRam, a read-only region at kRom, nothing between.
class Memory {
  public:
    static constexpr u64 kRam = 0x10'0000, kRamSize = 0x20'0000, kRom = 0x80'0000, kRomSize = 0x1000;
    Memory() {
        EXPECT_TRUE(guest.add({PhysAddr(kRam), bytes(ram_), false}));
        EXPECT_TRUE(guest.add({PhysAddr(kRom), bytes(rom_), true}));
    }
    /// Unused RAM, zeroed.
    u64 allocate(u64 bytes, u64 alignment = 16) {
        next_ = align_up(next_, alignment);
        u64 at = next_;
        next_ += bytes;
        EXPECT_LE(next_, kRam + kRamSize);
        return at;
    }
    template <class T>
    void put(u64 at, const T& value) {
        ASSERT_TRUE(guest.write_object(PhysAddr(at), value));
    }
    template <class T>
    [[nodiscard]] T get(u64 at) const {
        T value{};
        EXPECT_TRUE(guest.read_object(PhysAddr(at), value));
        return value;
    }
    void put_text(u64 at, std::string_view text) {
        ASSERT_TRUE(guest.write(PhysAddr(at), {reinterpret_cast<const u8*>(text.data()), text.size()}));
    }
    [[nodiscard]] std::string get_text(u64 at, usize size) const {
        std::string text(size, '\0');
        EXPECT_TRUE(guest.read(PhysAddr(at), {reinterpret_cast<u8*>(text.data()), size}));
        return text;
    }
    /// Takes back everything allocate() gave, and zeroes it.
    void clear() {
        std::ranges::fill(ram_, 0);
        next_ = kRam;
    }
    GuestMemory guest;

  private:
    static std::span<u8> bytes(std::vector<u64>& cells) {
        return {reinterpret_cast<u8*>(cells.data()), cells.size() * sizeof(u64)};
    }
    std::vector<u64> ram_ = std::vector<u64>(kRamSize / sizeof(u64)),
                     rom_ = std::vector<u64>(kRomSize / sizeof(u64));
    u64 next_ = kRam;
};

struct Buffer {
    u64 address;
    u32 length;
    bool writable = false;
};

/// The driver's half of one queue.
struct Ring {
    Ring(Memory& m, u16 n)
        : memory(m),
          size(n),
          table(m.allocate(spec::descriptor_table_bytes(n), spec::kDescriptorAlign)),
          available(m.allocate(spec::available_ring_bytes(n), spec::kAvailableAlign)),
          used(m.allocate(spec::used_ring_bytes(n), spec::kUsedAlign)) {}

    void put_descriptor(u16 index, spec::Descriptor descriptor) {
        memory.put(table + index * sizeof descriptor, descriptor);
    }
    /// Offers the chain that starts at `head`.
    void offer(u16 head) {
        memory.put<u16>(available + spec::kRingEntries + 2 * (next_available % size), head);
        memory.put<u16>(available + spec::kRingIndex, ++next_available);
    }
    /// Lays buffers out from the next free descriptor on and offers them. Returns the head.
    u16 add(const std::vector<Buffer>& buffers) {
        u16 head = next_descriptor;
        for (usize i = 0; i < buffers.size(); ++i) {
            u16 at = next_descriptor;
            next_descriptor = static_cast<u16>((next_descriptor + 1) % size);
            bool last = i + 1 == buffers.size();
            u16 flags = (buffers[i].writable ? spec::kDescWrite : 0) | (last ? 0 : spec::kDescNext);
            put_descriptor(at,
                           {buffers[i].address, buffers[i].length, flags, last ? u16{0} : next_descriptor});
        }
        offer(head);
        return head;
    }
    /// Offers a copy of `text` for the device to read.
    u16 add_text(std::string_view text) {
        u64 at = memory.allocate(text.size());
        memory.put_text(at, text);
        return add({{at, static_cast<u32>(text.size())}});
    }
    [[nodiscard]] u16 used_index() const { return memory.get<u16>(used + spec::kRingIndex); }
    [[nodiscard]] spec::UsedElement used_element(u16 index) const {
        return memory.get<spec::UsedElement>(used + spec::kRingEntries +
                                             sizeof(spec::UsedElement) * (index % size));
    }
    [[nodiscard]] u16 available_event() const {
        return memory.get<u16>(used + spec::available_event_offset(size));
    }
    void set_used_event(u16 event) { memory.put(available + spec::used_event_offset(size), event); }
    [[nodiscard]] u16 used_flags() const { return memory.get<u16>(used + spec::kRingFlags); }
    void set_available_flags(u16 flags) { memory.put(available + spec::kRingFlags, flags); }

    Memory& memory;
    u16 size;
    u64 table, available, used;
    u16 next_available = 0, next_descriptor = 0;
};

/// A device behind its transport, with a driver that follows the specification's initialisation.
struct Driver {
    explicit Driver(virtio::Device& device)
        : transport(
              memory.guest, irq, device, [this](u16 queue) { revisits.push_back(queue); },
              [this](std::string_view, std::string_view reason) { faults.emplace_back(reason); }) {}

    [[nodiscard]] u32 get(u64 offset) {
        u32 value = 0;
        transport.read(offset, {reinterpret_cast<u8*>(&value), sizeof value});
        return value;
    }
    void set(u64 offset, u32 value) {
        transport.write(offset, {reinterpret_cast<u8*>(&value), sizeof value});
    }

    [[nodiscard]] u64 offered() {
        set(spec::mmio::kDeviceFeaturesSel, 1);
        u64 high = get(spec::mmio::kDeviceFeatures);
        set(spec::mmio::kDeviceFeaturesSel, 0);
        return high << 32 | get(spec::mmio::kDeviceFeatures);
    }
    void accept(u64 features) {
        set(spec::mmio::kDriverFeaturesSel, 0);
        set(spec::mmio::kDriverFeatures, static_cast<u32>(features));
        set(spec::mmio::kDriverFeaturesSel, 1);
        set(spec::mmio::kDriverFeatures, static_cast<u32>(features >> 32));
    }
    void add_status(u32 bit) { set(spec::mmio::kStatus, get(spec::mmio::kStatus) | bit); }
    [[nodiscard]] u32 status() { return get(spec::mmio::kStatus); }
    [[nodiscard]] bool broken() { return status() & spec::kNeedsReset; }

    void place(u32 index, const Ring& ring) {
        set(spec::mmio::kQueueSel, index);
        set(spec::mmio::kQueueNum, ring.size);
        set(spec::mmio::kQueueDescLow, static_cast<u32>(ring.table));
        set(spec::mmio::kQueueDescHigh, static_cast<u32>(ring.table >> 32));
        set(spec::mmio::kQueueDriverLow, static_cast<u32>(ring.available));
        set(spec::mmio::kQueueDriverHigh, static_cast<u32>(ring.available >> 32));
        set(spec::mmio::kQueueDeviceLow, static_cast<u32>(ring.used));
        set(spec::mmio::kQueueDeviceHigh, static_cast<u32>(ring.used >> 32));
        set(spec::mmio::kQueueReady, 1);
    }
    /// Steps 1 to 7 of 3.1.1: every queue gets a ring of `size`.
    void prepare(u64 features, u16 size = 16) {
        set(spec::mmio::kStatus, 0);
        add_status(spec::kAcknowledge);
        add_status(spec::kDriver);
        accept(features);
        add_status(spec::kFeaturesOk);
        ASSERT_TRUE(status() & spec::kFeaturesOk);
        rings.clear();
        for (u32 index = 0; index < transport.queue_count(); ++index) {
            rings.emplace_back(memory, size);
            place(index, rings.back());
        }
    }
    void start(u64 features, u16 size = 16) {
        prepare(features, size);
        add_status(spec::kDriverOk);
    }
    void kick(u32 queue) { set(spec::mmio::kQueueNotify, queue); }
    /// Reads and acknowledges the interrupt causes.
    u32 take_interrupt() {
        u32 causes = get(spec::mmio::kInterruptStatus);
        set(spec::mmio::kInterruptAck, causes);
        return causes;
    }

    Memory memory;
    FakeIrq irq;
    std::vector<u16> revisits;
    std::vector<std::string> faults;
    virtio::MmioTransport transport;
    std::deque<Ring> rings;
};

}  // namespace astra::vmm::test
