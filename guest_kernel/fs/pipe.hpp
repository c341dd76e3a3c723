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

// For splice(2) and its kin, on files of FileKind::Pipe.
bool same_pipe(File& one, File& other);
/// Waits until bytes can be written, and answers how many. Errors: EAGAIN, EPIPE (with SIGPIPE), kRestartSys.
Result<usize> pipe_room(File& writer, bool nonblocking);
/// Hands what is in the pipe to `to`, waiting for something to be there; what `to` takes leaves the pipe
/// unless `keep`. Other readers wait meanwhile. 0: no writers, nothing left. Errors: EAGAIN, kRestartSys,
/// `to`'s own.
Result<usize> drain_pipe(File& reader, Buffer& to, bool keep, bool nonblocking);

}  // namespace astra::fs
