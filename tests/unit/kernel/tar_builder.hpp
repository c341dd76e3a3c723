// Makes TAR archives for tests: plain ones member by member, and aligned ones with an index in front.
#pragma once
#include <cstring>
#include <string>
#include <vector>

#include "guest_kernel/fs/tar/image.hpp"

namespace astra::test {

class TarBuilder {
  public:
    struct Options {
        char type = '0';
        u32 mode = 0644;
        u32 uid = 0, gid = 0;
        i64 mtime = 1'000'000'000;
        std::string link = {};
        u32 major = 0, minor = 0;
        std::string prefix = {};
    };

    TarBuilder& raw(const std::string& name, const std::string& data, const Options& o) {
        char h[512] = {};
        std::strncpy(h, name.c_str(), 100);
        std::snprintf(h + 100, 8, "%07o", o.mode);
        std::snprintf(h + 108, 8, "%07o", o.uid);
        std::snprintf(h + 116, 8, "%07o", o.gid);
        std::snprintf(h + 124, 12, "%011zo", data.size());
        std::snprintf(h + 136, 12, "%011llo", static_cast<unsigned long long>(o.mtime));
        h[156] = o.type;
        std::strncpy(h + 157, o.link.c_str(), 100);
        std::memcpy(h + 257, "ustar\00000", 8);
        std::snprintf(h + 329, 8, "%07o", o.major);
        std::snprintf(h + 337, 8, "%07o", o.minor);
        std::strncpy(h + 345, o.prefix.c_str(), 155);
        seal(h);
        bytes_.append(h, 512);
        bytes_ += data;
        bytes_.append((512 - data.size() % 512) % 512, '\0');
        return *this;
    }
    TarBuilder& file(const std::string& name, const std::string& data, u32 mode = 0644) {
        return raw(name, data, {.mode = mode});
    }
    TarBuilder& directory(const std::string& name, u32 mode = 0755) {
        return raw(name, "", {.type = '5', .mode = mode});
    }
    TarBuilder& symlink(const std::string& name, const std::string& target) {
        return raw(name, "", {.type = '2', .mode = 0777, .link = target});
    }
    TarBuilder& hard_link(const std::string& name, const std::string& target) {
        return raw(name, "", {.type = '1', .link = target});
    }
    /// A PAX header for the next member.
    TarBuilder& pax(const std::vector<std::pair<std::string, std::string>>& records) {
        std::string text;
        for (const auto& [key, value] : records) {
            usize length = key.size() + value.size() + 3;
            while (length != std::to_string(length).size() + key.size() + value.size() + 3) length++;
            text += std::to_string(length) + " " + key + "=" + value + "\n";
        }
        return raw("PaxHeaders/x", text, {.type = 'x'});
    }
    /// A file whose data starts on a page, pushed there by a PAX comment.
    TarBuilder& aligned_file(const std::string& name, const std::string& data) {
        // PAX header block + its data blocks + the file's own header must end on a page.
        usize pad = (2 * 4096 - (bytes_.size() + 1024) % 4096) % 4096;
        if (pad < 512) pad += 4096;
        pax({{"comment", std::string(pad - 20, '.')}});
        return file(name, data);
    }
    [[nodiscard]] std::string finish() const { return bytes_ + std::string(1024, '\0'); }
    [[nodiscard]] const std::string& bytes() const { return bytes_; }

  private:
    static void seal(char* h) {
        std::memset(h + 148, ' ', 8);
        unsigned sum = 0;
        for (int i = 0; i < 512; i++) sum += static_cast<u8>(h[i]);
        std::snprintf(h + 148, 8, "%06o", sum);
    }
    std::string bytes_;
};

/// The bytes of an archive, on a page.
class Archive {
  public:
    explicit Archive(const std::string& text) : size_(text.size()) {
        storage_.resize(text.size() + kPageSize);
        u64 at = align_up(reinterpret_cast<u64>(storage_.data()), kPageSize);
        data_ = reinterpret_cast<u8*>(at);
        std::memcpy(data_, text.data(), text.size());
    }
    [[nodiscard]] std::span<u8> bytes() { return {data_, size_}; }

  private:
    std::vector<u8> storage_;
    u8* data_;
    usize size_;
};

template <class T>
void append_words(std::string& to, std::span<const T> items) {
    to.append(reinterpret_cast<const char*>(items.data()), items.size_bytes());
}

/// `tables` as an index member, in front of `members`: an indexed image. Offsets in the tables count from the
/// start of `members`.
inline std::string with_index(fs::tar::Image::Tables& tables, const std::string& members) {
    usize size = sizeof(abi::image::Header) + tables.inodes.size() * sizeof(abi::image::Inode) +
                 tables.entries.size() * sizeof(abi::image::Entry) +
                 tables.hash.size() * sizeof(abi::image::Hash) + tables.strings.size();
    usize shift = align_up(512 + align_up(size, 512), 4096);
    std::string padded_members = members + std::string(1024, '\0');
    for (auto& inode : tables.inodes)
        if ((inode.mode & 0170000) == 0100000) inode.data_offset += shift;
    abi::image::Header header{abi::image::kMagic,
                              abi::image::kVersion,
                              static_cast<u32>(tables.inodes.size()),
                              static_cast<u32>(tables.entries.size()),
                              static_cast<u32>(tables.hash.size()),
                              tables.strings.size(),
                              shift + padded_members.size(),
                              size};
    std::string index(reinterpret_cast<const char*>(&header), sizeof header);
    append_words<abi::image::Inode>(index, tables.inodes);
    append_words<abi::image::Entry>(index, tables.entries);
    append_words<abi::image::Hash>(index, tables.hash);
    index += std::string_view(tables.strings);
    index.resize(shift - 512);
    return TarBuilder().file(abi::image::kIndexName, index).bytes() + padded_members;
}

}  // namespace astra::test
