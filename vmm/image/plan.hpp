// Where everything goes in an aligned TAR: decided from the tree alone, before a byte of data is read.
#pragma once
#include <string>
#include <vector>

#include "vmm/image/tree.hpp"

namespace astra::vmm::image {

/// A name in the image, and so a member of the aligned TAR.
struct Placed {
    NodeId directory = kRoot;  // that holds the name; not used for the root itself
    std::string name;          // empty: the root
    NodeId node = kRoot;
    usize first =
        0;  // which of Plan::members is the node's first name; another than this: this is a hard link
    u64 header_offset = 0;  // where its header blocks start in the image
    u64 data_offset = 0;    // where they end and the data, if any, starts
};

/// The layout of an aligned TAR.
struct Plan {
    /// The index member comes first: its header blocks, one page, and its data.
    std::string index_header;
    std::vector<u8> index;
    /// Then these: directories from the root down, then everything else in the order of the archive it came
    /// from, so that its data can be copied in one pass; a node's further names follow its first.
    std::vector<Placed> members;
    u64 image_bytes = 0;  // the whole, end-of-archive mark included; a multiple of the page size
    u64 inodes = 0;
};

/// Lays `tree` out. The same tree gives the same plan, and so does the tree of the resulting TAR.
/// Errors: ResourceExhausted when the image would exceed `max_bytes`, or has more names than an index can
/// hold.
[[nodiscard]] Result<Plan> plan_image(const Tree& tree, u64 max_bytes);

/// Bytes of data that follow the header of members[i].
[[nodiscard]] u64 data_bytes(const Tree& tree, const std::vector<Placed>& members, usize i);

/// The header blocks of members[i], to stand at its header_offset.
[[nodiscard]] std::string header_of(const Tree& tree, const std::vector<Placed>& members, usize i);

}  // namespace astra::vmm::image
