// Building of the image index (guest_kernel/abi/image.hpp).
#pragma once
#include <functional>
#include <vector>

#include "vmm/image/tree.hpp"

namespace astra::vmm::image {

/// The tree in the index's order: inodes numbered breadth-first from the root, entries grouped by directory.
class IndexBuilder {
  public:
    /// Errors: ResourceExhausted when the strings exceed what a 32-bit offset reaches.
    static Result<IndexBuilder> number(const Tree& tree);

    /// Size of the index in bytes; needed to place the data that the index then points to.
    [[nodiscard]] u64 bytes() const;
    [[nodiscard]] u64 inodes() const { return order_.size(); }

    /// The index. `data_offset` says where in the image, which is `image_bytes` long, a regular file's data
    /// starts.
    [[nodiscard]] std::vector<u8> build(u64 image_bytes, const std::function<u64(NodeId)>& data_offset) const;

  private:
    explicit IndexBuilder(const Tree& tree) : tree_(&tree) {}

    const Tree* tree_;
    std::vector<NodeId> order_;  // inode number → node
    std::vector<u32> numbers_;   // node → inode number
    u64 entries_ = 0;
    u64 strings_ = 0;
};

}  // namespace astra::vmm::image
