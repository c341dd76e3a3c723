// The kernel log.
#include "guest_kernel/drivers/log.hpp"

#include <cstdarg>

#include "guest_kernel/arch/arch.hpp"
#include "guest_kernel/base/format.hpp"
#include "guest_kernel/sched/lock.hpp"

namespace astra {

namespace {

struct Ring {
    static constexpr usize kSize = 32 * 1024;
    char bytes[kSize] = {};
    u64 written = 0;
    void append(std::span<const char> text) {
        for (char c : text) bytes[written++ % kSize] = c;
    }
};
constinit sched::SpinLocked<Ring, sched::Rank::Log> ring;
constinit std::atomic<LogLevel> console_level{LogLevel::Warning};
constinit std::atomic<void (*)(std::span<const char>)> console_sink{nullptr};

}  // namespace

void log(LogLevel level, const char* format, ...) {
    char line[256];
    u64 us = arch::now_ns() / 1000;
    usize length = format_to(line, sizeof line, "[%5lu.%06lu] ", us / 1000000, us % 1000000);
    va_list arguments;
    va_start(arguments, format);
    length += format_to_v(line + length, sizeof line - length, format, arguments);
    va_end(arguments);
    if (length > sizeof line - 2) length = sizeof line - 2;
    line[length++] = '\n';
    std::span<const char> text{line, length};
    ring.lock()->append(text);
    if (level > console_level.load(std::memory_order_relaxed)) return;
    if (auto* sink = console_sink.load(std::memory_order_acquire))
        sink(text);
    else
        arch::early_write(text);
}

void set_console_log_level(LogLevel level) { console_level = level; }
void set_log_sink(void (*sink)(std::span<const char>)) { console_sink = sink; }

usize log_size() {
    u64 written = ring.lock()->written;
    return written < Ring::kSize ? written : Ring::kSize;
}

usize read_log(std::span<char> to) {
    auto guard = ring.lock();
    u64 available = guard->written < Ring::kSize ? guard->written : Ring::kSize;
    usize count = to.size() < available ? to.size() : available;
    for (usize i = 0; i < count; i++) to[i] = guard->bytes[(guard->written - count + i) % Ring::kSize];
    return count;
}

}  // namespace astra
