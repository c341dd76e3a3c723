// What the image tests share: temporary directories, hand-made archives, other programs, and a reader of the
// index.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "guest_kernel/abi/image.hpp"
#include "vmm/image/import.hpp"

namespace astra::test {

/// A directory that is removed with everything in it.
class TempDir {
  public:
    TempDir();
    ~TempDir();
    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;
    [[nodiscard]] std::string operator/(std::string_view name) const {
        return path_ + '/' + std::string(name);
    }
    [[nodiscard]] const std::string& path() const { return path_; }

  private:
    std::string path_;
};

/// What a raw ustar member holds, right or wrong.
struct RawMember {
    std::string name;
    char type = '0';
    std::string data = {};
    std::string link = {};
    unsigned mode = 0644;
    unsigned long mtime = 1'700'000'000;
    unsigned device_major = 0, device_minor = 0;
    std::optional<u64> claimed_size = {};  // instead of data's
};

/// One member's blocks.
std::string raw_member(const RawMember& member);
/// An archive of those members, with its end mark.
std::string raw_tar(const std::vector<RawMember>& members);

void write_file(const std::string& path, std::string_view content);
std::string read_file(const std::string& path);

/// Runs a shell command; its standard output and error together. Adds a failure to the test if it exits
/// non-zero.
std::string shell(const std::string& command);

/// An image seen through its index only, every access bounds-checked.
class Indexed {
  public:
    explicit Indexed(const std::string& path);
    [[nodiscard]] const abi::image::Header& header() const { return header_; }
    /// The inode of an absolute path ("/" is the root), found by hash as the kernel does; symbolic links not
    /// followed.
    [[nodiscard]] std::optional<abi::image::Inode> find(std::string_view path) const;
    [[nodiscard]] std::optional<u32> number(std::string_view path) const;
    /// A regular file's bytes, or a symbolic link's target.
    [[nodiscard]] std::string content(const abi::image::Inode& inode) const;
    [[nodiscard]] std::vector<std::string> list(std::string_view directory) const;

  private:
    template <class T>
    [[nodiscard]] T load(u64 offset) const;
    [[nodiscard]] std::string name(const abi::image::Entry& entry) const;

    std::string image_;
    abi::image::Header header_;
    u64 inodes_, entries_, slots_, strings_;
};

}  // namespace astra::test
