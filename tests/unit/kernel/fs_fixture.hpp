// A root file system for a test, and the calls on it in the words of a shell.
#pragma once
// The kernel's structs first: <sys/stat.h> defines st_mtime as a macro.
#include "guest_kernel/fs/mount.hpp"
#include "guest_kernel/fs/names.hpp"
#include "guest_kernel/fs/vfs.hpp"
#include "guest_kernel/sched/scheduler.hpp"
#include "tests/unit/kernel/memory.hpp"
#include "tests/unit/kernel/tar_builder.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

namespace astra::test {

using fs::kOAppend;
using fs::kOCreate;
using fs::kOReadWrite;
using fs::kOTruncate;
using fs::kOWriteOnly;

inline constexpr Errno kNoError{};

template <class T>
Errno error_of(const Result<T>& result) {
    return result ? kNoError : result.error();
}

class FsTest : public testing::Test {
  protected:
    void SetUp() override {
        start_memory();
        sched::set_wall_offset_ns(2'000'000'000'000'000'000);
    }
    /// Mounts `tar` (empty: nothing) as the root.
    void mount_root(const std::string& tar = {}) {
        std::span<u8> image;
        if (!tar.empty()) {
            // As the kernel finds it: on a page, in the direct map, there for ever.
            image = {static_cast<u8*>(std::aligned_alloc(kPageSize, align_up(tar.size(), kPageSize))),
                     tar.size()};
            std::memcpy(image.data(), tar.data(), tar.size());
            static PhysAddr next_place(0xd000'0000);
            arch::host::attach(next_place, image);
            next_place += align_up(tar.size(), kPageSize);
        }
        auto done = fs::mount_root(image);
        ASSERT_TRUE(done.has_value());
    }

    static Result<Ref<fs::File>> open(std::string_view path, u32 flags = 0, u32 mode = 0644) {
        return fs::open(fs::root(), path, flags, mode);
    }
    static std::string read(fs::File& file, i64 offset = 0, usize most = 1 << 20) {
        std::string text(most, '\0');
        fs::KernelBuffer buffer(std::span<u8>(reinterpret_cast<u8*>(text.data()), text.size()));
        auto done = file.read(buffer, &offset);
        EXPECT_TRUE(done.has_value());
        text.resize(done ? *done : 0);
        return text;
    }
    static Result<usize> write(fs::File& file, std::string_view text, i64 offset = 0) {
        fs::KernelBuffer buffer(std::span<const u8>(reinterpret_cast<const u8*>(text.data()), text.size()));
        return file.write(buffer, &offset);
    }
    /// What a file holds, or the name of the error.
    static std::string cat(std::string_view path) {
        auto file = open(path);
        return file ? read(**file) : abi::errno_name(static_cast<int>(file.error()));
    }
    static Errno put(std::string_view path, std::string_view text, u32 flags = kOTruncate) {
        auto file = open(path, kOCreate | kOWriteOnly | flags);
        return file ? error_of(write(**file, text)) : file.error();
    }
    static Errno mkdir(std::string_view path, u32 mode = 0755) {
        return error_of(fs::make_directory(fs::root(), path, mode));
    }
    static Errno rmdir(std::string_view path) { return error_of(fs::remove_directory(fs::root(), path)); }
    static Errno unlink(std::string_view path) { return error_of(fs::unlink(fs::root(), path)); }
    static Errno symlink(std::string_view target, std::string_view path) {
        return error_of(fs::make_symlink(fs::root(), path, target));
    }
    static Errno link(std::string_view from, std::string_view to) {
        auto existing = fs::resolve(fs::root(), from, 0);
        return existing ? error_of(fs::link(*existing, fs::root(), to)) : existing.error();
    }
    static Errno rename(std::string_view from, std::string_view to, u32 flags = 0) {
        return error_of(fs::rename(fs::root(), from, fs::root(), to, flags));
    }
    static abi::Stat stat(std::string_view path, u32 walk = fs::kFollow) {
        abi::Stat out{};
        auto found = fs::resolve(fs::root(), path, walk);
        EXPECT_TRUE(found && found->dentry->inode->stat(out).has_value()) << path;
        return out;
    }
    static Errno resolve_error(std::string_view path, u32 walk = fs::kFollow) {
        return error_of(fs::resolve(fs::root(), path, walk));
    }
    /// Names in a directory in its own order, without the dots, `per_call` at a time.
    static std::vector<std::string> list(std::string_view path, usize per_call = 1000) {
        struct Sink final : fs::DirectorySink {
            bool entry(std::string_view name, u64, u8, i64 next) override {
                if (room == 0) return false;
                room--;
                offset = next;
                if (name != "." && name != "..") names.emplace_back(name);
                return true;
            }
            usize room = 0;
            i64 offset = 0;
            std::vector<std::string> names;
        } sink;
        auto directory = open(path, fs::kODirectory);
        EXPECT_TRUE(directory.has_value()) << path;
        if (!directory) return {};
        i64 offset = 0;
        do {
            sink.room = per_call;
            EXPECT_TRUE((*directory)->read_directory(offset, sink).has_value());
            EXPECT_GE(offset, sink.offset);
        } while (sink.room != per_call);
        return sink.names;
    }
    static std::vector<std::string> sorted(std::vector<std::string> names) {
        std::sort(names.begin(), names.end());
        return names;
    }
    using Names = std::vector<std::string>;
};

}  // namespace astra::test
