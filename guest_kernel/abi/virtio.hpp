// Virtio as both sides speak it: virtio-mmio registers, split rings, and the devices' own structs.
// Source: Virtual I/O Device (VIRTIO) Version 1.2, OASIS; section numbers below are that document's.
#pragma once
#include "guest_kernel/base/types.hpp"

namespace astra::abi::virtio {

enum class DeviceId : u32 {
    None = 0,
    Net = 1,
    Block = 2,
    Console = 3,
    Rng = 4,
    Balloon = 5,
    Vsock = 19
};  // 5

/// Device status bits (2.1).
enum Status : u32 {
    kAcknowledge = 1,
    kDriver = 2,
    kDriverOk = 4,
    kFeaturesOk = 8,
    kNeedsReset = 64,
    kFailed = 128,
};

/// Feature bits that belong to no device (6).
inline constexpr u64 kFeatureIndirectDesc = u64{1} << 28;
inline constexpr u64 kFeatureEventIdx = u64{1} << 29;
inline constexpr u64 kFeatureVersion1 = u64{1} << 32;

/// Offsets of the virtio-mmio registers (4.2.2). All are 32 bits wide; the device's configuration starts at
/// kConfig.
namespace mmio {
inline constexpr u32 kMagic = 0x7472'6976;  // "virt"
inline constexpr u32 kVersion = 2;
enum Register : u64 {
    kMagicValue = 0x000,
    kVersionRegister = 0x004,
    kDeviceId = 0x008,
    kVendorId = 0x00c,
    kDeviceFeatures = 0x010,
    kDeviceFeaturesSel = 0x014,
    kDriverFeatures = 0x020,
    kDriverFeaturesSel = 0x024,
    kQueueSel = 0x030,
    kQueueNumMax = 0x034,
    kQueueNum = 0x038,
    kQueueReady = 0x044,
    kQueueNotify = 0x050,
    kInterruptStatus = 0x060,
    kInterruptAck = 0x064,
    kStatus = 0x070,
    kQueueDescLow = 0x080,
    kQueueDescHigh = 0x084,
    kQueueDriverLow = 0x090,
    kQueueDriverHigh = 0x094,
    kQueueDeviceLow = 0x0a0,
    kQueueDeviceHigh = 0x0a4,
    kShmSel = 0x0ac,
    kShmLenLow = 0x0b0,
    kShmLenHigh = 0x0b4,
    kShmBaseLow = 0x0b8,
    kShmBaseHigh = 0x0bc,
    kConfigGeneration = 0x0fc,
    kConfig = 0x100,
};
/// Bits of kInterruptStatus and kInterruptAck.
enum Interrupt : u32 { kUsedBuffer = 1, kConfigChange = 2 };
}  // namespace mmio

/// Split virtqueue (2.7): a table of `size` Descriptors; the available ring, which the driver writes; the
/// used ring, which the device writes. Rings are {u16 flags, u16 index, entries[size], u16 event}.
enum DescriptorFlag : u16 { kDescNext = 1, kDescWrite = 2, kDescIndirect = 4 };
struct Descriptor {
    u64 address;
    u32 length;
    u16 flags;
    u16 next;
};
struct UsedElement {
    u32 id;      // head of the chain
    u32 length;  // bytes the device wrote
};
inline constexpr u16 kMaxQueueSize = 32768;
inline constexpr u16 kAvailNoInterrupt = 1;  // available ring's flags, without EVENT_IDX
inline constexpr u16 kUsedNoNotify = 1;      // used ring's flags, without EVENT_IDX
inline constexpr u64 kRingFlags = 0, kRingIndex = 2, kRingEntries = 4;
/// Bytes of each part, its trailing event field included, and the alignment the specification asks of it.
constexpr u64 descriptor_table_bytes(u64 size) { return sizeof(Descriptor) * size; }
constexpr u64 available_ring_bytes(u64 size) { return 6 + sizeof(u16) * size; }
constexpr u64 used_ring_bytes(u64 size) { return 6 + sizeof(UsedElement) * size; }
constexpr u64 used_event_offset(u64 size) {
    return kRingEntries + sizeof(u16) * size;
}  // in the available ring
constexpr u64 available_event_offset(u64 size) {
    return kRingEntries + sizeof(UsedElement) * size;
}  // in the used ring
inline constexpr u64 kDescriptorAlign = 16, kAvailableAlign = 2, kUsedAlign = 4;
/// Whether moving an index from `before` to `after` passes `event`, so that the other side asked to hear of
/// it (2.7.10).
constexpr bool event_passed(u16 event, u16 after, u16 before) {
    return static_cast<u16>(after - event - 1) < static_cast<u16>(after - before);
}

/// Console device (5.3).
namespace console {
inline constexpr u64 kFeatureSize = u64{1} << 0;
inline constexpr u64 kFeatureMultiport = u64{1} << 1;
struct Config {
    u16 columns;
    u16 rows;
    u32 max_ports;
    u32 emergency_write;
};
/// Queues: port 0 receive, port 0 transmit, control receive, control transmit, port 1 receive, port 1
/// transmit, …
inline constexpr u16 kControlReceive = 2, kControlTransmit = 3;
constexpr u16 receive_queue(u32 port) { return static_cast<u16>(port == 0 ? 0 : 2 + 2 * port); }
constexpr u16 transmit_queue(u32 port) { return static_cast<u16>(receive_queue(port) + 1); }
enum class Event : u16 {
    DeviceReady = 0,  // driver: value 1: it can take messages
    PortAdd = 1,      // device
    PortRemove = 2,   // device
    PortReady = 3,    // driver: value 1: the port is set up
    ConsolePort = 4,  // device: the port is a console
    Resize = 5,       // device: ResizePayload follows
    PortOpen = 6,     // both: value 1 open, 0 closed
    PortName = 7,     // device: the name follows, without NUL
};
struct ControlMessage {
    u32 port;
    Event event;
    u16 value;
};
struct ResizePayload {
    u16 columns;
    u16 rows;
};
static_assert(sizeof(Config) == 12 && sizeof(ControlMessage) == 8 && sizeof(ResizePayload) == 4);
}  // namespace console

/// Network device (5.1). Queues: 0 receive, 1 transmit. Every frame has a Header in front.
namespace net {
inline constexpr u64 kFeatureCsum = u64{1} << 0, kFeatureGuestCsum = u64{1} << 1, kFeatureMtu = u64{1} << 3,
                     kFeatureMac = u64{1} << 5, kFeatureGuestTso4 = u64{1} << 7,
                     kFeatureGuestTso6 = u64{1} << 8, kFeatureHostTso4 = u64{1} << 11,
                     kFeatureHostTso6 = u64{1} << 12, kFeatureMrgRxbuf = u64{1} << 15,
                     kFeatureStatus = u64{1} << 16;
struct Config {
    u8 mac[6];
    u16 status;
    u16 max_queue_pairs;
    u16 mtu;
};
enum HeaderFlag : u8 { kNeedsChecksum = 1, kDataValid = 2 };
enum GsoType : u8 { kGsoNone = 0, kGsoTcp4 = 1, kGsoTcp6 = 4 };
struct Header {
    u8 flags = 0;
    u8 gso_type = kGsoNone;
    u16 header_length = 0;
    u16 gso_size = 0;
    u16 checksum_start = 0;   // from the frame's start
    u16 checksum_offset = 0;  // from there
    u16 buffers = 0;          // of a received frame, with kFeatureMrgRxbuf; else 1
};
static_assert(sizeof(Config) == 12 && sizeof(Header) == 12);
}  // namespace net

static_assert(sizeof(Descriptor) == 16 && sizeof(UsedElement) == 8);

}  // namespace astra::abi::virtio
