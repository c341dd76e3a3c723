// The file tree that extracting an archive would leave behind, built from its members without extracting
// anything.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "vmm/image/member.hpp"

namespace astra::vmm::image {

/// Number of a node in a Tree.
using NodeId = u32;
inline constexpr NodeId kRoot = 0;

/// A file, directory or other inode. Several names may lead to one that is not a directory.
struct Node {
    Member meta;     // path is not used; target: symbolic links only
    u64 member = 0;  // which member of the archive, counted from 0, it was made by and holds its data
    u32 names = 0;   // directory entries that lead here; 0: replaced by a later member
    // Directories only:
    std::map<std::string, NodeId, std::less<>> children;  // in bytewise order
    NodeId parent = kRoot;
    std::string name;      // in the parent
    usize path_bytes = 0;  // of its own path from the root
};

/// Applies members one by one as tar -x would, into a root that symbolic links cannot leave.
class Tree {
  public:
    /// At most `max_entries` names are ever made.
    explicit Tree(u64 max_entries);

    /// Applies the archive's member number `ordinal`. A member that would be the root's ".astra-index" is
    /// dropped. Errors: InvalidArgument (unsafe or impossible path or link), ResourceExhausted (more than
    /// max_entries). The messages start with the member's path.
    Result<void> add(const Member& member, u64 ordinal);

    [[nodiscard]] const Node& node(NodeId id) const { return nodes_[id]; }
    /// How many nodes were ever made, those without a name included.
    [[nodiscard]] usize size() const { return nodes_.size(); }

  private:
    struct Place {
        NodeId directory;
        std::string name;
    };
    /// Finds the directory of a path; missing ones are made when `maker` is given.
    Result<Place> place_of(const std::vector<std::string>& parts, const Member* maker);
    Result<NodeId> step(NodeId directory, const std::string& name, const Member* maker, int& links_left);
    Result<NodeId> follow(NodeId directory, const std::string& target, int& links_left);
    Result<void> put(const Place& place, const Member& member, u64 ordinal);
    Result<void> put_link(const Place& place, const Member& member);
    Result<void> make_room(const Place& place);
    Result<NodeId> make(const Place& place, Member meta, u64 ordinal);
    Result<void> enter(const Place& place, NodeId node);

    u64 entries_left_;
    std::vector<Node> nodes_;
};

}  // namespace astra::vmm::image
