// ELF files made by hand, for tests.
#pragma once
#include <cstring>
#include <string>
#include <vector>

#include "guest_kernel/sched/elf.hpp"

namespace astra::test {

struct ElfHeader {
    u8 ident[16] = {0x7f, 'E', 'L', 'F', 2, 1, 1};
    u16 type = 2, machine = 62;
    u32 version = 1;
    u64 entry = 0x401000, program_headers = 64, section_headers = 0;
    u32 flags = 0;
    u16 header_size = 64, program_header_size = 56, program_header_count = 0, rest[3] = {};
};
struct ElfSegment {
    u32 type = 1, flags = 5;
    u64 offset = 0, address = 0, physical = 0, file_size = 0, memory_size = 0, align = 0x1000;
};
static_assert(sizeof(ElfHeader) == 64 && sizeof(ElfSegment) == 56);

inline std::vector<u8> build_elf(ElfHeader header, const std::vector<ElfSegment>& segments,
                                 usize size = 0x4000) {
    header.program_header_count = static_cast<u16>(segments.size());
    std::vector<u8> bytes(size);
    memcpy(bytes.data(), &header, sizeof header);
    if (!segments.empty()) memcpy(bytes.data() + 64, segments.data(), segments.size() * sizeof(ElfSegment));
    return bytes;
}

class MemorySource final : public elf::Source {
  public:
    explicit MemorySource(std::span<const u8> bytes) : bytes_(bytes) {}
    Result<void> read(u64 offset, std::span<u8> to) override {
        if (offset > bytes_.size() || to.size() > bytes_.size() - offset) return fail(Errno::kENOEXEC);
        if (!to.empty()) memcpy(to.data(), bytes_.data() + offset, to.size());
        return {};
    }

  private:
    std::span<const u8> bytes_;
};

}  // namespace astra::test
