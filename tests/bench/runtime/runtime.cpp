// What the runtime's modules cost: lines of "MODULE:OPERATION NANOSECONDS", each the best of some batches,
// since other work on the machine only ever adds. libc.c prints the same of a C library, as far as that has
// such a thing. With arguments: what it costs to start each of these programs and wait for its end, in turns,
// so that none of them pays for warming up; "nothing" is none and ends at once.
#include "guest_runtime/astra.hpp"

#include <algorithm>

using namespace astra;
using time::Instant;

namespace {

constexpr int kBatches = 5, kMiB = 1 << 20;
volatile u64 sum;

void print_row(std::string_view name, int count, time::Duration batch) {
    println("{} {:.1}", name, batch.as_secs_f64() * 1e9 / count);
}

template <class Batch>
io::Result<time::Duration> time_batch(int count, Batch& batch) {
    auto start = Instant::now();
    TRY(batch(count));
    return start.elapsed();
}

/// Runs `batch`, which does `count` operations.
template <class Batch>
io::Result<void> row(std::string_view name, int count, Batch batch) {
    auto best = time::Duration::max();
    for (int i = 0; i < kBatches; i++) best = std::min(best, TRY(time_batch(count, batch)));
    print_row(name, count, best);
    return {};
}

io::Result<void> lock(int count) {
    static sync::Mutex<u64> mutex(0);
    for (int i = 0; i < count; i++) {
        auto guard = mutex.lock();
        sum = sum + 1;
    }
    return {};
}
io::Result<void> allocate(int count) {
    static void* kept[64];
    for (u64 i = 0; i < static_cast<u64>(count); i++) {
        void*& slot = kept[i * 7 % 64];
        alloc::deallocate(slot);
        slot = alloc::allocate(16 + i % 500);
    }
    return {};
}
io::Result<void> format_line(int count) {
    char text[128];
    for (int i = 0; i < count; i++) {
        fmt::BufferSink sink(text);
        fmt::Formatter(sink).print("{} {:>8} {:x} {}\n", i, "text", i, true);
    }
    return {};
}
io::Result<void> ask_time(int count) {
    for (int i = 0; i < count; i++) (void)Instant::now();
    return {};
}
io::Result<void> randomize(int count) {
    u8 bytes[32];
    for (int i = 0; i < count; i++) random::fill_bytes(bytes);
    return {};
}
io::Result<void> get_variable(int count) {
    for (int i = 0; i < count; i++) sum = sum + env::var("PATH").has_value();
    return {};
}
io::Result<void> open_file(int count) {
    for (int i = 0; i < count; i++) TRY(fs::File::open("/tmp/bench"));
    return {};
}
io::Result<void> read_file(int count) {
    for (int i = 0; i < count; i++) TRY(fs::read("/tmp/bench"));
    return {};
}
io::Result<void> read_byte(int count) {
    io::BufReader in(TRY(fs::File::open("/tmp/bench")));
    for (int i = 0; i < count; i++) {
        u8 byte;
        TRY(in.read({&byte, 1}));
        sum = sum + byte;
    }
    return {};
}
auto start_process(std::string_view program) {
    return [program](int count) -> io::Result<void> {
        for (int i = 0; i < count; i++) {
            auto status =
                TRY(process::Command(program).arg("nothing").stdout_(process::Stdio::null()).status());
            if (!status.success()) return io::failure(io::ErrorKind::Other, "a program failed");
        }
        return {};
    };
}
io::Result<void> start_thread(int count) {
    for (int i = 0; i < count; i++) {
        auto handle = TRY(thread::spawn([] {}));
        TRY(handle.join());
    }
    return {};
}

io::Result<void> parse_url(int count) {
    for (int i = 0; i < count; i++)
        sum = sum +
              TRY(url::Url::parse("http://www.example.com:8080/a/directory/file.html?x=1&y=2")).path().size();
    return {};
}
constexpr std::string_view kRequest =
    "GET /a/directory/file.html HTTP/1.1\r\nHost: www.example.com\r\nUser-Agent: bench\r\nAccept: "
    "*/*\r\n\r\n";
io::Result<void> parse_request(int count) {
    for (int i = 0; i < count; i++) {
        io::BufReader in{io::Cursor(kRequest)};
        sum = sum + TRY(http::read_request(in))->method.size();
    }
    return {};
}
/// Answers the requests of one connection.
io::Result<void> serve(net::TcpListener& listener) {
    auto stream = TRY(listener.accept()).stream;
    TRY(stream.set_nodelay(true));
    auto out = TRY(stream.try_clone());
    io::BufReader in(std::move(stream));
    while (TRY(http::read_request(in))) TRY(out.write_fmt("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
    return {};
}
io::Result<void> http_rows() {
    TRY(row("http:parse_a_request", 10'000, parse_request));
    auto listener = TRY(net::TcpListener::bind("127.0.0.1:0"));
    String where = TRY(format("http://{}/", TRY(listener.local_addr())));
    auto server = TRY(thread::spawn([&] { return serve(listener); }));
    {
        http::Client client;
        TRY(row("http:GET_over_loopback", 500, [&](int count) -> io::Result<void> {
            for (int i = 0; i < count; i++) sum = sum + TRY(client.get(where)).status;
            return {};
        }));
    }
    return TRY(server.join());
}

/// The programs take turns.
io::Result<void> starts() {
    constexpr int kCount = 20;
    Vector<time::Duration> best;
    for (usize i = 1; i < args::count(); i++) TRY(best.push_back(time::Duration::max()));
    for (int turn = 0; turn < kBatches; turn++)
        for (usize i = 0; i < best.size(); i++) {
            auto batch = start_process(args::at(i + 1));
            best[i] = std::min(best[i], TRY(time_batch(kCount, batch)));
        }
    for (usize i = 0; i < best.size(); i++) print_row(args::at(i + 1), kCount, best[i]);
    return {};
}

io::Result<void> costs() {
    TRY(row("sync:lock_and_unlock", 1'000'000, lock));
    TRY(row("alloc:16_to_515_bytes", 300'000, allocate));
    TRY(row("fmt:format_a_line", 50'000, format_line));
    TRY(row("time:now", 200'000, ask_time));
    TRY(row("random:32_bytes", 20'000, randomize));
    TRY(row("env:variable", 500'000, get_variable));
    TRY(row("url:parse", 20'000, parse_url));

    Vector<u8> data;
    TRY(data.resize(kMiB));
    TRY(fs::write("/tmp/bench", data));
    TRY(row("fs:open_and_close", 5000, open_file));
    TRY(row("fs:read_1_MiB", 10, read_file));
    TRY(row("io:buffered_byte", kMiB, read_byte));
    auto null = TRY(fs::OpenOptions().write(true).open("/dev/null"));
    TRY(row("stdio:print_a_line", 10'000, [&](int count) -> io::Result<void> {
        for (int i = 0; i < count; i++) TRY(null.write_fmt("{}\n", "a line of output"));
        return {};
    }));

    auto listener = TRY(net::TcpListener::bind("127.0.0.1:0"));
    auto near = TRY(net::TcpStream::connect(TRY(listener.local_addr())));
    auto far = TRY(listener.accept()).stream;
    TRY(near.set_nodelay(true));
    TRY(row("net:1_KiB_over_loopback", 3000, [&](int count) -> io::Result<void> {
        u8 bytes[1024] = {};
        for (int i = 0; i < count; i++) {
            TRY(near.write_all(bytes));
            TRY(far.read_exact(bytes));
        }
        return {};
    }));
    String self = TRY(env::current_exe());
    TRY(row("process:start_and_wait", 20, start_process(self)));
    TRY(row("thread:spawn_and_join", 100, start_thread));
    TRY(row("sync:lock_beside_threads", 1'000'000, lock));
    TRY(http_rows());
    return fs::remove_file("/tmp/bench");
}

}  // namespace

int main() {
    if (args::count() > 1 && args::at(1) == "nothing") return 0;
    return process::report(args::count() > 1 ? starts() : costs());
}
