// One member of an archive, as the reader hands it to the tree.
#pragma once
#include <string>

#include "vmm/base/error.hpp"

namespace astra::vmm::image {

enum class Kind : u8 { Regular, Directory, Symlink, HardLink, CharDevice, BlockDevice, Fifo };

struct Member {
    std::string path;  // as written in the archive
    Kind kind = Kind::Regular;
    u32 permissions = 0;  // the low 12 bits of st_mode
    u32 uid = 0, gid = 0;
    u64 size = 0;  // of a regular file's data, holes included
    i64 mtime_sec = 0;
    u32 mtime_nsec = 0;
    u32 rdev = 0;        // device nodes: (major << 20) | minor
    std::string target;  // symbolic link: what it holds; hard link: a path in the archive
};

}  // namespace astra::vmm::image
