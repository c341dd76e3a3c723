// procfs and sysfs: facts about processes and the system as files (proc(5)).
#pragma once
#include "guest_kernel/fs/path.hpp"

namespace astra::fs {

Result<Ref<FileSystem>> create_procfs(std::string_view options);
Result<Ref<FileSystem>> create_sysfs(std::string_view options);

}  // namespace astra::fs
