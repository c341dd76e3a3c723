// What arch code asks of the rest of the kernel, in its simplest form: frames from the arena, faults to a
// test's function.
#pragma once
#include <gtest/gtest.h>

#include <functional>

#include "guest_kernel/arch/host/host.hpp"
#include "guest_kernel/mm/frames.hpp"

namespace astra {

/// Frames handed out and not freed; what the next allocations may still take.
struct Frames {
    static inline usize live = 0, budget = ~usize{0};
};

class ArchTest : public testing::Test {
  protected:
    ArchTest();
    ~ArchTest() override;
    /// Answers handle_page_fault; false by default.
    static inline std::function<bool(const FaultInfo&)> on_fault;
    /// A frame filled with `byte`, for mapping.
    static PhysAddr frame(u8 byte);
};

}  // namespace astra
