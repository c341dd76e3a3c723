// astra run: a program in a guest of its own, in the foreground.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>

#include "cli/command.hpp"
#include "cli/messages.hpp"
#include "cli/parse.hpp"
#include "cli/program_loop.hpp"
#include "cli/statistics_format.hpp"
#include "control_proto/names.hpp"

namespace astra::cli {
namespace {

using control::KernelChoice;
using control::LaunchSpec;

constexpr char kDefaultPath[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The parser never sees the program's words, so it cannot show their place.
class RunHelp : public CLI::Formatter {
  public:
    [[nodiscard]] std::string make_usage(const CLI::App*, std::string) const override {
        return "Usage: astra run [OPTIONS] [--] PROGRAM [ARGUMENTS...]\n";
    }
};

class RunCommand : public Command {
  public:
    CLI::App* describe(CLI::App& app) override;
    [[nodiscard]] bool takes_program() const override { return true; }
    void take_program(std::vector<std::string> words) override { spec_.arguments = std::move(words); }
    [[nodiscard]] int usage_status() const override { return kStatusLauncher; }
    int run(control::Client& client) override;

  private:
    control::Result<void> complete_spec();
    control::Result<void> complete_environment();
    void report_end(const LoopResult& result) const;
    control::Result<void> report_statistics(const LoopResult& result) const;

    LaunchSpec spec_;
    LoopOptions loop_;
    std::string engine_ = "auto", machine_ = "microvm", kernel_ = "auto", memory_, timeout_, tty_ = "auto",
                stats_, stats_file_, format_ = "table";
    std::vector<std::string> environment_;
    bool verbose_ = false;
};

CLI::App* RunCommand::describe(CLI::App& app) {
    CLI::App* run = app.add_subcommand("run", "run a program in a guest of its own, here and now");
    run->formatter(std::make_shared<RunHelp>());
    run->footer(
        "Exit status: the program's; 128+n when signal n ended it; 124 timed out, 125 astra failed,\n"
        "126 the program cannot be executed, 127 it was not found. In a terminal, Ctrl-] three times within\n"
        "a second ends the guest; without one, Ctrl-C twice does.");
    run->option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    run->add_option("--rootfs", spec_.rootfs, "archive that becomes the guest's root file system")
        ->type_name("TAR");
    run->add_option("--image", spec_.image, "or: the id of an image imported before (--verbose tells it)")
        ->type_name("ID");
    run->add_option("--engine", engine_, control::kEngineHelp)->type_name("NAME");
    run->add_option("--machine", machine_, control::kMachineHelp)->type_name("NAME");
    run->add_option("--kernel", kernel_, "auto, isolated, flat, or the path of a kernel ELF")
        ->type_name("NAME");
    run->add_option("--cpus", spec_.cpus, "virtual CPUs")->capture_default_str()->type_name("N");
    run->add_option("--memory", memory_,
                    fmt::format("guest memory, as 512M or 2G (default {}M)", spec_.memory_mib))
        ->type_name("SIZE");
    run->add_option("-e,--env", environment_, "set a variable, or pass this process's own on")
        ->type_name("NAME[=VALUE]")
        ->type_size(1)
        ->allow_extra_args(false)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    run->add_option("--workdir", spec_.workdir, "directory the program starts in")
        ->capture_default_str()
        ->type_name("DIR");
    run->add_option(
           "--net", spec_.network,
           "user (a network of its own behind this host), user,host-loopback, tap=NAME[,ip=A/N[,gateway=G]] "
           "or none")
        ->capture_default_str()
        ->type_name("NETWORK");
    run->add_option("-p,--publish", spec_.ports, "have a port of this host lead to one of the guest's")
        ->type_name("[ADDR:]HOST:GUEST[/udp]")
        ->type_size(1)
        ->allow_extra_args(false)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    run->add_option("--timeout", timeout_, "kill the guest after this long, as 10s or 2m")
        ->type_name("DURATION");
    run->add_flag("-t{on},--tty{on}", tty_,
                  "give the program a terminal: on, off, or auto (when ours is one)")
        ->type_name("[=WHEN]");
    run->add_flag("--stats{default}", stats_, "report every system call afterwards, on stderr: table or json")
        ->type_name("[=FORMAT]");
    run->add_option("--stats-file", stats_file_, "write the statistics to a file instead")->type_name("FILE");
    run->add_option("-o,--output", format_, "how astra's own reports look: table or json")
        ->check(CLI::IsMember({"table", "json"}).description(""))
        ->type_name("FORMAT");
    run->add_option("--append", spec_.kernel_arguments, "words to add to the guest kernel's command line")
        ->type_name("WORDS");
    run->add_flag("--verbose", verbose_, "say what happens, and show the guest kernel's log");
    return run;
}

control::Result<void> RunCommand::complete_environment() {
    spec_.environment = {kDefaultPath, "HOME=/root"};
    if (const char* term = ::getenv("TERM"); term && spec_.terminal)
        spec_.environment.push_back(std::string("TERM=") + term);
    for (const std::string& word : environment_) {
        std::string entry = TRY(parse_environment(word));
        if (entry.empty()) continue;
        std::string name = entry.substr(0, entry.find('=') + 1);
        std::erase_if(spec_.environment, [&](const std::string& other) { return other.starts_with(name); });
        spec_.environment.push_back(std::move(entry));
    }
    return {};
}

control::Result<void> RunCommand::complete_spec() {
    if (spec_.arguments.empty())
        return fail(Code::InvalidArgument, "no program to run",
                    "name one: astra run --rootfs FILE.tar -- /bin/sh");
    bool terminal = TRY(wants_terminal(tty_));
    if (!stats_.empty() && stats_ != "default" && stats_ != "table" && stats_ != "json")
        return fail(Code::InvalidArgument, "--stats is table or json, not '" + stats_ + "'");
    TRY(control::set_engine(spec_, engine_));
    TRY(control::set_machine(spec_, machine_));
    if (stats_.empty() && !stats_file_.empty()) stats_ = "default";
    if (stats_ == "default") stats_ = format_;
    if (kernel_ == "auto")
        spec_.kernel.kind = KernelChoice::Kind::Auto;
    else if (kernel_ == "isolated")
        spec_.kernel.kind = KernelChoice::Kind::Isolated;
    else if (kernel_ == "flat")
        spec_.kernel.kind = KernelChoice::Kind::Flat;
    else
        spec_.kernel = {KernelChoice::Kind::File, kernel_};
    if (!memory_.empty()) spec_.memory_mib = TRY(parse_memory_mib(memory_));
    if (!timeout_.empty()) loop_.timeout = TRY(parse_duration(timeout_));
    if (terminal) {
        spec_.terminal = terminal_size(STDIN_FILENO).value_or(control::WindowSize{});
        loop_.guest_terminal = true;
        loop_.raw_terminal = is_foreground_terminal(STDIN_FILENO);
    }
    if (verbose_) spec_.kernel_arguments = "astra.log=2 " + spec_.kernel_arguments;
    loop_.verbose = verbose_;
    spec_.timing = !stats_.empty();
    return complete_environment();
}

int RunCommand::run(control::Client& client) {
    if (auto complete = complete_spec(); !complete) {
        say(complete.error());
        return kStatusLauncher;
    }
    auto result = ProgramLoop(loop_).run(client, spec_);
    if (!result) {
        say(result.error());
        return kStatusLauncher;
    }
    report_end(*result);
    if (auto reported = report_statistics(*result); !reported) {
        say(reported.error());
        return kStatusLauncher;
    }
    return result->status;
}

void RunCommand::report_end(const LoopResult& result) const {
    const control::Outcome& outcome = result.outcome;
    using Kind = control::Outcome::Kind;
    if (outcome.kind == Kind::SpawnFailed || outcome.kind == Kind::Panicked || outcome.kind == Kind::Lost)
        say(control::Error{Code::Internal, outcome.message, outcome.hint});
    if (!outcome.report.empty()) say_plain(outcome.report);
    if (verbose_)
        say(fmt::format("engine {}, {} kernel: up in {}, program ran {}", outcome.engine, outcome.kernel,
                        format_time(outcome.boot_ns), format_time(outcome.program_ns)));
}

control::Result<void> RunCommand::report_statistics(const LoopResult& result) const {
    if (stats_.empty()) return {};
    std::string text;
    if (stats_ == "json")
        text = to_json(result.outcome, result.status).dump() + "\n";
    else if (result.outcome.statistics)
        text = to_table(*result.outcome.statistics);
    else
        text = "no statistics: the guest ended before it could count\n";
    if (stats_file_.empty()) {
        say_plain(text);
        return {};
    }
    std::ofstream file(stats_file_);
    file << text;
    file.close();
    if (!file)
        return fail(Code::Internal, stats_file_ + ": cannot write the statistics there",
                    "name another --stats-file");
    return {};
}

}  // namespace

std::unique_ptr<Command> make_run_command() { return std::make_unique<RunCommand>(); }

}  // namespace astra::cli
