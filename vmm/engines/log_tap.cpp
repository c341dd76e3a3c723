// Reading a machine's own words.
#include "vmm/engines/log_tap.hpp"

#include <array>
#include <cerrno>

namespace astra::vmm {
namespace {

constexpr int kReadsPerDrain = 16;

}  // namespace

std::string printable(std::string_view text) {
    std::string safe;
    safe.reserve(text.size());
    for (char c : text) {
        if (c == '\t')
            safe += ' ';
        else
            safe += c >= 0x20 && c < 0x7f ? c : '?';
    }
    return safe;
}

LogTap::Source LogTap::drain() {
    std::array<char, 4096> buffer;
    for (int i = 0; i < kReadsPerDrain; i++) {
        ssize_t got = ::read(fd_.get(), buffer.data(), buffer.size());
        if (got > 0) {
            take({buffer.data(), static_cast<usize>(got)});
        } else if (got < 0 && errno == EINTR) {
            continue;
        } else if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            return Source::Open;
        } else {
            if (!partial_.empty()) finish_line();
            return Source::Ended;
        }
    }
    return Source::Open;
}

std::string LogTap::last_line() const {
    for (auto line = lines_.rbegin(); line != lines_.rend(); ++line)
        if (line->find_first_not_of(' ') != std::string::npos) return *line;
    return {};
}

void LogTap::take(std::string_view bytes) {
    for (char c : bytes) {
        if (c == '\n' || partial_.size() == kMaxLine) finish_line();
        if (c != '\n' && c != '\r') partial_ += c;
    }
}

void LogTap::finish_line() {
    if (lines_.size() == kKeptLines) lines_.pop_front();
    lines_.push_back(printable(partial_));
    partial_.clear();
    sink_(lines_.back());
}

}  // namespace astra::vmm
