// Thread-local storage: the initial image from PT_TLS, and destructors.
#include "guest_runtime/thread/local_storage.hpp"

#include <algorithm>
#include <new>

#include "guest_runtime/start/elf.hpp"
#include "guest_runtime/sys/constants.hpp"
#include "guest_runtime/sys/syscall.hpp"

namespace astra::thread {

namespace {

/// What FS points at.
struct ControlBlock {
    ControlBlock* self;
    u64 reserved[7];
};

struct LocalDestructor {
    void (*run)(void*);
    void* object;
    LocalDestructor* next;
};
thread_local LocalDestructor* destructors = nullptr;

// The first thread's storage when the program's variables fit, so that most programs need no system call for
// it.
alignas(64) u8 main_storage[1024];

const start::ProgramHeader* tls_header() { return start::program_header(start::kTls); }

usize variables_size() {
    auto* tls = tls_header();
    return tls ? align_up(tls->memsz, storage_alignment()) : 0;
}

}  // namespace

usize storage_alignment() {
    auto* tls = tls_header();
    return std::max<usize>(tls ? tls->align : 1, alignof(ControlBlock));
}

usize storage_size() { return variables_size() + sizeof(ControlBlock); }

u64 init_storage(void* memory) {
    auto* block = reinterpret_cast<ControlBlock*>(static_cast<u8*>(memory) + variables_size());
    if (auto* tls = tls_header()) {
        // The image ends, with its padding, at the thread pointer; the memory is zero.
        u8* to = reinterpret_cast<u8*>(block) - align_up(tls->memsz, tls->align);
        auto* from = reinterpret_cast<const u8*>(start::load_address() + tls->vaddr);
        for (usize i = 0; i < tls->filesz; i++) to[i] = from[i];
    }
    block->self = block;
    return reinterpret_cast<u64>(block);
}

void init_main_storage() {
    void* memory = main_storage;
    if (storage_size() > sizeof main_storage || storage_alignment() > 64) {
        i64 mapped = sys::mmap(0, storage_size() + storage_alignment(), sys::kProtRead | sys::kProtWrite,
                               sys::kMapPrivate | sys::kMapAnonymous, -1, 0);
        if (mapped < 0 && mapped > -4096) sys::exit_group(127);  // there is no thread to say it
        memory = reinterpret_cast<void*>(align_up(static_cast<u64>(mapped), storage_alignment()));
    }
    sys::arch_prctl(sys::kArchSetFs, init_storage(memory));
}

void run_local_destructors() {
    while (LocalDestructor* entry = destructors) {
        destructors = entry->next;
        entry->run(entry->object);
        delete entry;
    }
}

}  // namespace astra::thread

/// Itanium C++ ABI, "Thread-local storage": registers a thread_local object's destructor.
extern "C" int __cxa_thread_atexit(void (*run)(void*), void* object, void*) {
    using astra::thread::destructors;
    auto* entry = new (std::nothrow) astra::thread::LocalDestructor{run, object, destructors};
    if (!entry) return 1;
    destructors = entry;
    return 0;
}
