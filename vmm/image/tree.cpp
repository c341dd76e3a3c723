// Tree: extraction in memory. Where GNU tar and POSIX leave a choice, GNU tar 1.34's defaults are followed.
#include "vmm/image/tree.hpp"

#include "guest_kernel/abi/image.hpp"
#include "vmm/image/path.hpp"

namespace astra::vmm::image {

namespace {

constexpr int kMaxLinks = 40;  // path_resolution(7)

Member implied_directory(i64 mtime_sec, u32 mtime_nsec) {
    Member directory;
    directory.kind = Kind::Directory;
    directory.permissions = 0755;
    directory.mtime_sec = mtime_sec;
    directory.mtime_nsec = mtime_nsec;
    return directory;
}

std::unexpected<Error> refuse(std::string why) { return fail(Code::InvalidArgument, std::move(why)); }

}  // namespace

Tree::Tree(u64 max_entries, OverDirectory over_directory)
    : entries_left_(max_entries), over_directory_(over_directory) {
    nodes_.emplace_back();
    nodes_[kRoot].meta = implied_directory(0, 0);
    nodes_[kRoot].names = 1;
}

Result<void> Tree::add(const Member& member, u64 ordinal) {
    auto parts = TRY(split_path(member.path));
    auto apply = [&]() -> Result<void> {
        if (parts.empty()) {
            if (member.kind != Kind::Directory) return refuse("path is the root, which must be a directory");
            nodes_[kRoot].meta = member;
            return {};
        }
        Place place = TRY(place_of(parts, member));
        if (place.directory == kRoot && place.name == abi::image::kIndexName) return {};
        return member.kind == Kind::HardLink ? put_link(place, member) : put(place, member, ordinal);
    };
    auto done = apply();
    if (!done) done.error().message = printable(member.path) + ": " + done.error().message;
    return done;
}

Result<Tree::Place> Tree::place_of(const std::vector<std::string>& parts, const Member& maker) {
    NodeId directory = kRoot;
    int links_left = kMaxLinks;
    for (usize i = 0; i + 1 < parts.size(); i++) {
        if (nodes_[directory].children.contains(parts[i])) {
            directory = TRY(step(directory, parts[i], links_left));
            continue;
        }
        if (directory == kRoot && parts[i] == abi::image::kIndexName) return refuse("this name is reserved");
        directory = TRY(make({directory, parts[i]}, implied_directory(maker.mtime_sec, maker.mtime_nsec), 0));
    }
    return Place{directory, parts.back()};
}

Result<Tree::Place> Tree::find_place(const std::vector<std::string>& parts) const {
    NodeId directory = kRoot;
    int links_left = kMaxLinks;
    for (usize i = 0; i + 1 < parts.size(); i++) directory = TRY(step(directory, parts[i], links_left));
    return Place{directory, parts.back()};
}

Result<NodeId> Tree::step(NodeId directory, const std::string& name, int& links_left) const {
    const auto& children = nodes_[directory].children;
    auto found = children.find(name);
    if (found == children.end()) return refuse("leads to a directory that does not exist");
    const Node& node = nodes_[found->second];
    if (node.meta.kind == Kind::Directory) return found->second;
    if (node.meta.kind == Kind::Symlink) return follow(directory, node.meta.target, links_left);
    return refuse("a parent is not a directory");
}

Result<NodeId> Tree::follow(NodeId directory, const std::string& target, int& links_left) const {
    if (links_left-- == 0) return refuse("leads through too many symbolic links");
    if (target.starts_with('/')) directory = kRoot;
    for (usize at = 0; at < target.size();) {
        usize slash = std::min(target.find('/', at), target.size());
        std::string part = target.substr(at, slash - at);
        at = slash + 1;
        if (part == "..")
            directory = nodes_[directory].parent;  // the root's is the root
        else if (!part.empty() && part != ".")
            directory = TRY(step(directory, part, links_left));
    }
    return directory;
}

Result<void> Tree::put(const Place& place, const Member& member, u64 ordinal) {
    if (member.kind == Kind::Symlink && (member.target.empty() || member.target.size() > kMaxPath))
        return refuse("a symbolic link's target must have 1 to 4095 bytes");
    auto found = nodes_[place.directory].children.find(place.name);
    if (found != nodes_[place.directory].children.end() && member.kind == Kind::Directory &&
        nodes_[found->second].meta.kind == Kind::Directory) {
        nodes_[found->second].meta = member;
        return {};
    }
    TRY(make_room(place));
    TRY(make(place, member, ordinal));
    return {};
}

Result<void> Tree::put_link(const Place& place, const Member& member) {
    auto parts = split_path(member.target);
    if (!parts) return refuse("hard link to " + parts.error().message);
    if (parts->empty()) return refuse("hard link to the root directory");
    auto at = find_place(*parts);
    if (!at) return refuse("hard link to " + printable(member.target) + ", which " + at.error().message);
    const auto& children = nodes_[at->directory].children;
    auto target = children.find(at->name);
    if (target == children.end())
        return refuse("hard link to " + printable(member.target) + ", which is not in the archive before it");
    NodeId node = target->second;
    if (nodes_[node].meta.kind == Kind::Directory)
        return refuse("hard link to " + printable(member.target) + ", which is a directory");
    auto old = nodes_[place.directory].children.find(place.name);
    if (old != nodes_[place.directory].children.end() && old->second == node) return {};
    TRY(make_room(place));
    return enter(place, node);
}

Result<void> Tree::make_room(const Place& place) {
    auto& children = nodes_[place.directory].children;
    auto found = children.find(place.name);
    if (found == children.end()) return {};
    if (!nodes_[found->second].children.empty() && over_directory_ == OverDirectory::Refuse)
        return refuse("would replace a directory that is not empty");
    drop(found->second);
    children.erase(found);
    return {};
}

void Tree::drop(NodeId node) {
    // A list instead of recursion: directories may be nested some thousand deep.
    for (std::vector<NodeId> dropped{node}; !dropped.empty();) {
        Node& gone = nodes_[dropped.back()];
        dropped.pop_back();
        gone.names--;
        for (const auto& [name, child] : gone.children) dropped.push_back(child);
        gone.children.clear();
    }
}

std::optional<NodeId> Tree::find(std::string_view path) const {
    auto parts = split_path(path);
    if (!parts) return std::nullopt;
    if (parts->empty()) return kRoot;
    auto place = find_place(*parts);
    if (!place) return std::nullopt;
    const auto& children = nodes_[place->directory].children;
    auto found = children.find(place->name);
    return found == children.end() ? std::nullopt : std::optional(found->second);
}

void Tree::remove(std::string_view path) {
    auto parts = split_path(path);
    if (!parts || parts->empty()) return;
    auto place = find_place(*parts);
    if (!place) return;
    auto& children = nodes_[place->directory].children;
    if (auto found = children.find(place->name); found != children.end()) {
        drop(found->second);
        children.erase(found);
    }
}

void Tree::empty(std::string_view path) {
    auto node = find(path);
    if (!node) return;
    for (const auto& [name, child] : nodes_[*node].children) drop(child);
    nodes_[*node].children.clear();
}

Result<NodeId> Tree::make(const Place& place, Member meta, u64 ordinal) {
    auto id = static_cast<NodeId>(nodes_.size());
    TRY(enter(place, id));
    Node& node = nodes_.emplace_back();
    node.meta = std::move(meta);
    node.meta.path.clear();
    node.member = ordinal;
    node.names = 1;
    node.parent = place.directory;
    if (node.meta.kind == Kind::Directory) node.name = place.name;
    node.path_bytes = nodes_[place.directory].path_bytes + 1 + place.name.size();
    return id;
}

Result<void> Tree::enter(const Place& place, NodeId node) {
    if (entries_left_ == 0)
        return fail(Code::ResourceExhausted, "the archive has more files than the limit allows",
                    "raise the limit");
    // Symbolic links make longer paths than any member's own.
    if (nodes_[place.directory].path_bytes + 1 + place.name.size() > kMaxPath)
        return refuse("path is longer than 4095 bytes");
    entries_left_--;
    nodes_[place.directory].children.emplace(place.name, node);
    if (node < nodes_.size()) nodes_[node].names++;
    return {};
}

}  // namespace astra::vmm::image
