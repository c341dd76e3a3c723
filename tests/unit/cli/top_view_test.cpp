// The screen of `astra top` from samples and keys.
#include "cli/remote/top_view.hpp"

#include <gmock/gmock.h>

namespace astra::cli {
namespace {

using ::testing::HasSubstr;
using Action = TopView::Action;

v1::TopSample sample() {
    v1::TopSample sample;
    sample.set_interval_ns(2'000'000'000);
    auto add = [&](const char* name, uint64_t calls, uint64_t p99, uint64_t errors, uint64_t blocked) {
        auto* guest = sample.add_guests();
        guest->set_name(name);
        auto* total = guest->mutable_total();
        total->set_calls(calls);
        total->set_p99_ns(p99);
        total->set_errors(errors);
        total->set_total_ns(1000);
        total->set_blocked_ns(blocked);
    };
    add("alpha", 10, 3000, 0, 500);
    add("beta", 200, 1000, 4, 100);
    add("gamma", 30, 2000, 2, 900);
    return sample;
}

std::vector<std::string> names(const TopView& view) {
    std::vector<std::string> names;
    for (const auto& row : view.table().rows) names.push_back(row[0]);
    return names;
}

Action press(TopView& view, std::string keys) {
    Action action = Action::None;
    while (!keys.empty()) action = view.press(keys);
    return action;
}

TEST(TopView, SortsByWhatTheKeySays) {
    TopView view("rate", false);
    view.take(sample());
    using Names = std::vector<std::string>;
    EXPECT_EQ(names(view), (Names{"beta", "gamma", "alpha"}));
    EXPECT_EQ(view.table().rows[0][1], "100");  // 200 in two seconds
    EXPECT_EQ(view.table().rows[0][5], "10 %");
    EXPECT_EQ(press(view, "l"), Action::Redraw);
    EXPECT_EQ(names(view), (Names{"alpha", "gamma", "beta"}));
    press(view, "e");
    EXPECT_EQ(names(view), (Names{"beta", "gamma", "alpha"}));
    press(view, "b");
    EXPECT_EQ(names(view), (Names{"gamma", "alpha", "beta"}));
    press(view, "n");
    EXPECT_EQ(names(view), (Names{"alpha", "beta", "gamma"}));
}

TEST(TopView, OpensTheSelectedGuestAndComesBack) {
    TopView view("name", false);
    view.take(sample());
    EXPECT_EQ(press(view, "\x1b[B\x1b[B"), Action::Redraw);
    EXPECT_THAT(view.draw(10, 80), HasSubstr("\x1b[7mbeta"));
    EXPECT_EQ(press(view, "\r"), Action::Open);
    EXPECT_EQ(view.opened(), "beta");
    EXPECT_EQ(press(view, "\r"), Action::None);
    EXPECT_EQ(press(view, "\x1b"), Action::Close);
    EXPECT_EQ(view.opened(), "");
    view.take(sample());
    EXPECT_THAT(view.draw(10, 80), HasSubstr("\x1b[7mbeta"));
    EXPECT_EQ(press(view, "\x1b[15~"), Action::None);  // F5 is neither 5 nor anything else
    EXPECT_EQ(press(view, "q"), Action::Quit);
    EXPECT_EQ(press(view, "\x1a"), Action::Suspend);
}

TEST(TopView, KeepsToTheScreen) {
    TopView view("rate", false);
    view.take(sample());
    for (unsigned rows : {1u, 2u, 3u, 5u, 40u})
        for (unsigned columns : {1u, 10u, 200u}) {
            std::string screen = view.draw(rows, columns);
            EXPECT_LT(std::ranges::count(screen, '\n'), static_cast<int>(rows));
            std::string plain;
            for (size_t i = 0; i < screen.size(); i++) {
                if (screen[i] != '\x1b')
                    plain += screen[i];
                else
                    i = screen.find_first_of("HJKm", i);
            }
            for (size_t at = 0; at < plain.size();) {
                size_t end = std::min(plain.find("\r\n", at), plain.size());
                EXPECT_LE(end - at, columns + 8);  // bytes: a µ is two of them
                at = end + 2;
            }
        }
}

TEST(TopView, ErrorsAreRedOnlyInColour) {
    TopView plain("rate", false), colour("rate", true);
    plain.take(sample());
    colour.take(sample());
    EXPECT_THAT(plain.draw(10, 80), ::testing::Not(HasSubstr("\x1b[31m")));
    EXPECT_THAT(colour.draw(10, 80), HasSubstr("\x1b[31mbeta"));
}

}  // namespace
}  // namespace astra::cli
