// astra.v1.Exec.
#include <sys/wait.h>

#include <algorithm>

#include "vmm/daemon/service/services.hpp"

namespace astra::vmm::daemon {
namespace {

using grpc::ServerContext;
using grpc::Status;
using Stream = grpc::ServerReaderWriter<api::ExecResponse, api::ExecRequest>;

/// What an event of the program is to the client, and whether it was the last.
api::ExecResponse to_response(const Program::Event& event, u64& started_ns) {
    using Kind = Program::Event::Kind;
    api::ExecResponse response;
    switch (event.kind) {
        case Kind::Started:
            started_ns = event.boot_ns;
            response.mutable_started()->set_pid(event.value);
            break;
        case Kind::Output:
            (event.value == 2 ? response.mutable_error() : response.mutable_out())
                ->assign(event.bytes.begin(), event.bytes.end());
            break;
        case Kind::SpawnFailed:
            response.mutable_exited()->set_kind(api::Outcome::KIND_SPAWN_FAILED);
            response.mutable_exited()->set_value(static_cast<int>(event.value));
            break;
        case Kind::Exited: {
            int status = static_cast<int>(event.value);
            bool exited = WIFEXITED(status);
            response.mutable_exited()->set_kind(exited ? api::Outcome::KIND_EXITED
                                                       : api::Outcome::KIND_SIGNALLED);
            response.mutable_exited()->set_value(exited ? WEXITSTATUS(status) : WTERMSIG(status));
            response.mutable_exited()->set_program_ns(event.boot_ns - started_ns);
            break;
        }
        case Kind::Lost: response.mutable_exited()->set_kind(api::Outcome::KIND_LOST); break;
    }
    return response;
}

class ExecService final : public api::Exec::Service {
  public:
    ExecService(Manager& manager, Role role) : manager_(manager), role_(role) {}

    Status Run(ServerContext* context, Stream* stream) override {
        return answer([&]() -> Result<void> {
            TRY(may_change(role_));
            api::ExecRequest first;
            if (!stream->Read(&first) || !first.has_start())
                return fail(Code::InvalidArgument, "the first message of Exec.Run is `start`");
            auto program = TRY(start(first.start()));
            std::atomic<bool> over = false;
            auto input =
                std::async(std::launch::async, [&] { take_input(*context, *stream, *program, over); });
            auto result = relay(*context, *stream, *program);
            over = true;
            finish_reading(*context, input);
            return result;
        });
    }

  private:
    Result<std::shared_ptr<Program>> start(const api::ExecStart& start) {
        if (start.arguments().empty()) return fail(Code::InvalidArgument, "no program to run");
        auto guest = TRY(manager_.find(start.guest()));
        SpawnRequest request{.workdir = start.workdir().empty() ? "/" : start.workdir(),
                             .arguments = {start.arguments().begin(), start.arguments().end()},
                             .environment = {start.environment().begin(), start.environment().end()}};
        if (start.has_terminal()) {
            request.stdio = abi::control::StdioMode::Terminal;
            request.rows = static_cast<u16>(start.terminal().rows());
            request.columns = static_cast<u16>(start.terminal().columns());
        }
        // It finds its programs as the guest's own does.
        for (const std::string& entry : guest->info().record.spec.environment) {
            std::string name = entry.substr(0, entry.find('=') + 1);
            bool given = std::ranges::any_of(
                request.environment, [&](const std::string& other) { return other.starts_with(name); });
            if (!given) request.environment.push_back(entry);
        }
        return guest->exec(request);
    }

    static Result<void> relay(const ServerContext& context, Stream& stream, Program& program) {
        u64 started_ns = 0;
        for (;;) {
            auto event = program.next(kSlice);
            if (!event) {
                TRY(still_wanted(context));
                continue;
            }
            api::ExecResponse response = to_response(*event, started_ns);
            if (!stream.Write(response)) return still_wanted(context);
            if (response.has_exited()) return {};
        }
    }

    static void take_input(const ServerContext& context, Stream& stream, Program& program,
                           const std::atomic<bool>& over) {
        while (!program.await_start(kSlice))
            if (over || context.IsCancelled()) return;
        for (api::ExecRequest request; stream.Read(&request);) {
            if (request.has_input()) {
                std::span<const u8> bytes(reinterpret_cast<const u8*>(request.input().data()),
                                          request.input().size());
                while (!bytes.empty() && !over && !context.IsCancelled())
                    bytes = bytes.subspan(program.input(bytes, kSlice));
            } else {
                while (!over && !context.IsCancelled() && !steer(program, request)) {}
            }
        }
    }

    Manager& manager_;
    Role role_;
};

}  // namespace

std::unique_ptr<grpc::Service> make_exec_service(Manager& manager, Role role) {
    return std::make_unique<ExecService>(manager, role);
}

}  // namespace astra::vmm::daemon
