// print and its kind.
#include "guest_runtime/stdio/print.hpp"

#include <algorithm>

#include "guest_runtime/os/os.hpp"
#include "guest_runtime/os/panic.hpp"

namespace astra::stdio {

namespace {
bool write_whole(int fd, std::string_view text) {
    while (!text.empty()) {
        auto count = io::retry([&] {
            return os::write(fd, {reinterpret_cast<const u8*>(text.data()), text.size()});
        });
        if (!count || *count == 0) return false;
        text.remove_prefix(*count);
    }
    return true;
}
}  // namespace

bool FdSink::write(std::string_view text) {
    if (used_ + text.size() > sizeof buffer_) {
        if (!finish()) return false;
        if (text.size() > sizeof buffer_) return write_whole(fd_, text);
    }
    std::copy_n(text.data(), text.size(), buffer_ + used_);
    used_ += text.size();
    return true;
}

bool FdSink::finish() { return write_whole(fd_, {buffer_, std::exchange(used_, 0)}); }

void print_to(int fd, bool line, std::string_view format, std::span<const fmt::Argument> arguments) {
    FdSink sink(fd);
    fmt::Formatter out(sink);
    out.print_arguments(format, arguments);
    if (line) out.write("\n");
    bool good = sink.finish() && !out.failed();
    if (!good && fd == 1) panic("failed printing to stdout");
}

}  // namespace astra::stdio
