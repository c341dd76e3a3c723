// memfd_create(2): files of a tmpfs that is mounted nowhere.
#pragma once
#include "guest_kernel/fs/vfs.hpp"

namespace astra::fs {

/// Makes the hidden file system; part of mount_root.
Result<void> mount_memfds();
/// A new empty file that shows as "/memfd:NAME (deleted)". `sealable`: F_ADD_SEALS may seal it.
Result<Ref<File>> make_memfd(std::string_view name, bool sealable);

}  // namespace astra::fs
