// The members of a TAR, one by one: ustar, old v7, PAX (path, linkpath, size, mtime, uid, gid) and GNU long
// names and numbers (POSIX.1-2017 pax, "ustar Interchange Format"; GNU tar manual, "Standard Format").
#pragma once
#include <optional>

#include "guest_kernel/base/vector.hpp"

namespace astra::fs::tar {

struct Member {
    String path, link;  // as written: "./usr/bin", maybe with a slash at the end
    bool hard_link = false;
    u32 mode = 0;  // type and permissions; a hard link has no type
    u32 uid = 0, gid = 0;
    i64 mtime_sec = 0;
    u32 mtime_nsec = 0;
    u32 device_major = 0, device_minor = 0;
    u64 data_offset = 0;  // in the archive
    std::span<const u8> data;
};

class Members {
  public:
    explicit Members(std::span<const u8> archive) : archive_(archive) {}
    /// Nothing at the end of the archive. Errors: EINVAL (damaged, truncated, or of a kind that is not
    /// known), ENOMEM.
    Result<std::optional<Member>> next();

  private:
    struct Overrides;
    Result<std::span<const u8>> take(u64 size);

    std::span<const u8> archive_;
    u64 at_ = 0;
};

}  // namespace astra::fs::tar
