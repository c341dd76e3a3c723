// The kernel's memcpy and its like under names of their own, beside the host's.
#define memcpy kernel_memcpy
#define memmove kernel_memmove
#define memset kernel_memset
#define memcmp kernel_memcmp
#include "guest_kernel/arch/x86_64/memory.S"
