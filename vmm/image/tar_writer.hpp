// Headers of the aligned TAR's members: POSIX ustar (POSIX.1-2017, pax), with GNU's long names.
#pragma once
#include <string>
#include <string_view>

#include "vmm/image/member.hpp"

namespace astra::vmm::image {

inline constexpr u64 kTarBlock = 512;

/// Everything that stands before the data of a member whose first block is at `position` of the image (a
/// multiple of kTarBlock): its ustar header and, where needed, what precedes that. With `align`, a PAX
/// comment of the right length is among it so that the data starts at a multiple of the page size.
///
/// `path` and member.target (hard links: a path of the image) are used as they stand; member.path is not.
///
/// What ustar cannot hold goes where GNU tar, busybox, Python and libarchive all find it: long names into 'L'
/// and 'K' members and large numbers into base-256 fields, since busybox skips PAX records. Only fractions of
/// a second, which ustar and GNU's fields lack, are a PAX record.
[[nodiscard]] std::string member_header(const Member& member, std::string_view path, u64 position,
                                        bool align);

}  // namespace astra::vmm::image
