// Character devices; see the header.
#include "guest_kernel/fs/devices.hpp"

#include <algorithm>
#include <array>

#include "guest_kernel/drivers/random.hpp"
#include "guest_kernel/drivers/tty.hpp"
#include "guest_kernel/fs/devpts.hpp"
#include "guest_kernel/fs/pipe.hpp"
#include "guest_kernel/fs/tmpfs/contents.hpp"

namespace astra::fs {

namespace {

constexpr u8 kZeros[kPageSize] = {};

/// What reads give and writes do.
enum class Memory : u8 { Null, Zero, Full, Random };

class MemoryFile final : public File {
  public:
    explicit MemoryFile(Memory kind) : kind_(kind) {}
    [[nodiscard]] bool seekable() const override { return true; }
    Result<i64> seek(i64, int) override { return *position.lock() = 0; }
    Result<usize> read(Buffer& to, i64*) override {
        if (kind_ == Memory::Null) return 0;
        usize done = 0;
        u8 random[256];
        while (to.remaining()) {
            usize room = to.remaining();
            std::span<const u8> bytes(kZeros, room < sizeof kZeros ? room : sizeof kZeros);
            if (kind_ == Memory::Random) {
                usize count = room < sizeof random ? room : sizeof random;
                random_bytes({random, count});
                bytes = {random, count};
            }
            Result<usize> moved = to.put(bytes);
            if (!moved) return done ? Result<usize>(done) : moved;
            done += *moved;
            if (*moved < bytes.size()) break;
        }
        return done;
    }
    Result<usize> write(Buffer& from, i64*) override {
        if (kind_ == Memory::Full) return fail(Errno::kENOSPC);
        if (kind_ != Memory::Random) return from.remaining();
        usize done = 0;
        u8 bytes[256];
        while (from.remaining()) {
            Result<usize> moved = from.take(bytes);
            if (!moved) return done ? Result<usize>(done) : moved;
            add_entropy({bytes, *moved});
            done += *moved;
            if (*moved == 0) break;
        }
        return done;
    }
    /// /dev/zero: memory that starts as zeros, as MAP_ANONYMOUS.
    Result<Ref<mm::PageSource>> page_source() override {
        if (kind_ != Memory::Zero) return fail(Errno::kENODEV);
        return Ref<mm::PageSource>(TRY(tmpfs::Contents::create_anonymous()));
    }
    Result<void> sync() override { return fail(Errno::kEINVAL); }

  private:
    const Memory kind_;
};

template <Memory Kind>
Result<Ref<File>> open_memory(const Path&, u32) {
    return Ref<File>(TRY(make_ref<MemoryFile>(Kind)));
}

/// Who answers for the device numbers `major`, `first` to `last`; `name`: of its node in a fresh devtmpfs.
struct Driver {
    std::string_view name;
    u32 mode, major, first, last;
    Result<Ref<File>> (*open)(const Path& path, u32 flags);
};
constexpr u32 kAnyone = 0666;
constexpr Driver kDrivers[] = {
    {"null", kAnyone, 1, 3, 3, open_memory<Memory::Null>},
    {"zero", kAnyone, 1, 5, 5, open_memory<Memory::Zero>},
    {"full", kAnyone, 1, 7, 7, open_memory<Memory::Full>},
    {"random", kAnyone, 1, 8, 8, open_memory<Memory::Random>},
    {"urandom", kAnyone, 1, 9, 9, open_memory<Memory::Random>},
    {"tty", kAnyone, 5, 0, 0, open_controlling_tty},
    {"console", 0600, 5, 1, 1, open_console},
    {"ptmx", kAnyone, 5, 2, 2, open_pty_master},
    {"", 0, Devpts::kMajor, 0, Devpts::kMost, open_pty},
};
constexpr auto kNodes = [] {
    constexpr auto has_node = [](const Driver& driver) { return !driver.name.empty(); };
    std::array<DeviceNode, std::ranges::count_if(kDrivers, has_node)> nodes{};
    usize count = 0;
    for (const Driver& driver : kDrivers)
        if (has_node(driver))
            nodes[count++] = {driver.name, kTypeCharDevice | driver.mode,
                              make_device(driver.major, driver.first)};
    return nodes;
}();

}  // namespace

std::span<const DeviceNode> device_nodes() { return kNodes; }

Result<Ref<File>> open_device(const Path& path, u32 flags) {
    abi::Stat stat{};
    TRY(path.dentry->inode->stat(stat));
    if ((stat.mode & kTypeMask) == kTypeCharDevice)
        for (const Driver& driver : kDrivers) {
            u32 minor = device_minor(stat.rdev);
            if (driver.major != device_major(stat.rdev) || minor < driver.first || minor > driver.last)
                continue;
            Ref<File> file = TRY(driver.open(path, flags));
            TRY(file->set_place(path));
            return file;
        }
    return fail(Errno::kENXIO);
}

Result<Ref<File>> open_named_fifo(const Path& path, u32 flags) {
    Ref<File> file = TRY(open_fifo(*path.dentry->inode, flags));
    TRY(file->set_place(path));
    return file;
}

}  // namespace astra::fs
