// ExitDoorbell: hands the written value on.
#include "vmm/devices/exit_doorbell.hpp"

#include <algorithm>
#include <cstring>

namespace astra::vmm {

void ExitDoorbell::read(u64, std::span<u8> data) { std::ranges::fill(data, u8{0}); }

void ExitDoorbell::write(u64, std::span<const u8> data) {
    u32 value = 0;
    std::memcpy(&value, data.data(), std::min(data.size(), sizeof value));
    ring_(value);
}

}  // namespace astra::vmm
