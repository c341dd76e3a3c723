// top: a live view of system calls, guest by guest and call by call.
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <cstdlib>

#include "cli/messages.hpp"
#include "cli/parse.hpp"
#include "cli/remote/remote_command.hpp"
#include "cli/remote/top_feed.hpp"
#include "cli/remote/top_view.hpp"
#include "cli/terminal.hpp"

namespace astra::cli {
namespace {

// The alternate screen without a cursor, and back.
constexpr char kEnter[] = "\x1b[?1049h\x1b[?25l", kLeave[] = "\x1b[?25h\x1b[?1049l";
constexpr control::WindowSize kUsualSize{24, 80};

class TopCommand : public RemoteCommand {
  public:
    TopCommand() : RemoteCommand("top", "watch system calls as they are made, of all guests or one") {}

  protected:
    [[nodiscard]] bool forwards_signals() const override { return true; }
    void add_options(CLI::App& command) override {
        command.add_option("guest", guest_, "only this one, call by call (default all guests)");
        command.add_option("--interval", interval_, "between two looks, as 500ms (1s)")
            ->type_name("DURATION");
        command.add_option("-n,--samples", samples_, "end after so many (json, yaml and csv: 1)")
            ->type_name("N");
        std::vector<std::string> names;
        for (const TopOrder& order : top_orders()) names.emplace_back(order.name);
        command.add_option("--sort", order_, "rate, p50, p99, errors, blocked or name")
            ->check(CLI::IsMember(names).description(""))
            ->type_name("COLUMN");
        add_format(command);
    }

    Result<int> work(Remote& remote) override {
        auto interval = TRY(parse_duration(interval_));
        const char* no_colour = std::getenv("NO_COLOR");
        TopView view(order_, !no_colour || !*no_colour);
        view.open(guest_);
        TopFeed feed(remote, interval);
        bool live =
            is_table() && samples_ == 0 && is_foreground_terminal(STDIN_FILENO) && ::isatty(STDOUT_FILENO);
        feed.watch(guest_, live && !guest_.empty());
        return live ? watch(view, feed) : list(view, feed);
    }

  private:
    /// One table or document after the other.
    Result<int> list(TopView& view, TopFeed& feed) {
        unsigned wanted = samples_ == 0 && !is_table() ? 1 : samples_;
        pollfd set[2] = {{feed.fd(), POLLIN, 0}, {signals().fd(), POLLIN, 0}};
        for (unsigned seen = 0; wanted == 0 || seen < wanted;) {
            if (::poll(set, 2, -1) < 0 && errno != EINTR) return fail(Code::Internal, "poll");
            while (auto signal = signals().next())
                if (SignalSource::is_for_program(*signal)) return 128 + *signal;
            auto news = feed.take();
            if (news.sample) {
                view.take(*news.sample);
                if (int printed = report(*news.sample, view.table()); printed != 0) return printed;
                if (is_table() && print("\n") != 0) return 1;
                seen++;
            }
            if (news.error) return std::unexpected(*news.error);
            if (news.over) break;
        }
        return 0;
    }

    /// The terminal is ours until the user has seen enough, the guest named on the command line has ended, or
    /// a signal comes.
    Result<int> watch(TopView& view, TopFeed& feed) {
        RawTerminal terminal(kEnter, kLeave);
        std::string input;
        pollfd set[3] = {{feed.fd(), POLLIN, 0}, {signals().fd(), POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
        for (;;) {
            auto size = terminal_size(STDOUT_FILENO).value_or(kUsualSize);
            if (int printed = print(view.draw(size.rows, size.columns)); printed != 0) return printed;
            if (::poll(set, 3, -1) < 0 && errno != EINTR) return fail(Code::Internal, "poll");
            while (auto signal = signals().next()) {
                if (*signal == SIGTSTP) terminal.stop_and_resume();
                if (SignalSource::is_for_program(*signal)) return 128 + *signal;
            }
            auto news = feed.take();
            if (news.sample) {
                view.take(*news.sample);
                view.take(news.processes);
            }
            if (news.over) {
                if (news.error && view.opened() == guest_) return std::unexpected(*news.error);
                if (!guest_.empty()) return 0;
                view.open("");  // the guest has ended: back to the others
                feed.watch("", false);
            }
            if (!set[2].revents) continue;
            char bytes[64];
            ssize_t got = ::read(STDIN_FILENO, bytes, sizeof bytes);
            if (got <= 0) return 0;
            input.append(bytes, static_cast<size_t>(got));
            while (!input.empty()) {
                auto action = view.press(input);
                if (action == TopView::Action::Quit) return 0;
                if (action == TopView::Action::Suspend) terminal.stop_and_resume();
                if (action == TopView::Action::Open || action == TopView::Action::Close)
                    feed.watch(view.opened(), !view.opened().empty());
            }
        }
    }

    std::string interval_ = "1s", order_ = "rate";
    unsigned samples_ = 0;
};

}  // namespace

std::unique_ptr<Command> make_top_command() { return std::make_unique<TopCommand>(); }

}  // namespace astra::cli
