// Helpers of the image tests.
#include "tests/unit/image/support.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

namespace astra::test {

namespace format = abi::image;

TempDir::TempDir() {
    std::string path = std::filesystem::temp_directory_path() / "astra-image-XXXXXX";
    if (!::mkdtemp(path.data())) throw std::runtime_error("mkdtemp");
    path_ = path;
}

TempDir::~TempDir() { std::filesystem::remove_all(path_); }

std::string raw_member(const RawMember& member) {
    std::string block(512, '\0');
    auto put = [&](usize at, usize size, std::string_view text) {
        std::memcpy(block.data() + at, text.data(), std::min(size, text.size()));
    };
    put(0, 100, member.name);
    put(100, 8, fmt::format("{:07o}", member.mode));
    put(108, 8, "0000000");
    put(116, 8, "0000000");
    put(124, 12, fmt::format("{:011o}", member.claimed_size.value_or(member.data.size())));
    put(136, 12, fmt::format("{:011o}", member.mtime));
    put(148, 8, "        ");
    block[156] = member.type;
    put(157, 100, member.link);
    put(257, 8,
        std::string_view("ustar\0"
                         "00",
                         8));
    put(329, 8, fmt::format("{:07o}", member.device_major));
    put(337, 8, fmt::format("{:07o}", member.device_minor));
    unsigned sum = 0;
    for (char c : block) sum += static_cast<u8>(c);
    put(148, 7, fmt::format("{:06o}", sum) + '\0');
    std::string data = member.data;
    data.resize((data.size() + 511) / 512 * 512);
    return block + data;
}

std::string raw_tar(const std::vector<RawMember>& members) {
    std::string tar;
    for (const RawMember& member : members) tar += raw_member(member);
    return tar + std::string(1024, '\0');
}

void write_file(const std::string& path, std::string_view content) {
    std::ofstream(path, std::ios::binary) << content;
}

std::string read_file(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

std::string shell(const std::string& command) {
    FILE* pipe = ::popen(("exec 2>&1; " + command).c_str(), "r");
    std::string out;
    char buffer[4096];
    for (usize n; (n = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) out.append(buffer, n);
    EXPECT_EQ(::pclose(pipe), 0) << command << '\n' << out;
    return out;
}

Indexed::Indexed(const std::string& path)
    : image_(read_file(path)), header_(load<format::Header>(format::kIndexOffset)) {
    EXPECT_EQ(header_.magic, format::kMagic);
    EXPECT_EQ(header_.version, format::kVersion);
    EXPECT_EQ(header_.image_bytes, image_.size());
    inodes_ = format::kIndexOffset + sizeof(format::Header);
    entries_ = inodes_ + header_.inodes * sizeof(format::Inode);
    slots_ = entries_ + header_.entries * sizeof(format::Entry);
    strings_ = slots_ + header_.hash_slots * sizeof(format::Hash);
    EXPECT_EQ(strings_ + header_.strings_bytes, format::kIndexOffset + header_.index_bytes);
}

template <class T>
T Indexed::load(u64 offset) const {
    T value;
    if (offset + sizeof value > image_.size()) throw std::out_of_range("index points outside the image");
    std::memcpy(&value, image_.data() + offset, sizeof value);
    return value;
}

std::string Indexed::name(const format::Entry& entry) const {
    return image_.substr(strings_ + entry.name_offset, entry.name_length);
}

std::optional<u32> Indexed::number(std::string_view path) const {
    u32 at = 0;
    while (!path.empty()) {
        usize slash = path.find('/');
        std::string part(path.substr(0, slash));
        path.remove_prefix(slash == path.npos ? path.size() : slash + 1);
        if (part.empty()) continue;
        if (header_.hash_slots == 0) return std::nullopt;
        u32 mask = header_.hash_slots - 1;
        for (u32 slot = format::hash(at, part.data(), part.size()) & mask;; slot = (slot + 1) & mask) {
            u32 entry_plus_1 = load<format::Hash>(slots_ + slot * sizeof(format::Hash)).entry_plus_1;
            if (entry_plus_1 == 0) return std::nullopt;
            auto entry = load<format::Entry>(entries_ + (entry_plus_1 - 1) * sizeof(format::Entry));
            if (entry.parent != at || name(entry) != part) continue;
            at = entry.inode;
            break;
        }
    }
    return at;
}

std::optional<format::Inode> Indexed::find(std::string_view path) const {
    auto at = number(path);
    return at ? std::optional(load<format::Inode>(inodes_ + *at * sizeof(format::Inode))) : std::nullopt;
}

std::string Indexed::content(const format::Inode& inode) const {
    bool link = S_ISLNK(inode.mode);
    return image_.substr(inode.data_offset + (link ? strings_ : 0), inode.size);
}

std::vector<std::string> Indexed::list(std::string_view directory) const {
    std::vector<std::string> names;
    auto inode = find(directory);
    if (!inode) return names;
    for (u32 i = 0; i < inode->entry_count; i++)
        names.push_back(
            name(load<format::Entry>(entries_ + (inode->first_entry + i) * sizeof(format::Entry))));
    return names;
}

}  // namespace astra::test
