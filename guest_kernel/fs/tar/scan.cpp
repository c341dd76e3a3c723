// Builds the index of a TAR that brings none, as the host's importer would.
#include <algorithm>

#include "guest_kernel/fs/tar/image.hpp"
#include "guest_kernel/fs/tar/members.hpp"

namespace astra::fs::tar {

namespace {

using abi::image::Entry;
using abi::image::Hash;
using abi::image::Inode;

constexpr u32 kTypeMask = 0170000, kDirectory = 0040000, kLink = 0120000;
constexpr u32 kMaxLinks = 40;

class Builder {
  public:
    explicit Builder(Image::Tables& tables) : t_(tables) {}

    Result<void> start() {
        TRY(t_.hash.resize(1024));
        return add_directory();
    }
    Result<void> add(const Member& member) {
        if (member.path.view() == abi::image::kIndexName) return {};
        Place place = TRY(walk(member.path.view()));
        if (member.hard_link) {
            Place existing = TRY(walk(member.link.view()));
            u32* found = find(existing);
            if (!found || is_directory(*found)) return fail(Errno::kEINVAL);
            u32 inode = *found;
            t_.inodes[inode].links++;
            return put(place, inode);
        }
        Inode inode{};
        inode.mode = member.mode;
        inode.uid = member.uid;
        inode.gid = member.gid;
        inode.links = 1;
        inode.size = member.data.size();
        inode.data_offset = member.data_offset;
        inode.mtime_sec = member.mtime_sec;
        inode.mtime_nsec = member.mtime_nsec;
        inode.rdev = (member.device_major << 20) | (member.device_minor & 0xfffff);
        u32 type = member.mode & kTypeMask;
        if (type == kDirectory) {
            u32* old = place.name.empty() ? &place.directory : find(place);
            if (old && is_directory(*old)) {  // a directory seen before: newer attributes, same entries
                inode.links = t_.inodes[*old].links;
                t_.inodes[*old] = inode;
                return {};
            }
            inode.links = 2;
        }
        if (type == kLink) {
            inode.size = member.link.size();
            inode.data_offset = t_.strings.size();
            TRY(t_.strings.append(member.link.view()));
        }
        u32 number = static_cast<u32>(t_.inodes.size());
        TRY(t_.inodes.push_back(inode));
        return put(place, number);
    }
    /// Groups entries by directory, sorted by name, and enters them in the hash table anew.
    Result<void> finish() {
        std::sort(t_.entries.begin(), t_.entries.end(), [this](const Entry& a, const Entry& b) {
            return a.parent != b.parent ? a.parent < b.parent : name(a) < name(b);
        });
        for (usize i = 0; i < t_.entries.size(); i++) {
            Inode& parent = t_.inodes[t_.entries[i].parent];
            if (parent.entry_count++ == 0) parent.first_entry = static_cast<u32>(i);
        }
        return rehash(t_.hash.size());
    }

  private:
    /// Where a member goes. An empty name: the directory itself (the root).
    struct Place {
        u32 directory;
        std::string_view name;
    };

    /// A directory that no member described (yet).
    Result<void> add_directory() {
        Inode inode{};
        inode.mode = kDirectory | 0755;
        inode.links = 2;
        return t_.inodes.push_back(inode);
    }
    [[nodiscard]] bool is_directory(u32 inode) const {
        return (t_.inodes[inode].mode & kTypeMask) == kDirectory;
    }
    [[nodiscard]] std::string_view name(const Entry& entry) const {
        return t_.strings.view().substr(entry.name_offset, entry.name_length);
    }

    /// The inode number in the entry at `place`, to read or replace; null when there is none.
    u32* find(const Place& place) {
        usize mask = t_.hash.size() - 1;
        usize slot = abi::image::hash(place.directory, place.name.data(), place.name.size()) & mask;
        for (; t_.hash[slot].entry_plus_1; slot = (slot + 1) & mask) {
            Entry& entry = t_.entries[t_.hash[slot].entry_plus_1 - 1];
            if (entry.parent == place.directory && name(entry) == place.name) return &entry.inode;
        }
        return nullptr;
    }
    void enter(u32 index) {
        const Entry& entry = t_.entries[index];
        std::string_view text = name(entry);
        usize mask = t_.hash.size() - 1;
        usize slot = abi::image::hash(entry.parent, text.data(), text.size()) & mask;
        while (t_.hash[slot].entry_plus_1) slot = (slot + 1) & mask;
        t_.hash[slot].entry_plus_1 = index + 1;
    }
    Result<void> rehash(usize slots) {
        t_.hash.clear();
        TRY(t_.hash.resize(slots));
        for (u32 i = 0; i < t_.entries.size(); i++) enter(i);
        return {};
    }

