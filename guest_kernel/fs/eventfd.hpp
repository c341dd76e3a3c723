// eventfd(2): a counter that can be waited for.
#pragma once
#include "guest_kernel/fs/file.hpp"

namespace astra::fs {

enum EventFdFlags : u32 { kEventFdSemaphore = 1 };  // EFD_SEMAPHORE
/// `flags`: EFD_SEMAPHORE, O_NONBLOCK. Errors: ENOMEM.
Result<Ref<File>> make_eventfd(u64 initial, u32 flags);

}  // namespace astra::fs
