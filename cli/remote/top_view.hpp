// What `astra top` shows: samples, keys and the terminal's size in, lines out. Knows neither terminal nor
// daemon.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "cli/report.hpp"
#include "control_proto/astra.pb.h"

namespace astra::cli {

/// A column that rows can be sorted by, most first, and the key that does it.
struct TopOrder {
    char key;
    const char* name;
};
/// r rate, p p50, l p99 (latency), e errors, b blocked share, n name (A first).
[[nodiscard]] const std::vector<TopOrder>& top_orders();

class TopView {
  public:
    /// `order` is one of top_orders()' names.
    explicit TopView(const std::string& order, bool colour) : order_(order), colour_(colour) {}

    /// Shows one guest's calls and processes; empty: all guests.
    void open(const std::string& guest);
    /// The guest that is shown; empty: all.
    [[nodiscard]] const std::string& opened() const { return opened_; }

    void take(v1::TopSample sample) { sample_ = std::move(sample); }
    void take(v1::ListProcessesResponse processes) { processes_ = std::move(processes); }

    enum class Action { None, Redraw, Open, Close, Suspend, Quit };
    /// What the next key in `input` asks for; takes it from the front. Escape sequences are one key. Open and
    /// Close have changed opened(): samples of it are wanted.
    [[nodiscard]] Action press(std::string& input);

    /// The table of guests, or of one guest's calls.
    [[nodiscard]] Table table() const;
    [[nodiscard]] Table processes() const;
    /// The screen: at most `rows` lines of at most `columns` characters, drawn from its corner with
    /// everything else erased.
    [[nodiscard]] std::string draw(unsigned rows, unsigned columns) const;

  private:
    struct Row {
        std::string name;
        const v1::SyscallMetrics* metrics;
        const v1::TopGuest* guest;
    };
    [[nodiscard]] std::vector<Row> sorted() const;
    [[nodiscard]] double seconds() const;
    void select(int by);

    std::string order_;
    bool colour_;
    std::string opened_, selected_;  // guests' names
    v1::TopSample sample_;
    v1::ListProcessesResponse processes_;
};

}  // namespace astra::cli
