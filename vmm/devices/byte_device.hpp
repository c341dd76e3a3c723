// Devices with an 8-bit data bus: a wider access becomes one byte cycle per address, lowest first, as on ISA.
#pragma once
#include "vmm/devices/device.hpp"

namespace astra::vmm {

class ByteDevice : public Device {
  public:
    void read(u64 offset, std::span<u8> data) final {
        for (u8& byte : data) byte = read_byte(offset++);
    }
    void write(u64 offset, std::span<const u8> data) final {
        for (u8 byte : data) write_byte(offset++, byte);
    }

  protected:
    [[nodiscard]] virtual u8 read_byte(u64 offset) = 0;
    virtual void write_byte(u64 offset, u8 value) = 0;
};

}  // namespace astra::vmm
