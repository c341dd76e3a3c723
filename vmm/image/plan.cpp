// The layout of an aligned TAR.
#include "vmm/image/plan.hpp"

#include <algorithm>

#include "guest_kernel/abi/image.hpp"
#include "vmm/image/index.hpp"
#include "vmm/image/tar_writer.hpp"

namespace astra::vmm::image {

namespace {

std::string path_of(const Tree& tree, const Placed& placed) {
    std::string path = placed.name;
    for (NodeId at = placed.directory; at != kRoot; at = tree.node(at).parent)
        path.insert(0, tree.node(at).name + '/');
    return path;
}

std::vector<Placed> in_order(const Tree& tree) {
    std::vector<Placed> directories(1);
    std::vector<Placed> placed;
    // Breadth-first; the list grows while it is walked.
    for (usize at = 0; at < directories.size(); at++) {
        NodeId parent = directories[at].node;
        for (const auto& [name, child] : tree.node(parent).children) {
            auto& list = tree.node(child).meta.kind == Kind::Directory ? directories : placed;
            list.push_back({.directory = parent, .name = name, .node = child});
        }
    }
    std::ranges::stable_sort(placed, {}, [&](const Placed& p) { return tree.node(p.node).member; });
    placed.insert(placed.end(), std::make_move_iterator(directories.rbegin()),
                  std::make_move_iterator(directories.rend()));
    for (usize i = 0; i < placed.size(); i++)
        placed[i].first = i > 0 && placed[i].node == placed[i - 1].node ? placed[i - 1].first : i;
    return placed;
}

std::string index_header(u64 bytes) {
    Member member;
    member.permissions = 0444;
    member.size = bytes;
    return member_header(member, abi::image::kIndexName, 0, true);
}

}  // namespace

u64 data_bytes(const Tree& tree, const std::vector<Placed>& members, usize i) {
    const Member& meta = tree.node(members[i].node).meta;
    return members[i].first == i && meta.kind == Kind::Regular ? meta.size : 0;
}

std::string header_of(const Tree& tree, const std::vector<Placed>& members, usize i) {
    const Placed& placed = members[i];
    Member meta = tree.node(placed.node).meta;
    std::string path = path_of(tree, placed);
    if (meta.kind == Kind::Directory) path = path.empty() ? "./" : path + '/';
    if (placed.first != i) {
        meta.kind = Kind::HardLink;
        meta.target = path_of(tree, members[placed.first]);
    }
    return member_header(meta, path, placed.header_offset,
                         data_bytes(tree, members, i) >= abi::image::kAlignedFrom);
}

Result<Plan> plan_image(const Tree& tree, u64 max_bytes) {
    auto builder = TRY(IndexBuilder::number(tree));
    Plan plan;
    plan.inodes = builder.inodes();
    plan.members = in_order(tree);
    plan.index_header = index_header(builder.bytes());
    u64 position = plan.index_header.size() + align_up(builder.bytes(), kTarBlock);
    std::vector<u64> data_offset(tree.size());
    for (usize i = 0; i < plan.members.size(); i++) {
        Placed& placed = plan.members[i];
        placed.header_offset = position;
        placed.data_offset = position + header_of(tree, plan.members, i).size();
        position = placed.data_offset + align_up(data_bytes(tree, plan.members, i), kTarBlock);
        if (placed.first == i) data_offset[placed.node] = placed.data_offset;
        if (position > max_bytes)
            return fail(Code::ResourceExhausted, "the image would be larger than the limit allows",
                        "raise the limit");
    }
    // POSIX.1-2017 pax: two zero blocks end an archive; whole pages make the image mappable.
    plan.image_bytes = align_up(position + 2 * kTarBlock, kPageSize);
    plan.index = builder.build(plan.image_bytes, [&](NodeId node) { return data_offset[node]; });
    return plan;
}

}  // namespace astra::vmm::image
