// From the first instruction to main: relocations of position-independent programs, thread-local storage, the
// process's arguments, constructors; and what is left to do at the end.
#include "guest_runtime/start/start.hpp"

#include "guest_runtime/os/panic.hpp"
#include "guest_runtime/process/exit.hpp"
#include "guest_runtime/start/elf.hpp"
#include "guest_runtime/sys/constants.hpp"
#include "guest_runtime/sys/syscall.hpp"
#include "guest_runtime/thread/local_storage.hpp"
#include "guest_runtime/thread/stack_guard.hpp"

extern "C" {
int main(int argc, char** argv, char** envp);
extern void (*__init_array_start[])(int, char**, char**) __attribute__((visibility("hidden")));
extern void (*__init_array_end[])(int, char**, char**) __attribute__((visibility("hidden")));
extern void (*__fini_array_start[])() __attribute__((visibility("hidden")));
extern void (*__fini_array_end[])() __attribute__((visibility("hidden")));
}

namespace astra::start {

namespace {

Arguments arguments;

/// Adds the load address to every word that the linker listed (R_X86_64_RELATIVE); nothing else occurs in a
/// static program. Runs before anything that such a word belongs to may be used.
void relocate() {
    auto* header = program_header(kDynamic);
    if (!header) return;
    u64 base = load_address(), table = 0, size = 0;
    for (auto* d = reinterpret_cast<const Dynamic*>(base + header->vaddr); d->tag; d++) {
        if (d->tag == kRela) table = d->value;
        if (d->tag == kRelaSize) size = d->value;
    }
    auto* relocation = reinterpret_cast<const Relocation*>(base + table);
    for (; size >= sizeof *relocation; size -= sizeof *relocation, relocation++)
        if (static_cast<u32>(relocation->info) == kRelative)
            *reinterpret_cast<u64*>(base + relocation->offset) = base + relocation->addend;
}

// What static objects registered to be done at the end, last first.
struct AtExit {
    void (*run)(void*);
    void* object;
    AtExit* next;
};
AtExit* at_exit = nullptr;

}  // namespace

const Arguments& process_arguments() { return arguments; }

u64 auxiliary(u64 type) {
    for (const u64* entry = arguments.auxv; entry && entry[0]; entry += 2)
        if (entry[0] == type) return entry[1];
    return 0;
}

}  // namespace astra::start

namespace astra::process {

void exit(int status) {
    thread::run_local_destructors();
    // Taken off one by one: what runs may register more.
    while (auto* entry = __atomic_load_n(&start::at_exit, __ATOMIC_ACQUIRE)) {
        if (!__atomic_compare_exchange_n(&start::at_exit, &entry, entry->next, false, __ATOMIC_ACQ_REL,
                                         __ATOMIC_ACQUIRE))
            continue;
        entry->run(entry->object);
    }
    for (auto f = __fini_array_end; f != __fini_array_start;) (*--f)();
    for (;;) sys::exit_group(status);
}

}  // namespace astra::process

extern "C" {

void* __dso_handle = nullptr;

/// Itanium C++ ABI, 3.3.6.3. Answers nonzero when there is no memory.
int __cxa_atexit(void (*run)(void*), void* object, void*) {
    auto* entry = new (std::nothrow) astra::start::AtExit{run, object, nullptr};
    if (!entry) return 1;
    entry->next = __atomic_load_n(&astra::start::at_exit, __ATOMIC_RELAXED);
    while (!__atomic_compare_exchange_n(&astra::start::at_exit, &entry->next, entry, false, __ATOMIC_ACQ_REL,
                                        __ATOMIC_RELAXED)) {}
    return 0;
}

/// Called by _start with the first stack: argc, argv…, null, envp…, null, auxv (System V ABI, 3.4.1).
[[noreturn]] void astra_start(astra::u64* stack) {
    using namespace astra;
    start::relocate();
    auto& a = start::arguments;
    a.count = static_cast<int>(stack[0]);
    a.values = reinterpret_cast<char**>(stack + 1);
    a.environment = a.values + a.count + 1;
    char** end = a.environment;
    while (*end) end++;
    a.auxv = reinterpret_cast<const u64*>(end + 1);
    thread::init_main_storage();
    thread::install_stack_guard(0, 0);
    // A reader that went away is an error of write, not the end of the program (as Rust's runtime has it).
    abi::SigAction ignore{.handler = sys::kSigIgnore, .flags = 0, .restorer = 0, .mask = 0};
    sys::rt_sigaction(sys::kSigPipe, &ignore, nullptr, sizeof(abi::SigSet));
    for (auto f = __init_array_start; f != __init_array_end; f++) (*f)(a.count, a.values, a.environment);
    process::exit(main(a.count, a.values, a.environment));
}
}
