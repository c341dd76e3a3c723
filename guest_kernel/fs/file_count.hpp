// How many open file descriptions there are.
#pragma once
#include "guest_kernel/base/types.hpp"

namespace astra::fs {

/// All that exist, of every kind: /proc/sys/fs/file-nr's first number (proc(5)).
u64 open_files();

}  // namespace astra::fs
