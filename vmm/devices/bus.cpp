// Bus: sorted windows, binary search, one device lock per access.
#include "vmm/devices/bus.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace astra::vmm {

Result<void> Bus::attach(u64 base, u64 size, Device& device, std::mutex& lock) {
    u64 end = 0;
    if (size == 0 || __builtin_add_overflow(base, size - 1, &end))
        return fail(Code::InvalidArgument,
                    fmt::format("{} window of {} at {:#x} is empty or wraps", name_, device.label(), base));
    auto next = std::ranges::upper_bound(windows_, base, {}, [](const auto& window) { return window->base; });
    const Window* clash = nullptr;
    if (next != windows_.begin() && base - (*std::prev(next))->base < (*std::prev(next))->size)
        clash = std::prev(next)->get();
    else if (next != windows_.end() && (*next)->base <= end)
        clash = next->get();
    if (clash)
        return fail(Code::InvalidArgument,
                    fmt::format("{} window of {} at {:#x} overlaps {} at {:#x}", name_, device.label(), base,
                                clash->device.label(), clash->base));
    windows_.insert(next, std::unique_ptr<Window>(new Window{base, size, device, lock}));
    return {};
}

Bus::Window* Bus::find(u64 address, u64 length) {
    auto next =
        std::ranges::upper_bound(windows_, address, {}, [](const auto& window) { return window->base; });
    if (next == windows_.begin()) return nullptr;
    Window& window = **std::prev(next);
    u64 offset = address - window.base;
    return offset < window.size && length <= window.size - offset ? &window : nullptr;
}

void Bus::read(u64 address, std::span<u8> data) {
    Window* window = find(address, data.size());
    if (!window) {
        unclaimed_.fetch_add(1, std::memory_order_relaxed);
        std::ranges::fill(data, u8{0xff});
        return;
    }
    window->reads.fetch_add(1, std::memory_order_relaxed);
    std::lock_guard guard(window->lock);
    window->device.read(address - window->base, data);
}

void Bus::write(u64 address, std::span<const u8> data) {
    Window* window = find(address, data.size());
    if (!window) {
        unclaimed_.fetch_add(1, std::memory_order_relaxed);
        return;
    }
    window->writes.fetch_add(1, std::memory_order_relaxed);
    std::lock_guard guard(window->lock);
    window->device.write(address - window->base, data);
}

std::vector<Bus::Counts> Bus::counts() const {
    std::vector<Counts> all;
    for (const auto& window : windows_)
        all.push_back({window->device.label(), window->base, window->size,
                       window->reads.load(std::memory_order_relaxed),
                       window->writes.load(std::memory_order_relaxed)});
    return all;
}

}  // namespace astra::vmm
