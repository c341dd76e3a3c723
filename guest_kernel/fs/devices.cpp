// Character devices; see the header.
#include "guest_kernel/fs/devices.hpp"

#include "guest_kernel/drivers/random.hpp"
#include "guest_kernel/drivers/tty.hpp"
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
Result<Ref<File>> open_memory(u32) {
    return Ref<File>(TRY(make_ref<MemoryFile>(Kind)));
}

struct Driver {
    DeviceNode node;
    Result<Ref<File>> (*open)(u32 flags);
};
constexpr u32 kAnyone = kTypeCharDevice | 0666;
constexpr Driver kDrivers[] = {
    {{"null", kAnyone, make_device(1, 3)}, open_memory<Memory::Null>},
    {{"zero", kAnyone, make_device(1, 5)}, open_memory<Memory::Zero>},
    {{"full", kAnyone, make_device(1, 7)}, open_memory<Memory::Full>},
    {{"random", kAnyone, make_device(1, 8)}, open_memory<Memory::Random>},
    {{"urandom", kAnyone, make_device(1, 9)}, open_memory<Memory::Random>},
    {{"tty", kAnyone, make_device(5, 0)}, open_controlling_tty},
    {{"console", kTypeCharDevice | 0600, make_device(5, 1)}, open_console},
};
constexpr auto kNodes = [] {
    std::array<DeviceNode, std::size(kDrivers)> nodes{};
    for (usize i = 0; i < nodes.size(); i++) nodes[i] = kDrivers[i].node;
    return nodes;
}();

}  // namespace

std::span<const DeviceNode> device_nodes() { return kNodes; }

Result<Ref<File>> open_device(const Path& path, u32 flags) {
    abi::Stat stat{};
    TRY(path.dentry->inode->stat(stat));
    if ((stat.mode & kTypeMask) == kTypeCharDevice)
        for (const Driver& driver : kDrivers) {
            if (driver.node.rdev != stat.rdev) continue;
            Ref<File> file = TRY(driver.open(flags));
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
