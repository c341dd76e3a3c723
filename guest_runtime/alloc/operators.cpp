// operator new and delete. The plain forms panic when there is no memory; what can fail uses the nothrow ones
// and reports OutOfMemory.
#include <new>

#include "guest_runtime/alloc/alloc.hpp"
#include "guest_runtime/os/panic.hpp"

using astra::alloc::allocate;
using astra::alloc::deallocate;

namespace std {
const nothrow_t nothrow{};
}

namespace {
void* allocate_or_panic(astra::usize size, astra::usize alignment) {
    void* block = allocate(size, alignment);
    if (!block) astra::panic("out of memory");
    return block;
}
}  // namespace

void* operator new(std::size_t size) { return allocate_or_panic(size, 16); }
void* operator new[](std::size_t size) { return allocate_or_panic(size, 16); }
void* operator new(std::size_t size, std::align_val_t a) {
    return allocate_or_panic(size, static_cast<std::size_t>(a));
}
void* operator new[](std::size_t size, std::align_val_t a) {
    return allocate_or_panic(size, static_cast<std::size_t>(a));
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return allocate(size); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return allocate(size); }
void* operator new(std::size_t size, std::align_val_t a, const std::nothrow_t&) noexcept {
    return allocate(size, static_cast<std::size_t>(a));
}
void* operator new[](std::size_t size, std::align_val_t a, const std::nothrow_t&) noexcept {
    return allocate(size, static_cast<std::size_t>(a));
}
void operator delete(void* block) noexcept { deallocate(block); }
void operator delete[](void* block) noexcept { deallocate(block); }
void operator delete(void* block, std::size_t) noexcept { deallocate(block); }
void operator delete[](void* block, std::size_t) noexcept { deallocate(block); }
void operator delete(void* block, std::align_val_t) noexcept { deallocate(block); }
void operator delete[](void* block, std::align_val_t) noexcept { deallocate(block); }
void operator delete(void* block, std::size_t, std::align_val_t) noexcept { deallocate(block); }
void operator delete[](void* block, std::size_t, std::align_val_t) noexcept { deallocate(block); }
