// The ELF reader: what it accepts, and that nothing a file says makes it misbehave.
#include "guest_kernel/sched/elf.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <random>

#include "guest_kernel/arch/arch.hpp"
#include "tests/unit/sched/elf_builder.hpp"

namespace astra::elf {
namespace {

using test::ElfHeader, test::ElfSegment, test::MemorySource, test::build_elf;

constexpr u32 kInterp = 3, kNote = 4, kPhdr = 6, kGnuStack = 0x6474e551;

Result<Image> parse_bytes(const std::vector<u8>& bytes) {
    MemorySource source(bytes);
    return parse(source);
}

const ElfSegment kText{
    .flags = 5, .offset = 0, .address = 0x400000, .file_size = 0x1800, .memory_size = 0x1800};
const ElfSegment kData{
    .flags = 6, .offset = 0x1800, .address = 0x402800, .file_size = 0x100, .memory_size = 0x2000};

void expect_refused(const std::vector<u8>& bytes, const char* what) {
    Result<Image> image = parse_bytes(bytes);
    ASSERT_FALSE(image) << what;
    EXPECT_EQ(image.error(), Errno::kENOEXEC) << what;
}

TEST(Elf, ReadsSegments) {
    Result<Image> image = parse_bytes(build_elf({}, {kText, kData}));
    ASSERT_TRUE(image);
    EXPECT_EQ(image->kind, Kind::Fixed);
    EXPECT_EQ(image->entry, 0x401000u);
    ASSERT_EQ(image->segments.size(), 2u);
    EXPECT_EQ(image->segments[0].prot, 5u);
    EXPECT_EQ(image->segments[1].prot, 3u);
    EXPECT_EQ(image->low, 0x400000u);
    EXPECT_EQ(image->high, 0x405000u);
    EXPECT_EQ(image->program_headers, 0x400040u);  // found in the first segment
    EXPECT_FALSE(image->executable_stack);
    EXPECT_FALSE(image->astra_abi);
}

TEST(Elf, ReadsTheOtherHeaders) {
    ElfSegment phdr{.type = kPhdr, .address = 0x40}, stack{.type = kGnuStack, .flags = 7};
    ElfSegment interp{.type = kInterp, .offset = 0x800, .file_size = 8};
    ElfSegment note{.type = kNote, .offset = 0x900, .file_size = 24};
    ElfSegment text = kText;
    text.address = 0;
    text.align = 0x200000;
    auto bytes = build_elf({.type = 3, .entry = 0x100}, {phdr, interp, text, note, stack});
    memcpy(bytes.data() + 0x800, "/lib/ld", 8);
    const u32 note_header[3] = {6, 0, 1};
    memcpy(bytes.data() + 0x900, note_header, sizeof note_header);
    memcpy(bytes.data() + 0x900 + 12, "ASTRA", 6);
    Result<Image> image = parse_bytes(bytes);
    ASSERT_TRUE(image);
    EXPECT_EQ(image->kind, Kind::Relocatable);
    EXPECT_EQ(image->interpreter.view(), "/lib/ld");
    EXPECT_EQ(image->program_headers, 0x40u);
    EXPECT_EQ(image->alignment, 0x200000u);
    EXPECT_TRUE(image->executable_stack);
    EXPECT_TRUE(image->astra_abi);
}

TEST(Elf, RefusesWrongHeaders) {
    auto good = build_elf({}, {kText});
    const struct {
        usize at;
        u8 value;
        const char* what;
    } changes[] = {{0, 0, "magic"},     {4, 1, "32-bit"},        {5, 2, "big-endian"}, {16, 1, "ET_REL"},
                   {18, 40, "machine"}, {54, 32, "header size"}, {56, 0, "no headers"}};
    for (const auto& change : changes) {
        auto bad = good;
        bad[change.at] = change.value;
        expect_refused(bad, change.what);
    }
    expect_refused({}, "empty");
    expect_refused({good.begin(), good.begin() + 63}, "cut header");
    expect_refused({good.begin(), good.begin() + 100}, "cut table");
    expect_refused(build_elf({}, {{.type = kGnuStack}}), "nothing to load");
    expect_refused(build_elf({.entry = ~u64{0}}, {kText}), "entry outside the program half");
}

TEST(Elf, RefusesWrongSegments) {
    auto with = [](auto change) {
        ElfSegment segment = kText;
        change(segment);
        return build_elf({}, {segment});
    };
    expect_refused(with([](auto& s) { s.file_size = s.memory_size + 1; }), "more file than memory");
    expect_refused(with([](auto& s) { s.address = arch::kUserEnd - 0x1000; }), "beyond the program half");
    expect_refused(with([](auto& s) { s.memory_size = ~u64{0} - 0x1000; }), "wraps");
    expect_refused(with([](auto& s) { s.offset = 0x10; }), "offset and address disagree");
    expect_refused(with([](auto& s) { s.offset = ~u64{0} << 12; }), "offset wraps");
    expect_refused(build_elf({}, {kData, kText}), "out of order");
    expect_refused(build_elf({}, {kText, kText}), "overlapping");
}

TEST(Elf, RefusesWrongInterpreters) {
    ElfSegment interp{.type = kInterp, .offset = 0x800, .file_size = 8};
    auto bytes = build_elf({}, {interp, kText});
    memcpy(bytes.data() + 0x800, "/lib/ldx", 8);
    expect_refused(bytes, "not terminated");
    memcpy(bytes.data() + 0x800, "/li\0/ld", 8);
    expect_refused(bytes, "two names");
    interp.file_size = 1 << 20;
    expect_refused(build_elf({}, {interp, kText}), "too long");
    interp = {.type = kInterp, .offset = 0x3fff, .file_size = 8};
    expect_refused(build_elf({}, {interp, kText}), "beyond the file");
}

TEST(Elf, NotesOfOthersAndBrokenOnesDoNotMatter) {
    ElfSegment note{.type = kNote, .offset = 0x900, .file_size = 64};
    auto bytes = build_elf({}, {note, kText});
    const u32 huge[3] = {0xffff'fff0, 0xffff'fff0, 1};
    memcpy(bytes.data() + 0x900, huge, sizeof huge);
    Result<Image> image = parse_bytes(bytes);
    ASSERT_TRUE(image);
    EXPECT_FALSE(image->astra_abi);
}

TEST(Elf, SurvivesDamage) {
    ElfSegment interp{.type = kInterp, .offset = 0x800, .file_size = 8},
        note{.type = kNote, .offset = 0x900, .file_size = 64};
    auto good = build_elf({}, {interp, note, kText, kData});
    memcpy(good.data() + 0x800, "/lib/ld", 8);
    std::mt19937 random(7);
    for (int i = 0; i < 50'000; i++) {
        auto bad = good;
        for (int changes = 0; changes < 4; changes++)
            bad[random() % (64 + 4 * 56)] = static_cast<u8>(random() % 4 ? random() : 0xff);
        Result<Image> image = parse_bytes(bad);
        if (!image) continue;
        EXPECT_LE(image->high, align_up(arch::kUserEnd, kPageSize));
        EXPECT_LT(image->low, image->high);
    }
}

TEST(Elf, ReadsThisVeryProgram) {
    std::ifstream file("/proc/self/exe", std::ios::binary);
    std::vector<u8> bytes{std::istreambuf_iterator<char>(file), {}};
    Result<Image> image = parse_bytes(bytes);
    ASSERT_TRUE(image);
    EXPECT_EQ(image->interpreter.view(), "/lib64/ld-linux-x86-64.so.2");
    EXPECT_GE(image->segments.size(), 2u);
}

}  // namespace
}  // namespace astra::elf
