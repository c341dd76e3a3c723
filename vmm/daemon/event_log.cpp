// Events as lines of JSON in one file.
#include "vmm/daemon/event_log.hpp"

#include <fcntl.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "vmm/base/durable_file.hpp"
#include "vmm/base/io.hpp"
#include "vmm/supervisor/records.hpp"

namespace astra::vmm::daemon {
namespace {

using nlohmann::json;

std::string to_line(const Event& event) {
    json line{{"sequence", event.sequence}, {"unix_ns", event.unix_ns},       {"kind", event.kind},
              {"guest_id", event.guest_id}, {"guest_name", event.guest_name}, {"detail", event.detail}};
    return line.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

Event from_line(std::string_view text) {
    json line = json::parse(text);
    return {.sequence = line.at("sequence"),
            .unix_ns = line.at("unix_ns"),
            .kind = line.at("kind"),
            .guest_id = line.at("guest_id"),
            .guest_name = line.at("guest_name"),
            .detail = line.at("detail")};
}

}  // namespace

Result<std::unique_ptr<EventLog>> EventLog::open(std::string path) {
    std::unique_ptr<EventLog> log(new EventLog(std::move(path)));
    TRY(log->load());
    TRY(log->rewrite());
    return log;
}

Result<void> EventLog::load() {
    auto text = read_file(path_, usize{1} << 30);
    if (!text && text.error().code == Code::NotFound) return {};
    if (!text) return std::unexpected(text.error());
    for (std::string_view rest = *text;;) {
        usize end = rest.find('\n');
        if (end == rest.npos) return {};  // the writer died in the middle of a line
        try {
            events_.push_back(from_line(rest.substr(0, end)));
        } catch (const std::exception& error) {
            return fail(Code::Corrupt, path_ + ": " + error.what(),
                        "move the file away; the events before now are lost with it");
        }
        last_ = events_.back().sequence;
        if (events_.size() > kKept) events_.pop_front();
        rest.remove_prefix(end + 1);
    }
}

/// Leaves only what is kept in the file, and opens it for more.
Result<void> EventLog::rewrite() {
    std::string text;
    for (const Event& event : events_) text += to_line(event);
    TRY(write_durably(path_, text));
    file_.reset(::open(path_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
    if (!file_.valid()) return fail_errno(path_);
    lines_ = events_.size();
    return {};
}

void EventLog::append(Event event) {
    std::lock_guard lock(mutex_);
    event.sequence = ++last_;
    event.unix_ns = unix_ns();
    std::string line = to_line(event);
    events_.push_back(std::move(event));
    if (events_.size() > kKept) events_.pop_front();
    // A full disk must not end the daemon: those who watch now still hear of it, and the next rewrite repairs
    // the file.
    auto written = write_all(file_.get(), {reinterpret_cast<const u8*>(line.data()), line.size()});
    if (!written || ++lines_ > 2 * kKept) (void)rewrite();
    grown_.notify_all();
}

u64 EventLog::last() const {
    std::lock_guard lock(mutex_);
    return last_;
}

bool EventLog::contains(const std::string& kind, const std::string& guest_id) const {
    std::lock_guard lock(mutex_);
    return std::ranges::any_of(
        events_, [&](const Event& event) { return event.guest_id == guest_id && event.kind == kind; });
}

Result<std::vector<Event>> EventLog::read(u64 from, usize limit, std::chrono::milliseconds patience) {
    std::unique_lock lock(mutex_);
    grown_.wait_for(lock, patience, [&] { return last_ >= from; });
    if (last_ < from) return std::vector<Event>();
    u64 first = events_.front().sequence;
    if (from < first)
        return fail(
            Code::OutOfRange,
            "event " + std::to_string(from) + " is not kept any more; the oldest is " + std::to_string(first),
            "list the guests and watch from now on", "EVENTS_EXPIRED");
    auto begin = events_.begin() + static_cast<std::ptrdiff_t>(from - first);
    auto end = begin + std::min<std::ptrdiff_t>(static_cast<std::ptrdiff_t>(limit), events_.end() - begin);
    return std::vector<Event>(begin, end);
}

}  // namespace astra::vmm::daemon
