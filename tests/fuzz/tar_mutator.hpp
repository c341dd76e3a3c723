// How inputs that are archives are mutated; include it once per fuzz target.
#pragma once
#include <cstdio>
#include <cstring>

#include "guest_kernel/base/types.hpp"

/// Makes the checksum of every block that looks like a header right, or else hardly any input gets past it.
inline void mend_checksums(astra::u8* data, size_t size) {
    for (size_t at = 0; at + 512 <= size; at += 512) {
        astra::u8* block = data + at;
        if (std::memcmp(block + 257, "ustar", 5) != 0) continue;
        std::memset(block + 148, ' ', 8);
        unsigned sum = 0;
        for (int i = 0; i < 512; i++) sum += block[i];
        std::snprintf(reinterpret_cast<char*>(block + 148), 7, "%06o", sum);
    }
}

extern "C" size_t LLVMFuzzerMutate(astra::u8* data, size_t size, size_t max_size);

extern "C" size_t LLVMFuzzerCustomMutator(astra::u8* data, size_t size, size_t max_size, unsigned seed) {
    size = LLVMFuzzerMutate(data, size, max_size);
    if (seed % 8 != 0) mend_checksums(data, size);
    return size;
}
