// Allocation failure is a Result: under a limit on its address space (RLIMIT_AS, getrlimit(2)) a program is
// told by whatever needs memory, keeps what it had, and goes on when there is memory again.
#include <array>
#include <optional>

#include "guest_runtime/alloc/alloc.hpp"
#include "guest_runtime/container/hash_map.hpp"
#include "guest_runtime/fs/fs.hpp"
#include "guest_runtime/os/os.hpp"
#include "guest_runtime/sync/mpsc.hpp"
#include "guest_runtime/sys/syscall.hpp"
#include "guest_runtime/thread/thread.hpp"
#include "tests/guest/runtime/check.hpp"

using namespace astra;
using namespace astra::test;
using io::ErrorKind;

namespace {

constexpr usize kMiB = 1 << 20, kLimit = 64 * kMiB, kTooMuch = 2 * kLimit, kBlock = 16 * 1024;
constexpr int kAddressSpace = 9;  // RLIMIT_AS

/// The limit that a test runs under; the one before comes back at its end.
class MemoryLimit {
  public:
    static io::Result<MemoryLimit> set(u64 bytes) {
        abi::RLimit before{};
        TRY(os::check_done(sys::getrlimit(kAddressSpace, &before)));
        abi::RLimit now{.current = bytes, .maximum = before.maximum};
        TRY(os::check_done(sys::setrlimit(kAddressSpace, &now)));
        return MemoryLimit(before);
    }
    MemoryLimit(MemoryLimit&& o) noexcept : before_(o.before_), set_(std::exchange(o.set_, false)) {}
    MemoryLimit& operator=(MemoryLimit&&) = delete;
    ~MemoryLimit() {
        if (set_) sys::setrlimit(kAddressSpace, &before_);
    }

  private:
    explicit MemoryLimit(const abi::RLimit& before) : before_(before) {}
    abi::RLimit before_;
    bool set_ = true;
};

struct Chunk {
    std::array<u8, kBlock> bytes;
};

io::Result<void> containers() {
    auto limit = TRY(MemoryLimit::set(kLimit));
    Vector<u64> numbers;
    Result<void> pushed;
    while ((pushed = numbers.push_back(numbers.size()))) {}
    fails("a Vector that grows without end", io::Result<void>(std::unexpected(io::Error(pushed.error()))),
          ErrorKind::OutOfMemory);
    bool whole = numbers.size() >= kMiB;
    for (usize i = 0; i < numbers.size(); i++) whole &= numbers[i] == i;
    check("keeps all its elements", whole);
    numbers = {};

    String text;
    while (text.append("0123456789abcdef")) {}
    check("a String keeps its text", text.size() >= kMiB && text.view().ends_with("def"));
    check("and says ENOMEM", text.append("0123456789abcdef").error() == Errno::kENOMEM);
    text = {};

    HashMap<u64, Chunk> map;
    io::Result<std::optional<Chunk>> inserted;
    u64 keys = 0;
    while ((inserted = map.insert(keys, {}))) keys++;
    fails("a HashMap that grows without end", inserted, ErrorKind::OutOfMemory);
    check("keeps all its keys", keys > 100 && map.len() == keys && map.get(keys - 1) && !map.get(keys));
    return {};
}

io::Result<void> objects() {
    auto limit = TRY(MemoryLimit::set(kLimit));
    using Large = std::array<u8, kTooMuch>;
    fails("Box::make", Box<Large>::make(), ErrorKind::OutOfMemory);
    fails("Arc::make", Arc<Large>::make(), ErrorKind::OutOfMemory);
    check("new (std::nothrow) is null", new (std::nothrow) u8[kTooMuch] == nullptr);
    check("so is the largest size there is", alloc::allocate(~usize{0}) == nullptr);
    check("and the largest with an alignment", alloc::allocate(~usize{0} - 100, kMiB) == nullptr);
    auto large = thread::Builder().stack_size(kTooMuch).spawn([] {});
    fails("a thread with too large a stack", large, ErrorKind::OutOfMemory);
    auto zeros = TRY(fs::File::open("/dev/zero"));
    Vector<u8> all;
    fails("read_to_end of a file without end", zeros.read_to_end(all), ErrorKind::OutOfMemory);
    fails("fs::read of one", fs::read("/dev/zero"), ErrorKind::OutOfMemory);
    return {};
}

io::Result<void> nothing_left() {
    auto [sender, receiver] = TRY(sync::channel<Chunk>());
    Vector<void*> blocks;
    TRY(blocks.reserve(kLimit / 1024));
    std::optional<MemoryLimit> limit(TRY(MemoryLimit::set(kLimit)));
    usize sent = 0;
    std::expected<void, sync::SendError<Chunk>> last;
    while ((last = sender.send(Chunk{{static_cast<u8>(sent)}}))) sent++;
    check("a send without memory gives the value back",
          sent > 100 && last.error().value.bytes[0] == static_cast<u8>(sent));
    for (usize size : {kBlock, usize{1024}, usize{16}})
        while (blocks.size() < kLimit / 1024) {
            void* block = alloc::allocate(size);
            if (!block) break;
            TRY(blocks.push_back(block));
        }
    check("small blocks end, too", alloc::allocate(kBlock) == nullptr);
    fails("format", format("{:>10000}", "far right"), ErrorKind::OutOfMemory);
    println("ok   println needs no memory: {} blocks are out", blocks.size());
    usize received = 0;
    while (auto chunk = receiver.try_recv()) received += chunk->bytes[0] == static_cast<u8>(received);
    check("what was sent arrives", received == sent);
    for (void* block : blocks) alloc::deallocate(block);
    succeeds("and then there is memory again", format("{:>10000}", "far right"));
    fails("a thread, whose stack is not from the heap, has none",
          thread::Builder().stack_size(kMiB).spawn([] {}), ErrorKind::OutOfMemory);
    limit.reset();
    auto handle = thread::Builder().stack_size(kMiB).spawn([] { return 42; });
    check("until the limit is gone", handle && *handle->join() == 42);
    return {};
}

}  // namespace

int main() {
    run("containers", containers);
    run("objects", objects);
    run("nothing_left", nothing_left);
    return finish("rt_allocation");
}
