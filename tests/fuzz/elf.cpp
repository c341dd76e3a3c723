// Fuzzes the kernel's ELF reader: any bytes are a program. What is accepted must lie in the program half.
#include "guest_kernel/sched/elf.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "guest_kernel/arch/arch.hpp"

namespace {

using namespace astra;

void require(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "broken: %s\n", what);
    std::abort();
}

class Bytes final : public elf::Source {
  public:
    explicit Bytes(std::span<const u8> bytes) : bytes_(bytes) {}
    Result<void> read(u64 offset, std::span<u8> to) override {
        if (offset > bytes_.size() || to.size() > bytes_.size() - offset) return fail(Errno::kENOEXEC);
        if (!to.empty()) std::memcpy(to.data(), bytes_.data() + offset, to.size());
        return {};
    }

  private:
    std::span<const u8> bytes_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const u8* data, usize size) {
    Bytes source({data, size});
    Result<elf::Image> image = elf::parse(source);
    if (!image) return 0;
    u64 end = 0;
    for (const elf::Segment& segment : image->segments) {
        require(segment.address >= end, "segments are in order");
        end = segment.address + segment.memory_size;
        require(end > segment.address && end <= arch::kUserEnd, "segments lie in the program half");
        require(segment.file_size <= segment.memory_size, "no more file than memory");
        require((segment.address - segment.file_offset) % kPageSize == 0, "pages of file and memory agree");
    }
    require(image->low <= image->segments[0].address && image->high >= end, "the span holds the segments");
    require(image->entry < arch::kUserEnd, "the entry lies in the program half");
    require(image->alignment >= kPageSize && (image->alignment & (image->alignment - 1)) == 0, "alignment");
    require(image->interpreter.view().find('\0') == std::string_view::npos, "the interpreter is one name");
    return 0;
}
