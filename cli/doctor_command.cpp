// astra doctor: can guests run here, how, and what would help.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cli/command.hpp"
#include "cli/messages.hpp"

namespace astra::cli {
namespace {

using control::DoctorReport;
using control::Finding;

const char* level_name(Finding::Level level) {
    switch (level) {
        case Finding::Level::Good: return "ok";
        case Finding::Level::Warning: return "warning";
        case Finding::Level::Bad: return "bad";
    }
    return "bad";
}

std::string to_table(const DoctorReport& report) {
    std::string text;
    for (const Finding& finding : report.findings) {
        text += fmt::format("{:<9}{:<18}{}\n", level_name(finding.level), finding.subject, finding.detail);
        if (!finding.hint.empty()) text += fmt::format("{:27}hint: {}\n", "", finding.hint);
    }
    if (report.can_run)
        text += fmt::format("\n--engine auto takes {} with the {} kernel: {}\n", report.engine, report.kernel,
                            report.reason);
    else
        text += "\nno guest can run here\n";
    return text;
}

std::string to_json(const DoctorReport& report) {
    nlohmann::json findings = nlohmann::json::array();
    for (const Finding& finding : report.findings)
        findings.push_back({{"subject", finding.subject},
                            {"level", level_name(finding.level)},
                            {"detail", finding.detail},
                            {"hint", finding.hint}});
    nlohmann::json result{{"can_run", report.can_run},
                          {"engine", report.engine},
                          {"kernel", report.kernel},
                          {"reason", report.reason},
                          {"memory_available_mib", report.memory_available_mib},
                          {"findings", findings}};
    return result.dump(2) + "\n";
}

class DoctorCommand : public Command {
  public:
    CLI::App* describe(CLI::App& app) override {
        CLI::App* doctor =
            app.add_subcommand("doctor", "look at this host and say how guests would run here");
        doctor->footer("Exit status: 0 when guests can run, 1 when not.");
        doctor->add_option("-o,--output", format_, "table or json")
            ->check(CLI::IsMember({"table", "json"}).description(""))
            ->type_name("FORMAT");
        return doctor;
    }
    int run(control::Client& client) override {
        DoctorReport report = client.doctor();
        int printed = print(format_ == "json" ? to_json(report) : to_table(report));
        return report.can_run ? printed : 1;
    }

  private:
    std::string format_ = "table";
};

}  // namespace

std::unique_ptr<Command> make_doctor_command() { return std::make_unique<DoctorCommand>(); }

}  // namespace astra::cli
