// Mistakes are caught and told: each is made by a child, which must end the right way with the right message.
#include "guest_runtime/alloc/alloc.hpp"
#include "guest_runtime/env/args.hpp"
#include "guest_runtime/env/env.hpp"
#include "guest_runtime/fs/fs.hpp"
#include "guest_runtime/process/command.hpp"
#include "guest_runtime/sync/mutex.hpp"
#include "guest_runtime/sync/rwlock.hpp"
#include "guest_runtime/sys/constants.hpp"
#include "guest_runtime/text/text.hpp"
#include "guest_runtime/thread/thread.hpp"
#include "tests/guest/runtime/check.hpp"

using namespace astra;
using namespace astra::test;

namespace {

volatile int never = -1;

[[gnu::noinline]] int dig(int depth) {
    if (depth == never) return 0;
    volatile char room[1000];
    for (auto& c : room) c = static_cast<char>(depth);
    return dig(depth + 1) + room[depth % 1000];
}

void overflow_main() { dig(0); }
void overflow_thread() {
    auto handle = thread::Builder().name("digger").stack_size(64 * 1024).spawn([] { dig(0); });
    if (handle) (void)handle->join();
}
void double_lock() {
    sync::Mutex<int> mutex(0);
    auto guard = mutex.lock();
    auto again = mutex.lock();
}
void use_moved_file() {
    auto file = fs::File::open("/index.html");
    auto moved = std::move(*file);
    (void)file->metadata();
}
void use_moved_handle() {
    auto handle = thread::spawn([] {});
    (void)handle->join();
    (void)handle->join();
}
void use_moved_guard() {
    sync::Mutex<int> mutex(0);
    auto guard = mutex.lock();
    auto moved = std::move(guard);
    *guard = 1;
}
void use_empty_box() {
    Box<int> box;
    *box = 1;
}
void double_free() {
    void* block = alloc::allocate(100);
    alloc::deallocate(block);
    alloc::deallocate(block);
}
void free_nonsense() {
    static u64 words[8];
    alloc::deallocate(words + 4);
}
void overrun_large() {
    auto* block = static_cast<volatile u8*>(alloc::allocate(100'000));
    for (usize i = 0; i < 200'000; i++) block[i] = 1;
}
void duration_underflow() {
    volatile u64 one = 1;
    (void)(time::Duration::from_secs(one) - time::Duration::from_secs(2));
}
void destroy_locked() {
    auto* lock = new sync::RwLock<int>(0);
    auto guard = lock->read();
    delete lock;
}
void panic_in_thread() {
    auto handle = thread::Builder().name("unlucky").spawn([] { panic("as it should"); });
    if (handle) (void)handle->join();
}
void null_write() {
    volatile u64 nowhere = 64;
    *reinterpret_cast<volatile int*>(nowhere) = 1;
}

struct Case {
    std::string_view name;
    void (*make)();
    int signal;
    std::string_view message;
};
constexpr Case kCases[] = {
    {"stack overflow of main", overflow_main, sys::kSigAbort, "thread 'main' has overflowed its stack"},
    {"stack overflow of a thread", overflow_thread, sys::kSigAbort,
     "thread 'digger' has overflowed its stack"},
    {"a Mutex locked twice", double_lock, sys::kSigAbort, "locked twice by the same thread"},
    {"a File used after move", use_moved_file, sys::kSigAbort, "use of a moved or closed handle"},
    {"a JoinHandle used after join", use_moved_handle, sys::kSigAbort, "use of a moved or joined JoinHandle"},
    {"a guard used after move", use_moved_guard, sys::kSigAbort, "use of a moved MutexGuard"},
    {"an empty Box", use_empty_box, sys::kSigAbort, "use of an empty or moved Box"},
    {"a block freed twice", double_free, sys::kSigAbort, "freed twice"},
    {"a pointer freed that is no block", free_nonsense, sys::kSigAbort, "a pointer that is no block"},
    {"a large block overrun", overrun_large, sys::kSigSegv, ""},
    {"a negative Duration", duration_underflow, sys::kSigAbort, "overflow in Duration"},
    {"a locked lock destroyed", destroy_locked, sys::kSigAbort, "a locked RwLock was destroyed"},
    {"a panic names thread and place", panic_in_thread, sys::kSigAbort, "thread 'unlucky' panicked at "},
    {"an ordinary fault stays one", null_write, sys::kSigSegv, ""},
};

io::Result<void> all() {
    String self = TRY(env::current_exe());
    for (usize i = 0; i < std::size(kCases); i++) {
        const Case& c = kCases[i];
        String number = TRY(format("{}", i));
        auto out = TRY(process::Command(self).arg(number).output());
        bool ended = out.status.signal() == c.signal;
        bool told = out.stderr_text().find(c.message) != std::string_view::npos;
        if (!check(c.name, ended && told)) println("     {}: {}", out.status, out.stderr_text());
    }
    return {};
}

}  // namespace

int main() {
    if (args::count() > 1) {
        kCases[*text::parse<usize>(args::at(1))].make();
        return 0;
    }
    run("misuse", all);
    return finish("rt_misuse");
}
