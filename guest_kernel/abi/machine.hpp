// The machine a guest kernel finds itself in: what the VMM builds and what the kernel expects. It is QEMU's
// `microvm` (acpi=off, pit=on, rtc=on) seen from inside, so that one kernel boots under both.
//
// clang-format off
//   0x0000_0000              RAM up to kLowRamLimit
//   0xd000_0000              image slot: read-only, page-aligned TAR (astra-vmm only; PVH module 0 otherwise
//                            lies in RAM)
//   0xfe80_0000              counters slot, up to 2 MiB (astra-vmm only; else the kernel takes RAM and says
//                            where in Hello)
//   0xfeb0_0000              virtio-mmio windows, kVirtioStride each
//   0xfec0_0000/0xfee0_0000  IOAPIC, LAPIC
//   0x1_0000_0000            RAM above 4 GiB
// clang-format on
#pragma once
#include "guest_kernel/base/types.hpp"

namespace astra::abi::machine {

inline constexpr u64 kLowRamLimit = 0xc000'0000;
inline constexpr u64 kImageBase = 0xd000'0000;  // images up to kImageMax; larger ones go above RAM's end
inline constexpr u64 kImageMax = 0x2000'0000;
inline constexpr u64 kCountersBase = 0xfe80'0000;
inline constexpr u64 kVirtioBase = 0xfeb0'0000;
inline constexpr u64 kVirtioStride = 0x200;
inline constexpr u32 kVirtioSlots = 24;
inline constexpr u32 kVirtioFirstIrq = 5;  // slot n interrupts on GSI 5 + n
inline constexpr u64 kIoApicBase = 0xfec0'0000;
inline constexpr u64 kLapicBase = 0xfee0'0000;
inline constexpr u64 kHighRamBase = 0x1'0000'0000;

// Ports.
inline constexpr u16 kPortPic1 = 0x20, kPortPic2 = 0xa0, kPortPit = 0x40, kPortSpeaker = 0x61,
                     kPortRtc = 0x70;
inline constexpr u16 kPortUart = 0x3f8;  // COM1, IRQ 4
/// The exit doorbell, as QEMU's isa-debug-exit: a write of v ends the machine with status (v << 1) | 1.
inline constexpr u16 kPortExit = 0x501;
enum class ExitCode : u8 { Clean = 0, Panic = 1, WrongBuild = 2 };

// Words of the kernel command line.
//   virtio_mmio.device=<size>@<base>:<irq>   one per device (Linux kernel-parameters.txt)
//   astra.counters=<bytes>@<gpa>             the counters slot
//   astra.cpus=<n>                           CPUs to start (default: all that answer)
//   astra.pci                                look for devices on the PCI bus, too (without any virtio_mmio.device: always)
//   clock=pit                                1000 Hz PIT as the clock source
//   astra.ip=<address>/<prefix>[,<gateway>]  of the network device (none: it is asked for by DHCP)
//   astra.dns=<address>                      the name server, for /etc/resolv.conf
//   astra.log=<level>                        0 errors … 3 debug, to the serial port

}  // namespace astra::abi::machine
