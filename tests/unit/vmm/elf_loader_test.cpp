// The kernel loader: what it loads, and every way a file can lie to it.
#include "vmm/boot/elf_loader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "tests/support/pvh_elf.hpp"

namespace astra::vmm {
namespace {

using test::PvhElf;
using testing::HasSubstr;

class ElfLoaderTest : public testing::Test {
  protected:
    ElfLoaderTest() : ram(2 << 20) { EXPECT_TRUE(memory.add({PhysAddr(0), ram})); }

    /// Why the loader refuses `file`; empty when it does not.
    std::string refusal(const std::vector<u8>& file) {
        auto loaded = load_kernel(file, memory);
        if (loaded) return "";
        EXPECT_EQ(loaded.error().code, Code::Corrupt);
        return loaded.error().message;
    }

    PvhElf elf{{0xf4, 0x90, 0x90}};
    std::vector<u8> ram;
    GuestMemory memory;
};

TEST_F(ElfLoaderTest, LoadsASegmentAndFindsTheEntry) {
    elf.segments[0].p_memsz = 0x1000;
    auto kernel = load_kernel(elf.build(), memory);
    ASSERT_TRUE(kernel) << kernel.error().message;
    EXPECT_EQ(kernel->entry, 0x10'0000u);
    EXPECT_EQ(kernel->low, PhysAddr(0x10'0000));
    EXPECT_EQ(kernel->high, PhysAddr(0x10'1000));
    EXPECT_EQ(ram[0x10'0000], 0xf4);
    EXPECT_EQ(ram[0x10'0002], 0x90);
    EXPECT_EQ(ram[0x10'0003], 0);
}

TEST_F(ElfLoaderTest, AcceptsAFourByteNote) {
    elf.set_note("Xen", abi::pvh::kNotePhys32Entry, 0x10'0001, 4);
    elf.segments[0].p_offset = elf.code_offset();
    elf.segments[1].p_filesz = elf.note.size();
    auto kernel = load_kernel(elf.build(), memory);
    ASSERT_TRUE(kernel) << kernel.error().message;
    EXPECT_EQ(kernel->entry, 0x10'0001u);
}

TEST_F(ElfLoaderTest, RefusesWhatIsNoKernel) {
    EXPECT_THAT(refusal({}), HasSubstr("not an ELF file"));
    EXPECT_THAT(refusal({0x7f, 'E', 'L', 'F'}), HasSubstr("not an ELF file"));
    auto with = [this](auto change) {
        PvhElf changed = elf;
        change(changed.header);
        return refusal(changed.build());
    };
    EXPECT_THAT(with([](auto& h) { h.e_ident[EI_CLASS] = ELFCLASS32; }), HasSubstr("64-bit"));
    EXPECT_THAT(with([](auto& h) { h.e_machine = EM_AARCH64; }), HasSubstr("x86"));
    EXPECT_THAT(with([](auto& h) { h.e_type = ET_DYN; }), HasSubstr("fixed addresses"));
    EXPECT_THAT(with([](auto& h) { h.e_phentsize = 8; }), HasSubstr("unknown size"));
    EXPECT_THAT(with([](auto& h) { h.e_phoff = ~u64{0} - 8; }), HasSubstr("beyond the file"));
    EXPECT_THAT(with([](auto& h) { h.e_phnum = 0xffff; }), HasSubstr("beyond the file"));
    EXPECT_THAT(with([](auto& h) { h.e_phnum = 0; }), HasSubstr("no PVH entry"));
}

TEST_F(ElfLoaderTest, RefusesSegmentsThatLie) {
    auto with = [this](auto change) {
        PvhElf changed = elf;
        change(changed.segments[0]);
        return refusal(changed.build());
    };
    EXPECT_THAT(with([](auto& s) { s.p_offset = ~u64{0}; }), HasSubstr("beyond the file"));
    EXPECT_THAT(with([](auto& s) { s.p_filesz = s.p_memsz = 4; }), HasSubstr("beyond the file"));
    EXPECT_THAT(with([](auto& s) { s.p_filesz = s.p_memsz + 1; }), HasSubstr("more bytes in the file"));
    EXPECT_THAT(with([](auto& s) { s.p_memsz = ~u64{0}; }), HasSubstr("does not lie"));
    EXPECT_THAT(with([](auto& s) { s.p_paddr = 0x20'0000; }), HasSubstr("does not lie"));
    EXPECT_THAT(with([](auto& s) { s.p_paddr = 0x9'0000; }), HasSubstr("does not lie"));
    EXPECT_THAT(with([](auto& s) { s.p_paddr = ~u64{0}; }), HasSubstr("does not lie"));
    EXPECT_THAT(with([](auto& s) { s.p_type = PT_NULL; }), HasSubstr("nothing to load"));
    EXPECT_THAT(with([](auto& s) { s.p_flags = PF_R; }), HasSubstr("not executable"));
    EXPECT_THAT(with([](auto& s) { s.p_paddr = 0x11'0000; }), HasSubstr("not executable"));
}

TEST_F(ElfLoaderTest, RefusesOverlappingSegments) {
    elf.header.e_phnum = 3;
    elf.segments.push_back(elf.segments[0]);
    elf.segments[2].p_paddr += 2;
    EXPECT_THAT(refusal(elf.build()), HasSubstr("overlap"));
    elf.segments[2].p_paddr += 1;
    EXPECT_EQ(refusal(elf.build()), "");
}

TEST_F(ElfLoaderTest, RefusesReadOnlyMemory) {
    GuestMemory read_only;
    ASSERT_TRUE(read_only.add({PhysAddr(0), ram, true}));
    EXPECT_FALSE(load_kernel(elf.build(), read_only));
}

TEST_F(ElfLoaderTest, RefusesBrokenNotes) {
    auto with_note = [this](auto change) {
        PvhElf changed = elf;
        change(changed);
        return refusal(changed.build());
    };
    EXPECT_THAT(with_note([](auto& e) { e.set_note("Xem", abi::pvh::kNotePhys32Entry, 0x10'0000, 8); }),
                HasSubstr("no PVH entry"));
    EXPECT_THAT(with_note([](auto& e) { e.set_note("Xen", 17, 0x10'0000, 8); }), HasSubstr("no PVH entry"));
    EXPECT_THAT(with_note([](auto& e) { e.segments[1].p_filesz -= 1; }), HasSubstr("note"));
    EXPECT_THAT(with_note([](auto& e) { e.segments[1].p_offset = 1 << 20; }), HasSubstr("notes reach"));
    EXPECT_THAT(with_note([](auto& e) { std::memset(e.note.data(), 0xff, 8); }), HasSubstr("note"));
    EXPECT_THAT(with_note([](auto& e) { e.set_note("Xen", abi::pvh::kNotePhys32Entry, 0x1'0010'0000, 8); }),
                HasSubstr("not executable"));
    EXPECT_THAT(with_note([](auto& e) {
                    e.note[4] = 7;  // descriptor size
                }),
                HasSubstr("strange size"));
}

/// Any file may be refused, none may reach outside the memory (the sanitizers watch).
TEST_F(ElfLoaderTest, SurvivesRandomDamage) {
    std::mt19937 random(1);
    std::vector<u8> good = elf.build();
    for (int i = 0; i < 20000; i++) {
        std::vector<u8> bad = good;
        for (u32 flips = random() % 4 + 1; flips > 0; flips--)
            bad[random() % bad.size()] = static_cast<u8>(random());
        if (random() % 4 == 0) bad.resize(random() % bad.size());
        (void)refusal(bad);
    }
}

}  // namespace
}  // namespace astra::vmm
