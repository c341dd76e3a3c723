// The tiny kernels of guests.S, wrapped into PVH ELF files.
#pragma once
#include <span>
#include <string>

#include "guest_kernel/base/types.hpp"

#define ASTRA_TEST_GUEST(name) extern "C" const unsigned char guest_code_##name[], guest_code_##name##_end[];
ASTRA_TEST_GUEST(hello)
ASTRA_TEST_GUEST(panic)
ASTRA_TEST_GUEST(wrong_build)
ASTRA_TEST_GUEST(odd_code)
ASTRA_TEST_GUEST(triple_fault)
ASTRA_TEST_GUEST(spin)
ASTRA_TEST_GUEST(command_line)
ASTRA_TEST_GUEST(image)
ASTRA_TEST_GUEST(counters)
ASTRA_TEST_GUEST(cpuid)
ASTRA_TEST_GUEST(ticks)
ASTRA_TEST_GUEST(second_cpu)
ASTRA_TEST_GUEST(random)
ASTRA_TEST_GUEST(echo)
#undef ASTRA_TEST_GUEST

/// The code of a guest, as TemporaryKernel takes it.
#define GUEST_CODE(name) (std::span<const unsigned char>(guest_code_##name, guest_code_##name##_end))

namespace astra::test {

/// A file in the temporary directory, removed at the end.
class TemporaryFile {
  public:
    explicit TemporaryFile(std::span<const u8> content);
    ~TemporaryFile();
    TemporaryFile(const TemporaryFile&) = delete;
    [[nodiscard]] const std::string& path() const { return path_; }

  private:
    std::string path_;
};

/// A PVH kernel file with `code`.
class TemporaryKernel : public TemporaryFile {
  public:
    explicit TemporaryKernel(std::span<const u8> code);
};

/// Whether /dev/kvm is there; when not, says so on stderr, and the test shall skip.
bool have_kvm();

}  // namespace astra::test
