// The file tree that extracting an archive would leave behind, built from its members without extracting
// anything.
#pragma once
#include <map>
#include <optional>
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
    /// What a member that is no directory does to a directory of the same name with something in it.
    enum class OverDirectory {
        Refuse,   // as tar
        Replace,  // as container layers
    };

    /// At most `max_entries` names are ever made.
    explicit Tree(u64 max_entries, OverDirectory over_directory = OverDirectory::Refuse);

    /// Applies the archive's member number `ordinal`. A member that would be the root's ".astra-index" is
    /// dropped. Errors: InvalidArgument (unsafe or impossible path or link), ResourceExhausted (more than
    /// max_entries). The messages start with the member's path.
    Result<void> add(const Member& member, u64 ordinal);

    /// The node at `path`; symbolic links are followed, except a final one. Nothing when there is none.
    [[nodiscard]] std::optional<NodeId> find(std::string_view path) const;
    /// Removes what is at `path`, if anything, with all that is below it.
    void remove(std::string_view path);
    /// Empties the directory at `path`, if it is one.
    void empty(std::string_view path);

    [[nodiscard]] const Node& node(NodeId id) const { return nodes_[id]; }
    /// How many nodes were ever made, those without a name included.
    [[nodiscard]] usize size() const { return nodes_.size(); }

  private:
    struct Place {
        NodeId directory;
        std::string name;
    };
    /// Finds the directory of a path; missing ones are made, with the times of `maker`.
    Result<Place> place_of(const std::vector<std::string>& parts, const Member& maker);
    [[nodiscard]] Result<Place> find_place(const std::vector<std::string>& parts) const;
    [[nodiscard]] Result<NodeId> step(NodeId directory, const std::string& name, int& links_left) const;
    [[nodiscard]] Result<NodeId> follow(NodeId directory, const std::string& target, int& links_left) const;
    Result<void> put(const Place& place, const Member& member, u64 ordinal);
    Result<void> put_link(const Place& place, const Member& member);
    Result<void> make_room(const Place& place);
    void drop(NodeId node);
    Result<NodeId> make(const Place& place, Member meta, u64 ordinal);
    Result<void> enter(const Place& place, NodeId node);

    u64 entries_left_;
    OverDirectory over_directory_;
    std::vector<Node> nodes_;
};

}  // namespace astra::vmm::image
