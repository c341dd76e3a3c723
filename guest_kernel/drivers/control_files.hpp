// The control port's file calls (abi/control.hpp, FileOperation): the host looks at, reads and changes the
// guest's files.
#pragma once
#include "guest_kernel/abi/control.hpp"
#include "guest_kernel/base/vector.hpp"

namespace astra {

/// What a call came to: what follows the reply's message, and its cursor.
struct FileAnswer {
    Vector<u8> bytes;
    u64 next = 0;
};

/// Carries out one call; `payload` is a FileCall frame's. The answer's bytes are at most `room`. Errors:
/// EBADMSG when the frame makes no sense, EINVAL for what a file of that type cannot do, else those of the
/// system calls that do the same. Runs on a kernel thread, with the kernel's own rights, and never waits for
/// a program.
Result<FileAnswer> call_files(std::span<const u8> payload, usize room);

}  // namespace astra
