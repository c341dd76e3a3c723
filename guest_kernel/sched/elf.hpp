// Reading ELF files (System V gABI; x86-64 psABI): headers and segments of programs and interpreters. Knows
// neither memory nor files, and trusts nothing it reads.
#pragma once
#include "guest_kernel/base/vector.hpp"

namespace astra::elf {

/// Where the bytes come from.
class Source {
  public:
    /// Reads exactly to.size() bytes at `offset`. Errors: ENOEXEC when the file ends before, EIO.
    virtual Result<void> read(u64 offset, std::span<u8> to) = 0;

  protected:
    ~Source() = default;
};

enum class Kind { Fixed /* ET_EXEC */, Relocatable /* ET_DYN */ };

/// A PT_LOAD. Its pages in the file start at `file_offset`, which is congruent to `address` modulo the page
/// size.
struct Segment {
    u64 address = 0, file_offset = 0, file_size = 0, memory_size = 0;
    u32 prot = 0;  // PROT_*
};

struct Image {
    Kind kind = Kind::Fixed;
    u64 entry = 0;
    u64 program_headers = 0;  // their address in memory; 0: not loaded
    u16 program_header_count = 0;
    u64 low = 0, high = 0;  // the span of all segments, whole pages
    u64 alignment = 0;      // of the base of a relocatable image
    Vector<Segment> segments;
    String interpreter;  // empty: none
    bool executable_stack = false;
    bool astra_abi = false;  // PT_NOTE of owner "ASTRA"
};

inline constexpr usize kProgramHeaderSize = 56;

/// True when `head` begins like any ELF file.
bool is_elf(std::span<const u8> head);
/// Checks and reads the headers. Errors: ENOEXEC for everything that cannot be run, ENOMEM, what `source`
/// says.
Result<Image> parse(Source& source);

}  // namespace astra::elf
