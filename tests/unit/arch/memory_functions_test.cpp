// The kernel's memcpy, memmove, memset and memcmp against the host's: every short length, offset and overlap.
#include <gtest/gtest.h>

#include <cstring>
#include <numeric>
#include <vector>

#include "guest_kernel/base/types.hpp"

extern "C" {
void* kernel_memcpy(void* to, const void* from, size_t count);
void* kernel_memmove(void* to, const void* from, size_t count);
void* kernel_memset(void* to, int byte, size_t count);
int kernel_memcmp(const void* a, const void* b, size_t count);
}

namespace astra {

namespace {

std::vector<usize> lengths() {
    std::vector<usize> list(300);
    std::iota(list.begin(), list.end(), 0);
    list.insert(list.end(), {511, 512, 1000, 4096, 4097});
    return list;
}

std::vector<u8> pattern(usize size) {
    std::vector<u8> bytes(size);
    for (usize i = 0; i < size; i++) bytes[i] = static_cast<u8>(i * 131 + i / 256 + 1);
    return bytes;
}

TEST(MemoryFunctions, Copy) {
    const std::vector<u8> from = pattern(5000);
    for (usize length : lengths()) {
        for (usize offset : {0, 1, 7}) {
            std::vector<u8> got(5000, 0xcc), expected(5000, 0xcc);
            memcpy(expected.data() + offset, from.data() + 3, length);
            ASSERT_EQ(kernel_memcpy(got.data() + offset, from.data() + 3, length), got.data() + offset);
            ASSERT_EQ(got, expected) << length;
        }
    }
}

TEST(MemoryFunctions, MoveOverlapping) {
    const std::vector<u8> original = pattern(5200);
    for (usize length : lengths()) {
        for (int distance :
             {0, 1, 3, 7, 8, 9, 15, 16, 17, 64, 300, -1, -3, -7, -8, -9, -15, -16, -17, -64, -300}) {
            std::vector<u8> got = original, expected = original;
            memmove(expected.data() + 400 + distance, expected.data() + 400, length);
            ASSERT_EQ(kernel_memmove(got.data() + 400 + distance, got.data() + 400, length),
                      got.data() + 400 + distance);
            ASSERT_EQ(got, expected) << length << " by " << distance;
        }
    }
}

TEST(MemoryFunctions, Set) {
    for (usize length : lengths()) {
        for (int byte : {0, 1, 0x80, 0xff, 0x1234}) {
            std::vector<u8> got(5000, 0xcc), expected(5000, 0xcc);
            memset(expected.data() + 5, byte, length);
            ASSERT_EQ(kernel_memset(got.data() + 5, byte, length), got.data() + 5);
            ASSERT_EQ(got, expected) << length;
        }
    }
}

TEST(MemoryFunctions, Compare) {
    auto sign = [](int value) { return (value > 0) - (value < 0); };
    for (usize length : lengths()) {
        std::vector<u8> a = pattern(5000), b = a;
        ASSERT_EQ(kernel_memcmp(a.data() + 1, b.data() + 1, length), 0);
        for (usize at = 0; at < length; at += 1 + length / 20) {
            b = a;
            b[1 + at] ^= 0x80;
            if (at + 1 < length) b[2 + at] ^= 0xff;  // must not count
            ASSERT_EQ(sign(kernel_memcmp(a.data() + 1, b.data() + 1, length)),
                      sign(memcmp(a.data() + 1, b.data() + 1, length)))
                << length << " at " << at;
        }
    }
}

}  // namespace

}  // namespace astra
