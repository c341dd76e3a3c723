// thread: real threads, their results, names, parking and local storage; with the specification's own tests.
#include "guest_runtime/thread/thread.hpp"

#include "guest_runtime/sync/mutex.hpp"
#include "guest_runtime/time/time.hpp"
#include "tests/guest/runtime/check.hpp"

using namespace astra;
using namespace astra::test;
using time::Duration;

namespace {

// The specification, "thread.rs", Testing.
io::Result<void> specification() {
    auto counter = TRY(Arc<std::atomic<usize>>::make(0));
    auto one = TRY(thread::spawn([c = counter.clone()] { c->fetch_add(1); }));
    TRY(one.join());
    equal("spawn runs the closure", counter->load(), 1u);

    Vector<thread::JoinHandle<int>> handles;
    for (int i = 0; i < 4; i++) {
        auto handle = TRY(thread::spawn([i] { return i * 2; }));
        TRY(handles.push_back(std::move(handle)));
    }
    bool right = true;
    for (int i = 0; i < 4; i++) right &= TRY(handles[static_cast<usize>(i)].join()) == i * 2;
    check("four threads give 0, 2, 4, 6", right);
    return {};
}

struct Farewell {
    ~Farewell() {
        if (to) to->fetch_add(1);
    }
    std::atomic<int>* to = nullptr;
};
thread_local Farewell farewell;
thread_local int local = 7;
alignas(64) thread_local char aligned[64];

io::Result<void> identity() {
    equal("the first thread is main", thread::current().name().value_or(""), "main");
    equal("its id", thread::current().id(), 1u);
    auto handle = TRY(thread::Builder().name("worker").stack_size(64 * 1024).spawn([] {
        return thread::current().name() == "worker" && thread::current_name() == "worker" &&
               thread::current().id() > 1;
    }));
    equal("a handle knows its thread", handle.thread().name().value_or(""), "worker");
    check("Builder names", TRY(handle.join()));
    auto unnamed = TRY(thread::spawn([] { return thread::current().name().has_value(); }));
    check("a thread without a name has none", !TRY(unnamed.join()));
    u32 mine = thread::kernel_id();
    auto other = TRY(thread::spawn([] { return thread::kernel_id(); }));
    check("gettid differs", TRY(other.join()) != mine);
    check("available_parallelism", TRY(thread::available_parallelism()) >= 1);
    return {};
}

io::Result<void> locals() {
    local = 8;
    std::atomic<int> farewells{0};
    auto handle = TRY(thread::spawn([&] {
        farewell.to = &farewells;
        return std::exchange(local, 9) == 7 && reinterpret_cast<u64>(aligned) % 64 == 0;
    }));
    check("thread_local starts anew, aligned", TRY(handle.join()));
    equal("and is one's own", local, 8);
    equal("its destructor ran before join", farewells.load(), 1);
    return {};
}

io::Result<void> waiting() {
    std::atomic<int> stage{0};
    auto parked = TRY(thread::spawn([&] {
        while (stage == 0) thread::park();
        stage = 2;
    }));
    thread::sleep(Duration::from_millis(5));
    check("not finished while parked", !parked.is_finished());
    stage = 1;
    parked.thread().unpark();
    TRY(parked.join());
    equal("unpark wakes", stage.load(), 2);
    thread::current().unpark();
    auto start = time::Instant::now();
    thread::park();
    check("unpark before park is kept", start.elapsed() < Duration::from_secs(1));
    start = time::Instant::now();
    thread::park_timeout(Duration::from_millis(20));
    check("park_timeout ends", start.elapsed() >= Duration::from_millis(19));
    thread::yield_now();

    // A thread that is given its own handle.
    struct Cell {
        std::optional<thread::JoinHandle<bool>> handle;
    };
    auto cell = TRY(Arc<sync::Mutex<Cell>>::make());
    std::atomic<int> told{-1};
    auto narcissus = TRY(thread::spawn([cell, &told] {
        while (!cell->lock()->handle) thread::yield_now();
        auto result = cell->lock()->handle->join();
        told = !result && result.error().kind() == io::ErrorKind::Deadlock;
        return true;
    }));
    cell->lock()->handle.emplace(std::move(narcissus));
    while (told < 0) thread::yield_now();
    check("a thread that joins itself is told so", told == 1);
    return {};
}

io::Result<void> scopes() {
    int numbers[] = {1, 2, 3};
    std::atomic<int> sum{0};
    auto started = thread::scope([&](thread::Scope& s) -> io::Result<void> {
        for (int n : numbers)
            TRY(s.spawn([&sum, n] {
                thread::sleep(Duration::from_millis(5));
                sum += n;
            }));
        return {};
    });
    succeeds("scope starts", started);
    equal("and waits for all", sum.load(), 6);
    return {};
}

io::Result<void> many() {
    std::atomic<int> count{0};
    for (int round = 0; round < 20; round++) {
        Vector<thread::JoinHandle<void>> handles;
        for (int i = 0; i < 10; i++) {
            auto handle = TRY(thread::Builder().stack_size(16 * 1024).spawn([&] { count++; }));
            TRY(handles.push_back(std::move(handle)));
        }
        for (auto& handle : handles) TRY(handle.join());
    }
    equal("200 threads, ten at a time", count.load(), 200);
    // More than are kept, and of another size, all alive at once.
    Vector<thread::JoinHandle<void>> crowd;
    std::atomic<bool> go{false};
    for (int i = 0; i < 40; i++) {
        auto handle = TRY(thread::Builder().stack_size(i % 2 ? 16 * 1024 : 8 * 1024 * 1024).spawn([&] {
            while (!go) thread::yield_now();
            count++;
        }));
        TRY(crowd.push_back(std::move(handle)));
    }
    go = true;
    for (auto& handle : crowd) TRY(handle.join());
    equal("40 at once", count.load(), 240);
    auto huge = thread::Builder().stack_size(usize{1} << 47).spawn([] {});
    fails("a stack that cannot be had is an error", huge, io::ErrorKind::OutOfMemory);

    // Parallel, not one after the other: with two CPUs both sides of a ping-pong make progress without a
    // system call.
    if (TRY(thread::available_parallelism()) < 2) {
        println("     one CPU: threads take turns");
        return {};
    }
    std::atomic<int> turn{0};
    auto pong = TRY(thread::spawn([&] {
        for (int i = 0; i < 1000; i++) {
            while (turn != 1) __builtin_ia32_pause();
            turn = 0;
        }
    }));
    for (int i = 0; i < 1000; i++) {
        turn = 1;
        while (turn != 0) __builtin_ia32_pause();
    }
    TRY(pong.join());
    check("two threads run at once", true);
    return {};
}

}  // namespace

int main() {
    run("specification", specification);
    run("identity", identity);
    run("locals", locals);
    run("waiting", waiting);
    run("scopes", scopes);
    run("many", many);
    return finish("rt_thread");
}
