// What everything else stands on: the heap, errors, arguments and environment, random numbers, hash maps,
// standard streams, paths that need a kernel.
#include <algorithm>

#include "guest_runtime/alloc/alloc.hpp"
#include "guest_runtime/container/hash_map.hpp"
#include "guest_runtime/env/args.hpp"
#include "guest_runtime/env/env.hpp"
#include "guest_runtime/fs/fs.hpp"
#include "guest_runtime/path/path.hpp"
#include "guest_runtime/random/random.hpp"
#include "guest_runtime/stdio/stdio.hpp"
#include "guest_runtime/sys/constants.hpp"
#include "guest_runtime/thread/thread.hpp"
#include "tests/guest/runtime/check.hpp"

using namespace astra;
using namespace astra::test;
using io::ErrorKind;

namespace {

io::Result<void> heap() {
    auto before = alloc::statistics();
    bool aligned = true, whole = true;
    Vector<u8*> blocks;
    for (usize size = 1; size < 100'000; size = size * 5 / 4 + 1) {
        auto* block = static_cast<u8*>(alloc::allocate(size));
        aligned &= block && reinterpret_cast<u64>(block) % 16 == 0;
        whole &= alloc::usable_size(block) >= size;
        std::fill_n(block, size, static_cast<u8>(size));
        TRY(blocks.push_back(block));
    }
    usize i = 0;
    for (usize size = 1; size < 100'000; size = size * 5 / 4 + 1, i++)
        whole &= std::all_of(blocks[i], blocks[i] + size, [&](u8 b) { return b == static_cast<u8>(size); });
    check("blocks of all sizes are aligned", aligned);
    check("and do not overlap", whole);
    for (u8* block : blocks) alloc::deallocate(block);
    check("few large blocks are kept",
          alloc::statistics().mapped_bytes - before.mapped_bytes <= 8 * 1024 * 1024);
    u64 kept = alloc::statistics().mapped_bytes;
    for (int round = 0; round < 100; round++) {
        void* pair[] = {alloc::allocate(200'000), alloc::allocate(16 * 1024 * 1024)};
        for (void* block : pair) alloc::deallocate(block);
    }
    check("and used again, the largest given back", alloc::statistics().mapped_bytes - kept <= 256 * 1024);
    check("the break moved", alloc::statistics().arena_bytes >= 64 * 1024);
    bool right = true;
    for (usize alignment = 16; alignment <= 2 * 1024 * 1024; alignment *= 2) {
        auto* block = static_cast<u8*>(alloc::allocate(100, alignment));
        right &= block && reinterpret_cast<u64>(block) % alignment == 0;
        block[99] = 1;
        alloc::deallocate(block);
    }
    check("alignments from 16 to 2 MiB", right);
    check("no memory is null", alloc::allocate(usize{1} << 50) == nullptr);
    Vector<u8> huge;
    auto failed = huge.resize(usize{1} << 50);
    check("and an error of containers", !failed && failed.error() == Errno::kENOMEM);
    auto boxed = Box<std::array<u8, 1 << 20>>::make();
    check("a Box of 1 MiB", boxed.has_value());

    u64 first = alloc::statistics().arena_bytes;
    for (int round = 0; round < 50; round++) {
        Vector<String> texts;
        for (int k = 0; k < 200; k++) {
            String text = TRY(format("{:>100}", k));
            TRY(texts.push_back(std::move(text)));
        }
    }
    check("memory is used again", alloc::statistics().arena_bytes - first < 256 * 1024);

    // Blocks that one thread makes and another frees.
    std::atomic<int> bad{0};
    Vector<thread::JoinHandle<Vector<String>>> makers;
    for (int t = 0; t < 3; t++) {
        auto maker = TRY(thread::spawn([&bad, t] {
            Vector<String> made;
            for (int k = 0; k < 2000; k++) {
                auto text = format("{}-{}", t, k);
                if (!text || !made.push_back(std::move(*text))) bad++;
            }
            return made;
        }));
        TRY(makers.push_back(std::move(maker)));
    }
    int t = 0;
    for (auto& maker : makers) {
        auto made = TRY(maker.join());
        String wanted = TRY(format("{}-1999", t++));
        bad += made.size() != 2000 || made[1999].view() != wanted.view();
    }
    equal("the heap serves threads", bad.load(), 0);
    return {};
}

/// `f(i)` for i below `count`, in a loop that the compiler cannot make a call of what is tested.
template <class F>
void one_by_one(usize count, F f) {
    for (usize i = 0; i < count; i++) {
        asm volatile("" : "+r"(i)::"memory");
        f(i);
    }
}

// The compiler calls these on its own; every length, many alignments, overlapping.
void memory_functions() {
    static u8 from[1024], to[1024], wanted[1024];
    constexpr usize kWhole = sizeof from;
    bool copies = true, moves = true, sets = true;
    one_by_one(600, [&](usize size) {
        usize at = size * 7 % 20;
        one_by_one(kWhole,
                   [&](usize i) { from[i] = static_cast<u8>(i * 31 + size), to[i] = wanted[i] = 0xee; });
        one_by_one(size, [&](usize i) { wanted[at + i] = from[100 + i]; });
        __builtin_memcpy(to + at, from + 100, size);
        one_by_one(kWhole, [&](usize i) { copies &= to[i] == wanted[i]; });
        copies &= __builtin_memcmp(to, wanted, kWhole) == 0;
        one_by_one(size, [&](usize i) { wanted[at + i] = 0x5a; });
        __builtin_memset(to + at, 0x5a, size);
        one_by_one(kWhole, [&](usize i) { sets &= to[i] == wanted[i]; });
        for (bool up : {false, true}) {
            one_by_one(kWhole, [&](usize i) { to[i] = from[i]; });
            usize source = up ? 100 : 100 + at, target = up ? 100 + at : 100;
            __builtin_memmove(to + target, to + source, size);
            one_by_one(size, [&](usize i) { moves &= to[target + i] == from[source + i]; });
            moves &= to[target + size] == from[target + size] && to[99] == from[99];
        }
    });
    check("memcpy and memcmp", copies);
    check("memset", sets);
    check("memmove", moves);
}

io::Result<void> errors() {
    auto error = fs::File::open("/nonexistent").error();
    String text = TRY(format("{}", error));
    equal("an error prints", text.view(), "No such file or directory (os error 2)");
    equal("last_errno", os::last_errno(), 2);
    check("last_os_error", io::Error::last_os_error() == error);
    auto other = TRY(thread::spawn([] { return os::last_errno(); }));
    equal("is each thread's own", TRY(other.join()), 0);
    equal("error_name", os::error_name(111), "ECONNREFUSED");
    check("is_interrupted", os::is_interrupted(4) && !os::is_interrupted(5));
    os::OwnedFd fd = TRY(os::OwnedFd::from(sys::open("/index.html", 0, 0)));
    int number = fd.raw();
    { auto moved = std::move(fd); }
    check("a descriptor closes itself", sys::fcntl(number, sys::kGetFd, 0) == -9);
    return {};
}

io::Result<void> surroundings() {
    check("args", args::count() == 1 && args::at(0).ends_with("rt_core"));
    usize count = 0;
    for (std::string_view a : args::all()) count += !a.empty();
    equal("all of them", count, 1u);
    TRY(env::set_var("RT_X", "y"));
    equal("set_var", TRY(env::var("RT_X")).view(), "y");
    TRY(env::remove_var("RT_X"));
    fails("remove_var", env::var("RT_X"), ErrorKind::NotFound);
    TRY(env::set_current_dir("/tmp"));
    equal("set_current_dir", TRY(env::current_dir()).view(), "/tmp");
    equal("path::absolute", TRY(path::absolute("../a/./b")).view(), "/a/b");
    fails("to nothing", env::set_current_dir("/none"), ErrorKind::NotFound);
    check("current_exe", TRY(env::current_exe()).view().ends_with("/rt_core"));
    equal("temp_dir", TRY(env::temp_dir()).view(), "/tmp");
    return {};
}

io::Result<void> randomness() {
    u8 bytes[64] = {};
    random::fill_bytes(bytes);
    check("fill_bytes fills", std::count(std::begin(bytes), std::end(bytes), 0) < 16);
    u8 kernel[64] = {};
    TRY(random::fill_from_kernel(kernel));
    check("getrandom fills", std::count(std::begin(kernel), std::end(kernel), 0) < 16);
    println("     RDRAND {}", random::fill_from_cpu(bytes) ? "works" : "does not work here");
    check("numbers differ", random::next_u64() != random::next_u64());
    int seen[6] = {};
    for (int i = 0; i < 6000; i++) seen[random::below(6)]++;
    check("below is even",
          std::all_of(std::begin(seen), std::end(seen), [](int n) { return n > 700 && n < 1300; }));
    return {};
}

io::Result<void> maps() {
    HashMap<String, int> words;
    for (std::string_view word : {"a", "b", "a", "c", "a"}) {
        String key = TRY(format("{}", word));
        int* count = TRY(words.get_or_insert_with(std::move(key), [] { return 0; }));
        ++*count;
    }
    check("HashMap counts", words.len() == 3 && *words.get("a") == 3);
    HashMap<u64, u64> numbers;
    for (u64 i = 0; i < 10000; i++) TRY(numbers.insert(i, i * i));
    u64 sum = 0;
    for (auto& [key, value] : numbers) sum += value - key * key + 1;
    equal("10000 entries", sum, 10000u);
    return {};
}

io::Result<void> streams() {
    auto out = stdio::stdout_();
    TRY(out.write_all("     written by write_all\n"));
    TRY(out.write_fmt("     and by write_fmt: {}\n", 1));
    succeeds("flush", out.flush());
    check("stdout here is no terminal", !out.is_terminal());
    String nothing;
    equal("stdin at its end", TRY(stdio::stdin_().read_line(nothing)), 0u);
    print("ok   print {} {:?} {:#x} {:.3}\n", 1, "two", 3, 4.0);
    String shown = TRY(format("{:.3} {:>6} {}", 2.0 / 3, true, 'c'));
    equal("formatting", shown.view(), "0.667   true c");
    return {};
}

}  // namespace

int main() {
    memory_functions();
    run("heap", heap);
    run("errors", errors);
    run("surroundings", surroundings);
    run("randomness", randomness);
    run("maps", maps);
    run("streams", streams);
    return finish("rt_core");
}
