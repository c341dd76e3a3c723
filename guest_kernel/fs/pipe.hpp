// Pipes and named FIFOs: bytes in order from writers to readers through a ring of pages (pipe(7), fifo(7)).
#pragma once
#include "guest_kernel/fs/file.hpp"

namespace astra::fs {

struct PipeEnds {
    Ref<File> reader, writer;
};
/// A pipe of 64 KiB. `flags`: O_NONBLOCK, O_DIRECT. Errors: ENOMEM.
Result<PipeEnds> make_pipe(u32 flags);
/// Opens the FIFO that `inode` is: readers and writers wait for each other unless O_NONBLOCK says otherwise.
/// Errors: ENXIO (write-only, non-blocking, no reader), kRestartSys, ENOMEM.
Result<Ref<File>> open_fifo(Inode& inode, u32 flags);

}  // namespace astra::fs
