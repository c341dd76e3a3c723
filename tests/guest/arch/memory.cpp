// Checks of memory: the boot tables, page tables, user copies, kernel stacks.
#include "guest_kernel/drivers/command_line.hpp"
#include "tests/guest/arch/selftest.hpp"

namespace astra::selftest {

namespace {

constexpr UserAddr kPage(0x1234'5000);

void boot_info_is_sane() {
    u64 total = 0;
    PhysAddr last;
    for (const BootInfo::Range& range : boot_info().ram) {
        require(range.size > 0 && is_aligned(range.base.raw() | range.size, kPageSize), "ranges are pages");
        require(range.base >= PhysAddr(0x10'0000) && range.base >= last, "ranges are sorted, above 1 MiB");
        last = range.base + range.size;
        total += range.size;
    }
    require(total > (16 << 20), "most RAM is there");
    require(command_line_value("selftest").has_value(), "the command line arrives");
    require(boot_info().image.size > 0, "module 0 arrives");
}

void direct_map_reaches_everything() {
    for (const BootInfo::Range& range : boot_info().ram) {
        for (PhysAddr at : {range.base, range.base + range.size - sizeof(u64)}) {
            auto* word = static_cast<volatile u64*>(arch::phys_to_virt(at));
            *word = at.raw() ^ 0x5a5a;
            require(*word == (at.raw() ^ 0x5a5a), "RAM keeps what is written");
            require(arch::virt_to_phys(const_cast<u64*>(word)) == at, "virt_to_phys inverts phys_to_virt");
        }
    }
    const auto* image = static_cast<const volatile u8*>(arch::phys_to_virt(boot_info().image.base));
    u8 sum = 0;
    for (u64 i = 0; i < boot_info().image.size; i++) sum += image[i];
    require(sum != 0, "the image can be read");
}

void user_copies_stop_at_bad_pages() {
    auto table = arch::PageTable::create();
    require(table.has_value(), "a page table can be made");
    table->activate();
    PhysAddr frame = new_frame();
    require(table->map(kPage, frame, kReadWrite).has_value(), "a page can be mapped");
    static int faults;
    faults = 0;
    hooks.page_fault = [](const FaultInfo& fault, arch::UserRegisters&) {
        require(!fault.from_user && !fault.execute, "the fault is the copy's");
        faults++;
        return false;
    };
    u8 bytes[64];
    for (usize i = 0; i < sizeof bytes; i++) bytes[i] = static_cast<u8>(i + 1);
    for (usize inside = 0; inside <= sizeof bytes; inside++) {
        usize left = arch::copy_to_user(kPage + kPageSize - inside, bytes, sizeof bytes);
        require(left == sizeof bytes - inside, "a copy out stops at the page's end");
        u8 back[64] = {};
        left = arch::copy_from_user(back, kPage + kPageSize - inside, sizeof back);
        require(left == sizeof back - inside, "a copy in stops at the page's end");
        require(__builtin_memcmp(back, bytes, inside) == 0, "the bytes before it arrive");
        require(arch::clear_user(kPage + kPageSize - inside, 64) == 64 - inside, "clearing stops there too");
    }
    require(faults > 0, "the kernel was asked");
    u32 value = 1;
    require(!arch::user_load(kPage + kPageSize, value), "a load of a bad word fails");
    require(!arch::user_compare_exchange(kPage + kPageSize, 0, 1, value), "an exchange of a bad word fails");
    require(arch::user_compare_exchange(kPage, 0, 7, value) && value == 0, "an exchange works");
    require(arch::user_compare_exchange(kPage, 0, 8, value) && value == 7,
            "a failed exchange says what it saw");
    require(arch::user_load(kPage, value) && value == 7, "a load works");
    arch::activate_kernel_tables();
}

void user_copies_resume_after_faults() {
    static arch::PageTable* active;
    auto table = arch::PageTable::create();
    require(table.has_value(), "a page table can be made");
    table->activate();
    active = &*table;
    hooks.page_fault = [](const FaultInfo& fault, arch::UserRegisters&) {
        return active->map(UserAddr(fault.address).page(), new_frame(), kReadWrite).has_value();
    };
    static u8 bytes[5 * kPageSize], back[5 * kPageSize];
    for (usize i = 0; i < sizeof bytes; i++) bytes[i] = static_cast<u8>(i * 7 + i / 256);
    require(arch::copy_to_user(kPage + 3, bytes, sizeof bytes) == 0, "missing pages are brought in");
    require(arch::copy_from_user(back, kPage + 3, sizeof back) == 0, "and stay");
    require(__builtin_memcmp(bytes, back, sizeof back) == 0, "nothing is lost or repeated");
    arch::activate_kernel_tables();
}

void flushes_take_effect() {
    auto table = arch::PageTable::create();
    require(table.has_value(), "a page table can be made");
    table->activate();
    PhysAddr frames[2] = {new_frame(), new_frame()};
    for (u32 i = 0; i < 2; i++) *static_cast<u32*>(arch::phys_to_virt(frames[i])) = i;
    for (u32 i = 0; i < 100; i++) {
        require(table->map(kPage, frames[i % 2], kReadWrite).has_value(), "a page can be remapped");
        arch::flush_tlb(1, kPage, i % 3 ? kPage + kPageSize : kPage + 100 * kPageSize);
        u32 seen = 9;
        require(arch::user_load(kPage, seen) && seen == i % 2, "after a flush the new frame is seen");
    }
    arch::activate_kernel_tables();
}

void kernel_stacks_come_and_go() {
    PhysAddr frames[arch::kKernelStackSize / kPageSize];
    for (PhysAddr& frame : frames) frame = new_frame();
    u64 highest = 0;
    for (u64 round = 0; round < 1000; round++) {
        Result<void*> base = arch::map_kernel_stack(frames);
        require(base.has_value(), "a stack can be mapped");
        auto* words = static_cast<volatile u64*>(*base);
        words[0] = round;
        words[arch::kKernelStackSize / 8 - 1] = ~round;
        require(*static_cast<volatile u64*>(arch::phys_to_virt(frames[0])) == round,
                "its frames are the caller's");
        if (reinterpret_cast<u64>(*base) > highest) highest = reinterpret_cast<u64>(*base);
        arch::unmap_kernel_stack(*base, std::size(frames));
    }
    require(highest < 0xffff'c900'0100'0000, "freed address space is used again");
}

constexpr Check kChecks[] = {
    {"boot information", boot_info_is_sane},
    {"direct map", direct_map_reaches_everything},
    {"user copies stop at bad pages", user_copies_stop_at_bad_pages},
    {"user copies resume after faults", user_copies_resume_after_faults},
    {"flushes", flushes_take_effect},
    {"kernel stacks", kernel_stacks_come_and_go},
};

/// Uses up the stack, a page at a time.
[[gnu::noinline]] u64 recurse(u64 depth) {
    volatile u8 page[4096];
    page[0] = static_cast<u8>(depth);
    return depth == 0 ? page[0] : recurse(depth - 1) + page[0];
}

}  // namespace

std::span<const Check> memory_checks() { return kChecks; }

void overflow_stack() {
    hooks.trap = [](const KernelTrap& trap) {
        require(trap.vector == 8, "a stack overflow is a double fault");
        say("arch selftest: ok\n");
        arch::exit_machine(abi::machine::ExitCode::Clean);
    };
    static u64 here;
    u64 sp = arch::prepare_stack(
        new_stack(), [](void*) { recurse(100); }, nullptr);
    arch::astra_switch_stack(&here, sp);
    require(false, "an overflow is noticed");
    __builtin_unreachable();
}

}  // namespace astra::selftest
