// Segments and records.
#include "vmm/supervisor/console_log.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "vmm/base/io.hpp"
#include "vmm/base/state_dir.hpp"
#include "vmm/supervisor/records.hpp"

namespace astra::vmm {
namespace {

constexpr u32 kMaxRecord = 256 * 1024;

std::string segment_path(const std::string& folder, u64 start) {
    return fmt::format("{}/{:020}", folder, start);
}

/// First bytes of the segments in a folder, oldest first.
std::vector<u64> list_segments(const std::string& folder) {
    std::vector<u64> starts;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
        std::string name = entry.path().filename();
        u64 start = 0;
        auto [end, bad] = std::from_chars(name.data(), name.data() + name.size(), start);
        if (bad == std::errc() && end == name.data() + name.size()) starts.push_back(start);
    }
    std::ranges::sort(starts);
    return starts;
}

}  // namespace

Result<ConsoleLog> ConsoleLog::create(std::string folder) {
    TRY(make_directories(folder));
    ConsoleLog log(std::move(folder));
    TRY(log.begin_segment());
    return log;
}

Result<void> ConsoleLog::begin_segment() {
    std::string path = segment_path(folder_, end_);
    segment_.reset(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600));
    if (!segment_.valid()) return fail_errno(path);
    in_segment_ = 0;
    segments_.push_back(end_);
    if (segments_.size() > kSegments) {
        ::unlink(segment_path(folder_, segments_.front()).c_str());
        segments_.erase(segments_.begin());
    }
    return {};
}

Result<void> ConsoleLog::append(ConsoleStream stream, std::span<const u8> bytes) {
    while (!bytes.empty()) {
        if (in_segment_ >= kSegmentBytes) TRY(begin_segment());
        auto piece = bytes.first(std::min<usize>(bytes.size(), kMaxRecord));
        ConsoleRecord record{end_, unix_ns(), stream, static_cast<u32>(piece.size())};
        std::vector<u8> whole(sizeof record + piece.size());
        std::memcpy(whole.data(), &record, sizeof record);
        std::memcpy(whole.data() + sizeof record, piece.data(), piece.size());
        if (auto written = write_all(segment_.get(), whole); !written) {
            // Half a record must not stand between whole ones.
            (void)!::ftruncate(segment_.get(), static_cast<off_t>(in_segment_));
            return written;
        }
        in_segment_ += whole.size();
        end_ += piece.size();
        bytes = bytes.subspan(piece.size());
    }
    return {};
}

/// Moves to the segment that holds next_, or the oldest one after it. False: there is none to move to.
Result<bool> ConsoleReader::open_segment() {
    std::vector<u64> starts = list_segments(folder_);
    auto after = std::ranges::upper_bound(starts, next_);
    u64 start;
    if (after != starts.begin())
        start = *std::prev(after);
    else if (after != starts.end())
        start = *after;
    else
        return false;
    if (segment_.valid() && start <= segment_start_) return false;
    Fd fd(::open(segment_path(folder_, start).c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd.valid() && errno == ENOENT) return open_segment();  // it was the oldest and has just gone
    if (!fd.valid()) return fail_errno(segment_path(folder_, start));
    segment_ = std::move(fd);
    segment_start_ = start;
    at_ = 0;
    return true;
}

Result<std::optional<ConsoleReader::Piece>> ConsoleReader::next() {
    if (!segment_.valid() && !TRY(open_segment())) return std::nullopt;
    for (;;) {
        ConsoleRecord record;
        ssize_t got = ::pread(segment_.get(), &record, sizeof record, static_cast<off_t>(at_));
        if (got < 0) return fail_errno(folder_);
        if (got < static_cast<ssize_t>(sizeof record)) {
            if (!TRY(open_segment())) return std::nullopt;
            continue;
        }
        if (record.length > kMaxRecord || record.offset < segment_start_)
            return fail(Code::Corrupt, segment_path(folder_, segment_start_) + ": a record makes no sense");
        Piece piece{.from = record.offset,
                    .to = record.offset + record.length,
                    .unix_ns = record.unix_ns,
                    .stream = record.stream,
                    .bytes = std::vector<u8>(record.length)};
        got = ::pread(segment_.get(), piece.bytes.data(), record.length,
                      static_cast<off_t>(at_ + sizeof record));
        if (got < 0) return fail_errno(folder_);
        if (static_cast<u32>(got) < record.length) return std::nullopt;  // still being written
        if (piece.from > next_) {
            Piece gap{.from = next_, .to = piece.from, .gap = true, .bytes = {}};
            next_ = piece.from;
            return gap;
        }
        at_ += sizeof record + record.length;
        if (piece.to <= next_) continue;
        piece.bytes.erase(piece.bytes.begin(),
                          piece.bytes.begin() + static_cast<std::ptrdiff_t>(next_ - piece.from));
        piece.from = next_;
        next_ = piece.to;
        return piece;
    }
}

u64 console_end(const std::string& folder) {
    std::vector<u64> starts = list_segments(folder);
    if (starts.empty()) return 0;
    Fd fd(::open(segment_path(folder, starts.back()).c_str(), O_RDONLY | O_CLOEXEC));
    u64 end = starts.back();
    ConsoleRecord record;
    off_t size = ::lseek(fd.get(), 0, SEEK_END);
    for (off_t at = 0; ::pread(fd.get(), &record, sizeof record, at) == sizeof record;) {
        at += static_cast<off_t>(sizeof record + record.length);
        if (at > size) break;
        end = record.offset + record.length;
    }
    return end;
}

}  // namespace astra::vmm
