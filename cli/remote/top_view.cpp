// Sorting, keys and lines of `astra top`.
#include "cli/remote/top_view.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "cli/remote/remote_command.hpp"
#include "cli/statistics_format.hpp"

namespace astra::cli {
namespace {

using Metrics = v1::SyscallMetrics;

double share(uint64_t part, uint64_t whole) {
    return whole ? static_cast<double>(part) / static_cast<double>(whole) : 0;
}

struct Order : TopOrder {
    double (*value)(const Metrics&);  // more comes first; none: by name
};
const std::vector<Order> kOrders{
    {{'r', "rate"}, [](const Metrics& row) { return static_cast<double>(row.calls()); }},
    {{'p', "p50"}, [](const Metrics& row) { return static_cast<double>(row.p50_ns()); }},
    {{'l', "p99"}, [](const Metrics& row) { return static_cast<double>(row.p99_ns()); }},
    {{'e', "errors"}, [](const Metrics& row) { return static_cast<double>(row.errors()); }},
    {{'b', "blocked"}, [](const Metrics& row) { return share(row.blocked_ns(), row.total_ns()); }},
    {{'n', "name"}, nullptr},
};

struct Key {
    const char* bytes;
    char meaning;
};
constexpr char kUp = 1, kDown = 2, kOpen = 3, kClose = 4, kQuit = 5, kSuspend = 6;
constexpr Key kKeys[]{{"\x1b[A", kUp},   {"\x1bOA", kUp},  {"k", kUp},        {"\x1b[B", kDown},
                      {"\x1bOB", kDown}, {"j", kDown},     {"\r", kOpen},     {"\n", kOpen},
                      {"\x1b[C", kOpen}, {"\x7f", kClose}, {"\b", kClose},    {"\x1b[D", kClose},
                      {"q", kQuit},      {"\x03", kQuit},  {"\x1a", kSuspend}};

std::string rate(uint64_t count, double seconds) {
    return seconds > 0 ? fmt::format("{:.0f}", static_cast<double>(count) / seconds) : "0";
}

/// The numbers of a row that guests and calls share.
std::vector<std::string> cells(const Metrics& row, double seconds) {
    return {rate(row.calls(), seconds), format_time(row.p50_ns()), format_time(row.p99_ns()),
            rate(row.errors(), seconds),
            fmt::format("{:.0f} %", 100 * share(row.blocked_ns(), row.total_ns()))};
}

/// The first `columns` characters (not bytes) of a line.
std::string_view fit(std::string_view line, unsigned columns) {
    unsigned seen = 0;
    for (size_t i = 0; i < line.size(); i++)
        if ((line[i] & 0xc0) != 0x80 && seen++ == columns) return line.substr(0, i);
    return line;
}

std::vector<std::string> lines_of(const Table& table) {
    std::vector<std::string> lines;
    std::string text = to_text(table);
    for (size_t at = 0; at < text.size();) {
        size_t end = text.find('\n', at);
        lines.push_back(text.substr(at, end - at));
        at = end + 1;
    }
    return lines;
}

}  // namespace

const std::vector<TopOrder>& top_orders() {
    static const std::vector<TopOrder> orders(kOrders.begin(), kOrders.end());
    return orders;
}

void TopView::open(const std::string& guest) {
    if (guest.empty()) selected_ = opened_;
    opened_ = guest;
    sample_.Clear();
    processes_.Clear();
}

double TopView::seconds() const { return static_cast<double>(sample_.interval_ns()) / 1e9; }

std::vector<TopView::Row> TopView::sorted() const {
    std::vector<Row> rows;
    for (const v1::TopGuest& guest : sample_.guests()) {
        if (opened_.empty()) rows.push_back({guest.name(), &guest.total(), &guest});
        for (const Metrics& call : guest.syscalls()) rows.push_back({call.name(), &call, &guest});
    }
    auto order =
        std::ranges::find(kOrders, order_, [](const Order& known) { return std::string(known.name); });
    std::ranges::stable_sort(rows, {}, &Row::name);
    if (order != kOrders.end() && order->value)
        std::ranges::stable_sort(rows, std::greater(),
                                 [&](const Row& row) { return order->value(*row.metrics); });
    return rows;
}

Table TopView::table() const {
    Table table{
        .header = {opened_.empty() ? "guest" : "syscall", "calls/s", "p50", "p99", "errors/s", "blocked"},
        .rows = {}};
    if (opened_.empty()) table.header.insert(table.header.end(), {"calls", "state"});
    for (const Row& row : sorted()) {
        std::vector<std::string> line{row.name};
        for (std::string& cell : cells(*row.metrics, seconds())) line.push_back(std::move(cell));
        if (opened_.empty())
            line.insert(line.end(), {std::to_string(row.guest->calls()), state_name(row.guest->state())});
        table.rows.push_back(std::move(line));
    }
    return table;
}

Table TopView::processes() const {
    Table table{.header = {"pid", "state", "threads", "cpu", "resident", "reads", "writes", "program"},
                .rows = {}};
    for (const v1::Process& process : processes_.processes()) {
        std::string words;
        for (const std::string& word : process.arguments()) words += (words.empty() ? "" : " ") + word;
        table.rows.push_back({std::to_string(process.pid()), process.state(),
                              std::to_string(process.threads()), format_time(process.cpu_ns()),
                              format_bytes(process.resident_bytes()), std::to_string(process.read_calls()),
                              std::to_string(process.write_calls()), words.empty() ? process.name() : words});
    }
    return table;
}

void TopView::select(int by) {
    auto rows = sorted();
    if (rows.empty() || !opened_.empty()) return;
    auto at = std::ranges::find(rows, selected_, &Row::name);
    auto index = at == rows.end() ? 0 : at - rows.begin() + by;
    selected_ = rows[static_cast<size_t>(std::clamp<std::ptrdiff_t>(index, 0, std::ssize(rows) - 1))].name;
}

TopView::Action TopView::press(std::string& input) {
    auto key = std::ranges::find_if(kKeys, [&](const Key& known) { return input.starts_with(known.bytes); });
    if (key == std::end(kKeys)) {
        auto order = std::ranges::find(kOrders, input.front(), &Order::key);
        bool lone = input == "\x1b";
        // Of a sequence that nothing is known of nothing is taken for keys.
        input.erase(0, input.starts_with('\x1b') ? input.size() : 1);
        if (order != kOrders.end()) return order_ = order->name, Action::Redraw;
        if (!lone) return Action::None;
        if (opened_.empty()) return Action::None;
        return open(""), Action::Close;
    }
    input.erase(0, std::string_view(key->bytes).size());
    switch (key->meaning) {
        case kUp: return select(-1), Action::Redraw;
        case kDown: return select(1), Action::Redraw;
        case kSuspend: return Action::Suspend;
        case kQuit: return Action::Quit;
        case kClose: return opened_.empty() ? Action::None : (open(""), Action::Close);
        default: break;
    }
    if (!opened_.empty()) return Action::None;
    if (selected_.empty()) select(0);
    auto rows = sorted();
    if (std::ranges::find(rows, selected_, &Row::name) == rows.end()) return Action::None;
    return open(selected_), Action::Open;
}

std::string TopView::draw(unsigned rows, unsigned columns) const {
    constexpr char kBold[] = "\x1b[1m", kReverse[] = "\x1b[7m", kRed[] = "\x1b[31m", kPlain[] = "\x1b[0m";
    std::string screen = "\x1b[H";
    unsigned used = 0;
    auto line = [&](std::string_view text, std::string_view look = "") {
        if (++used > rows) return;
        screen += std::string(used > 1 ? "\r\n" : "") + std::string(look) + std::string(fit(text, columns)) +
                  (look.empty() ? "" : kPlain) + "\x1b[K";
    };
    uint64_t calls = 0;
    for (const v1::TopGuest& guest : sample_.guests()) calls += guest.total().calls();
    std::string what = opened_.empty() ? fmt::format("{} guests", sample_.guests_size()) : "guest " + opened_;
    line(fmt::format("astra top: {}, {} calls/s, by {}", what, rate(calls, seconds()), order_), kBold);
    auto order = sorted();
    auto table = lines_of(this->table());
    // A guest's processes keep a third of the screen.
    auto below = opened_.empty() ? std::vector<std::string>() : lines_of(processes());
    size_t reserved = std::min<size_t>(below.size() + 1, rows / 3);
    size_t room = rows > 2 + (below.empty() ? 0 : reserved) ? rows - 2 - (below.empty() ? 0 : reserved) : 0;
    for (size_t i = 0; i < table.size() && i < room; i++) {
        bool chosen = i > 0 && opened_.empty() && order[i - 1].name == selected_;
        bool failing = i > 0 && order[i - 1].metrics->errors() > 0 && colour_;
        line(table[i], chosen ? kReverse : i == 0 ? kBold : failing ? kRed : "");
    }
    if (!below.empty()) line("");
    for (size_t i = 0; i < below.size() && used + 1 < rows; i++) line(below[i], i == 0 ? kBold : "");
    line(opened_.empty() ? "up/down select  enter open  r p l e b n sort  q quit"
                         : "backspace all guests  r p l e b n sort  q quit");
    return screen + "\x1b[J";
}

}  // namespace astra::cli
