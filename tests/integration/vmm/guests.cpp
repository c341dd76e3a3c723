// Files, kernels and skips that the machine tests share.
#include "tests/integration/vmm/guests.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <cstdio>

#include "tests/support/pvh_elf.hpp"

namespace astra::test {

TemporaryFile::TemporaryFile(std::span<const u8> content)
    : path_(testing::TempDir() + "astra-vmm-test-XXXXXX") {
    int fd = ::mkstemp(path_.data());
    EXPECT_GE(fd, 0);
    EXPECT_EQ(::write(fd, content.data(), content.size()), static_cast<ssize_t>(content.size()));
    ::close(fd);
}

TemporaryFile::~TemporaryFile() { ::unlink(path_.c_str()); }

TemporaryKernel::TemporaryKernel(std::span<const u8> code)
    : TemporaryFile(PvhElf(std::vector<u8>(code.begin(), code.end())).build()) {}

bool have_kvm() {
    bool there = ::access("/dev/kvm", R_OK | W_OK) == 0;
    if (!there) std::fprintf(stderr, "SKIPPED: there is no usable /dev/kvm on this host\n");
    return there;
}

}  // namespace astra::test
