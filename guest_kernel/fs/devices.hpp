// Character devices: which driver stands behind a device number, and the memory devices (mem(4), null(4),
// random(4)).
#pragma once
#include "guest_kernel/fs/path.hpp"

namespace astra::fs {

/// One node of /dev.
struct DeviceNode {
    std::string_view name;
    u32 mode;
    u64 rdev;
};
/// What a fresh devtmpfs holds.
std::span<const DeviceNode> device_nodes();

/// Opens the driver behind a device node. Errors: ENXIO when there is none.
Result<Ref<File>> open_device(const Path& path, u32 flags);
/// Opens a fifo by name: pipe.hpp's file, with the name's status and path.
Result<Ref<File>> open_named_fifo(const Path& path, u32 flags);

}  // namespace astra::fs
