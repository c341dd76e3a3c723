// Frames and faults for the arch tests.
#include "tests/unit/arch/fixture.hpp"

#include <cstring>

namespace astra {

namespace {

std::vector<PhysAddr> free_list;
PhysAddr next = arch::host::kRam.base;

PhysAddr take() {
    PhysAddr frame = next;
    if (free_list.empty()) {
        next += kPageSize;
    } else {
        frame = free_list.back();
        free_list.pop_back();
    }
    return frame;
}

std::function<bool(const FaultInfo&)>* fault_handler;

}  // namespace

namespace mm {

Result<PhysAddr> alloc_page_table_frame() {
    if (Frames::budget == 0) return fail(Errno::kENOMEM);
    Frames::budget--;
    Frames::live++;
    PhysAddr frame = take();
    memset(arch::phys_to_virt(frame), 0, kPageSize);
    return frame;
}

void free_page_table_frame(PhysAddr frame) {
    Frames::live--;
    memset(arch::phys_to_virt(frame), 0xdb, kPageSize);
    free_list.push_back(frame);
}

}  // namespace mm

bool handle_page_fault(const FaultInfo& fault, arch::UserRegisters*) {
    return *fault_handler && (*fault_handler)(fault);
}

ArchTest::ArchTest() {
    fault_handler = &on_fault;
    on_fault = nullptr;
    Frames::live = 0;
    Frames::budget = ~usize{0};
    arch::activate_kernel_tables();
}

ArchTest::~ArchTest() { arch::activate_kernel_tables(); }

PhysAddr ArchTest::frame(u8 byte) {
    PhysAddr frame = take();
    memset(arch::phys_to_virt(frame), byte, kPageSize);
    return frame;
}

}  // namespace astra
