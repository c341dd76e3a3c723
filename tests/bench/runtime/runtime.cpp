// What the runtime's operations cost, one "name value unit" a line; libc.c prints the same of a C library.
// With arguments: what it costs to start each of these programs and wait for its end.
#include "guest_runtime/astra.hpp"

using namespace astra;
using time::Instant;

namespace {

void row(std::string_view name, Instant start, u64 count) {
    println("{} {:.1} ns", name, start.elapsed().as_secs_f64() * 1e9 / static_cast<double>(count));
}

io::Result<void> costs() {
    sync::Mutex<u64> counter(0);
    auto start = Instant::now();
    for (int i = 0; i < 1'000'000; i++) *counter.lock() += 1;
    row("mutex", start, 1'000'000);

    void* kept[64] = {};
    start = Instant::now();
    for (u64 i = 0; i < 1'000'000; i++) {
        void*& slot = kept[i * 7 % 64];
        alloc::deallocate(slot);
        slot = alloc::allocate(16 + i % 500);
    }
    row("alloc+free", start, 1'000'000);

    constexpr int kThreads = 200;
    start = Instant::now();
    for (int i = 0; i < kThreads; i++) {
        auto handle = TRY(thread::spawn([] {}));
        TRY(handle.join());
    }
    row("spawn+join", start, kThreads);

    Vector<u8> data;
    TRY(data.resize(1 << 20));
    TRY(fs::write("/tmp/bench", data));
    start = Instant::now();
    for (int i = 0; i < 10; i++) TRY(fs::read("/tmp/bench"));
    row("read-1MiB-file", start, 10);
    io::BufReader in(TRY(fs::File::open("/tmp/bench")));
    start = Instant::now();
    u64 sum = 0;
    for (int i = 0; i < 1 << 20; i++) {
        u8 byte;
        TRY(in.read({&byte, 1}));
        sum += byte;
    }
    row("buffered-byte", start, 1 << 20);
    if (sum != 0) return io::failure(io::ErrorKind::InvalidData, "the file is not what was written");

    char text[128];
    start = Instant::now();
    for (int i = 0; i < 100'000; i++) {
        fmt::BufferSink sink(text);
        fmt::Formatter(sink).print("{} {:>8} {:x} {}\n", i, "text", i, true);
    }
    row("format", start, 100'000);
    return fs::remove_file("/tmp/bench");
}

io::Result<void> starts(std::string_view program) {
    constexpr int kTimes = 30;
    auto start = Instant::now();
    for (int i = 0; i < kTimes; i++) {
        auto status = TRY(process::Command(program).stdout_(process::Stdio::null()).status());
        if (!status.success()) return io::failure(io::ErrorKind::Other, "a program failed");
    }
    row(program, start, kTimes);
    return {};
}

}  // namespace

int main() {
    for (usize i = 1; i < args::count(); i++)
        if (int failed = process::report(starts(args::at(i)))) return failed;
    return args::count() > 1 ? 0 : process::report(costs());
}
