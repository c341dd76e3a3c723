// operator new and delete on the kernel heap. The host build of the core keeps the host's own.
#include <new>

#include "guest_kernel/arch/upcalls.hpp"
#include "guest_kernel/mm/heap.hpp"

#if ASTRA_KERNEL

using astra::usize;
namespace mm = astra::mm;

// The plain forms cannot report failure without exceptions: the kernel allocates through std::nothrow
// (make_ref, make_own, Vector) and anything else is a bug that must not go unnoticed.
void* operator new(usize size) {
    void* memory = mm::heap_alloc(size);
    if (!memory) astra::panic("out of memory in an allocation that cannot fail (%lu bytes)", size);
    return memory;
}
void* operator new[](usize size) { return operator new(size); }
void* operator new(usize size, const std::nothrow_t&) noexcept { return mm::heap_alloc(size); }
void* operator new[](usize size, const std::nothrow_t&) noexcept { return mm::heap_alloc(size); }
void* operator new(usize size, std::align_val_t alignment, const std::nothrow_t&) noexcept {
    return mm::heap_alloc_aligned(size, static_cast<usize>(alignment));
}
void* operator new[](usize size, std::align_val_t alignment, const std::nothrow_t&) noexcept {
    return mm::heap_alloc_aligned(size, static_cast<usize>(alignment));
}
void operator delete(void* pointer) noexcept { mm::heap_free(pointer); }
void operator delete[](void* pointer) noexcept { mm::heap_free(pointer); }
void operator delete(void* pointer, usize) noexcept { mm::heap_free(pointer); }
void operator delete[](void* pointer, usize) noexcept { mm::heap_free(pointer); }
void operator delete(void* pointer, std::align_val_t) noexcept { mm::heap_free(pointer); }
void operator delete[](void* pointer, std::align_val_t) noexcept { mm::heap_free(pointer); }
void operator delete(void* pointer, usize, std::align_val_t) noexcept { mm::heap_free(pointer); }
void operator delete[](void* pointer, usize, std::align_val_t) noexcept { mm::heap_free(pointer); }
void operator delete(void* pointer, const std::nothrow_t&) noexcept { mm::heap_free(pointer); }
void operator delete[](void* pointer, const std::nothrow_t&) noexcept { mm::heap_free(pointer); }
void operator delete(void* pointer, std::align_val_t, const std::nothrow_t&) noexcept {
    mm::heap_free(pointer);
}

// std::nothrow lives in the C++ library, which the kernel does not link.
const std::nothrow_t std::nothrow{};

#endif