    /// Makes `place` name `inode`, replacing what it named.
    Result<void> put(const Place& place, u32 inode) {
        if (place.name.empty()) return fail(Errno::kEINVAL);
        if (u32* old = find(place)) {
            if (is_directory(*old)) {
                if (!is_directory(inode)) return fail(Errno::kEINVAL);
                t_.inodes[place.directory].links--;
            }
            t_.inodes[*old].links -= t_.inodes[*old].links != 0;
            *old = inode;
        } else {
            if (t_.entries.size() >= t_.hash.size() / 2) TRY(rehash(t_.hash.size() * 2));
            Entry entry{.parent = place.directory,
                        .inode = inode,
                        .name_offset = static_cast<u32>(t_.strings.size()),
                        .name_length = static_cast<u16>(place.name.size()),
                        .reserved = 0};
            if (t_.strings.size() > UINT32_MAX - place.name.size()) return fail(Errno::kEINVAL);
            TRY(t_.strings.append(place.name));
            TRY(t_.entries.push_back(entry));
            enter(static_cast<u32>(t_.entries.size() - 1));
        }
        if (is_directory(inode)) t_.inodes[place.directory].links++;
        return {};
    }

    /// Enters the directories of `path` from stack.back() on, through links as an extraction would, making
    /// those that no member announced. The stack holds the way back to the root, for ".." in links.
    Result<void> enter_directories(Vector<u32>& stack, std::string_view path, bool in_link, u32& links) {
        while (!path.empty()) {
            std::string_view component = path.substr(0, path.find('/'));
            path.remove_prefix(component.size() + (component.size() < path.size()));
            if (component.empty() || component == ".") continue;
            if (component == "..") {
                if (!in_link) return fail(Errno::kEINVAL);
                if (stack.size() > 1) stack.pop_back();
                continue;
            }
            TRY(check_name(component));
            Place place{stack.back(), component};
            const u32* found = find(place);
            u32 next = found ? *found : static_cast<u32>(t_.inodes.size());
            if (!found) {
                TRY(add_directory());
                TRY(put(place, next));
            }
            if ((t_.inodes[next].mode & kTypeMask) == kLink) {
                if (++links > kMaxLinks) return fail(Errno::kEINVAL);
                const Inode& link = t_.inodes[next];
                String target = TRY(String::from(t_.strings.view().substr(link.data_offset, link.size)));
                if (target.view().starts_with('/')) TRY(stack.resize(1));
                TRY(enter_directories(stack, target.view(), true, links));
                continue;
            }
            if (!is_directory(next)) return fail(Errno::kEINVAL);
            TRY(stack.push_back(next));
        }
        return {};
    }

    Result<void> check_name(std::string_view name) {
        return name.size() <= 255 && !name.contains('\0') ? Result<void>{} : fail(Errno::kEINVAL);
    }

    Result<Place> walk(std::string_view path) {
        while (path.ends_with('/')) path.remove_suffix(1);
        usize slash = path.rfind('/');
        std::string_view last = slash == std::string_view::npos ? path : path.substr(slash + 1);
        std::string_view before = path.substr(0, path.size() - last.size());
        if (last == "..") return fail(Errno::kEINVAL);
        TRY(check_name(last));
        Vector<u32> stack;
        TRY(stack.push_back(Image::kRoot));
        u32 links = 0;
        TRY(enter_directories(stack, before, false, links));
        if (last == ".") last = {};
        return Place{stack.back(), last};
    }

    Image::Tables& t_;
};

}  // namespace

Result<Image::Tables> scan(std::span<const u8> bytes) {
    Image::Tables tables;
    Builder builder(tables);
    TRY(builder.start());
    Members members(bytes);
    for (;;) {
        std::optional<Member> member = TRY(members.next());
        if (!member) break;
        TRY(builder.add(*member));
    }
    TRY(builder.finish());
    return tables;
}

}  // namespace astra::fs::tar
