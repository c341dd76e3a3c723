// sync: locks, condition variables, once, barriers and channels under contention; with the specification's
// own tests.
#include "guest_runtime/sync/mpsc.hpp"
#include "guest_runtime/sync/once.hpp"
#include "guest_runtime/sync/rwlock.hpp"
#include "guest_runtime/thread/thread.hpp"
#include "tests/guest/runtime/check.hpp"

using namespace astra;
using namespace astra::test;
using time::Duration;

namespace {

/// `threads` threads that each run `work(i)`.
template <class F>
io::Result<void> all(int threads, F work) {
    Vector<thread::JoinHandle<void>> handles;
    for (int i = 0; i < threads; i++) {
        auto handle = TRY(thread::spawn([work, i]() mutable { work(i); }));
        TRY(handles.push_back(std::move(handle)));
    }
    for (auto& handle : handles) TRY(handle.join());
    return {};
}

// The specification, "sync.rs", Testing (10 threads of 100: 1000), and its example 3 (4 threads of 100: 400).
io::Result<void> specification() {
    sync::RawMutex raw;
    raw.lock();
    check("lock and unlock", !raw.try_lock());
    raw.unlock();
    for (int threads : {10, 4}) {
        auto counter = TRY(Arc<sync::Mutex<int>>::make(0));
        TRY(all(threads, [counter](int) {
            for (int i = 0; i < 100; i++) *counter->lock() += 1;
        }));
        equal("the counter", *counter->lock(), threads * 100);
    }
    return {};
}

io::Result<void> mutexes() {
    sync::Mutex<u64> counter(0);
    TRY(all(4, [&](int) {
        for (int i = 0; i < 20000; i++) *counter.lock() += 1;
    }));
    equal("contended Mutex loses nothing", *counter.lock(), 80000u);
    auto held = counter.lock();
    auto other = TRY(thread::spawn([&] { return counter.try_lock().has_value(); }));
    check("try_lock of a locked one", !TRY(other.join()));
    return {};
}

io::Result<void> rwlocks() {
    struct Pair {
        int a = 0, b = 0;
    };
    sync::RwLock<Pair> pair;
    std::atomic<int> torn{0}, together{0}, most{0};
    TRY(all(4, [&](int i) {
        for (int k = 0; k < 2000; k++) {
            if (i == 0) {
                auto w = pair.write();
                w->a++;
                w->b++;
            } else {
                auto r = pair.read();
                torn += r->a != r->b;
            }
        }
    }));
    equal("writers exclude readers", torn.load(), 0);
    equal("and lose nothing", pair.read()->a, 2000);
    sync::Barrier both(2);
    TRY(all(2, [&](int) {
        auto r = pair.read();
        both.wait();  // passes only when both hold it
        together++;
    }));
    equal("readers hold it together", together.load(), 2);
    {
        auto r = pair.read();
        check("try_write of a read one", !pair.try_write());
        check("try_read of a read one", pair.try_read().has_value());
    }
    auto w = pair.write();
    check("try_read of a written one", !pair.try_read());
    return {};
}

io::Result<void> condvars() {
    sync::Mutex<int> value(0);
    sync::Condvar changed;
    auto consumer = TRY(thread::spawn([&] {
        auto v = value.lock();
        changed.wait_while(v, [](int& now) { return now < 3; });
        return *v;
    }));
    for (int i = 0; i < 3; i++) {
        *value.lock() += 1;
        changed.notify_one();
        thread::sleep(Duration::from_millis(2));
    }
    equal("wait_while", TRY(consumer.join()), 3);
    auto v = value.lock();
    auto start = time::Instant::now();
    bool in_time = changed.wait_timeout_while(v, Duration::from_millis(20), [](int&) { return true; });
    check("wait_timeout_while gives up", !in_time && start.elapsed() >= Duration::from_millis(20));
    check("and holds the lock again",
          !TRY(TRY(thread::spawn([&] { return value.try_lock().has_value(); })).join()));
    return {};
}

io::Result<void> onces() {
    static sync::Once once;
    static std::atomic<int> runs{0};
    TRY(all(8, [](int) {
        once.call_once([] {
            thread::sleep(Duration::from_millis(5));
            runs++;
        });
        if (runs != 1) runs = 100;
    }));
    equal("call_once runs once, and is waited for", runs.load(), 1);
    sync::OnceLock<int> cell;
    check("OnceLock is empty", cell.get() == nullptr);
    check("set", cell.set(5) && !cell.set(6));
    equal("get_or_init keeps it", cell.get_or_init([] { return 7; }), 5);
    auto answer = [] {
        static int made = [] {
            thread::sleep(Duration::from_millis(5));
            return runs.fetch_add(1);
        }();
        return made;
    };
    TRY(all(4, [&](int) { answer(); }));
    equal("a static local is made once", runs.load(), 2);
    return {};
}

io::Result<void> barriers() {
    sync::Barrier barrier(4);
    std::atomic<int> leaders{0}, before{0}, early{0};
    TRY(all(4, [&](int) {
        for (int round = 1; round <= 10; round++) {
            before++;
            leaders += barrier.wait();
            early += before < 4 * round;
            barrier.wait();
        }
    }));
    equal("nobody passes early", early.load(), 0);
    equal("one leader a round", leaders.load(), 10);
    return {};
}

io::Result<void> channels() {
    auto [sender, receiver] = TRY(sync::channel<int>());
    {
        auto own = std::move(sender);
        TRY(all(3, [own](int i) {
            for (int k = 0; k < 100; k++) (void)own.send(i * 100 + k);
        }));
        check("recv_timeout takes what is there", receiver.recv_timeout(Duration::from_secs(1)).has_value());
    }
    int count = 1;
    while (receiver.recv()) count++;
    equal("everything sent is received", count, 300);
    check("then the senders are gone", receiver.recv().error() == sync::RecvError::Disconnected);

    auto [bounded, end] = TRY(sync::sync_channel<int>(2));
    check("try_recv of an empty one", end.try_recv().error() == sync::RecvError::Empty);
    check("recv_timeout of an empty one",
          end.recv_timeout(Duration::from_millis(5)).error() == sync::RecvError::Timeout);
    std::atomic<int> sent{0};
    auto producer = TRY(thread::spawn([&, out = std::move(bounded)] {
        for (int i = 0; i < 5; i++) {
            (void)out.send(i);
            sent++;
        }
    }));
    thread::sleep(Duration::from_millis(30));
    equal("a bounded channel holds its sender back", sent.load(), 2);
    bool order = true;
    for (int i = 0; i < 5; i++) order &= end.recv() == i;
    check("values come in order", order);
    TRY(producer.join());
    auto [orphan, gone] = TRY(sync::channel<int>());
    { auto drop = std::move(gone); }
    auto refused = orphan.send(9);
    check("send to nobody gives the value back", !refused && refused.error().value == 9);
    return {};
}

}  // namespace

int main() {
    run("specification", specification);
    run("mutexes", mutexes);
    run("rwlocks", rwlocks);
    run("condvars", condvars);
    run("onces", onces);
    run("barriers", barriers);
    run("channels", channels);
    return finish("rt_sync");
}
