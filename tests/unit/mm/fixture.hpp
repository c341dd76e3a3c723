// Fresh RAM for every test, and a program whose faults reach the address space under test.
#pragma once
#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "guest_kernel/arch/host/host.hpp"
#include "guest_kernel/mm/address_space.hpp"
#include "guest_kernel/mm/frames.hpp"
#include "guest_kernel/mm/map_flags.hpp"

namespace astra {

class MemoryTest : public testing::Test {
  protected:
    /// RAM starts as garbage: nothing may rely on what it never wrote.
    MemoryTest();
    ~MemoryTest() override;
    static constexpr u64 kRamBytes = arch::host::kRam.size;
};

class SpaceTest : public MemoryTest {
  protected:
    SpaceTest();
    ~SpaceTest() override;

    /// mmap(2) with anonymous private memory unless `flags` say otherwise; the address, or -errno.
    static i64 map(mm::AddressSpace& space, u64 hint, u64 length, u32 prot = mm::kProtRead | mm::kProtWrite,
                   u32 flags = mm::kMapPrivate, Ref<mm::PageSource> source = {}, u64 offset = 0);
    i64 map(u64 hint, u64 length, u32 prot = mm::kProtRead | mm::kProtWrite, u32 flags = mm::kMapPrivate) {
        return map(*space, hint, length, prot, flags);
    }
    /// Makes `of` the one the program's accesses go to.
    void run(mm::AddressSpace& of);
    /// A program's access; how it ended when it failed is in `last`.
    bool put(u64 at, u8 value) { return arch::host::program_write(UserAddr(at), &value, 1); }
    /// The byte the program sees, -1 on a fault.
    int get(u64 at) {
        u8 value;
        return arch::host::program_read(UserAddr(at), &value, 1) ? value : -1;
    }
    /// "start-end prot name" of each area.
    static std::vector<std::string> areas(mm::AddressSpace& space);
    static u64 resident(mm::AddressSpace& space) { return space.usage().resident_bytes / kPageSize; }

    Ref<mm::AddressSpace> space;
    static inline mm::AddressSpace* running = nullptr;
    static inline mm::FaultOutcome last = mm::FaultOutcome::Resolved;
    static inline u64 faults = 0;
    friend bool handle_page_fault(const FaultInfo&, arch::UserRegisters*);

  private:
    u64 free_before_ = 0;
};

/// A file of `pages` pages; page i is filled with the byte i + 1.
class TestSource final : public mm::PageSource {
  public:
    explicit TestSource(u64 pages);
    Result<mm::FrameRef> page(u64 index, bool for_write) override;
    mm::FrameRef page_if_resident(u64 index) override;
    [[nodiscard]] u64 mapping_size() const override { return size; }
    [[nodiscard]] Identity identity() const override { return {7, 8}; }
    u64 size;
    std::vector<mm::FrameRef> frames;
    int asked_for_write = 0;
    bool copy_up = false;  // the next page asked for writing gets a new frame
};

}  // namespace astra
