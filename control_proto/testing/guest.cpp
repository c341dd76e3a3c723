// The fixture over the client library.
#include "control_proto/testing/guest.hpp"

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <thread>

namespace astra::testing {
namespace {

using control::Remote;

template <class T>
T expect(control::Result<T> result) {
    if (result) return std::move(*result);
    ADD_FAILURE() << result.error().message << (result.error().hint.empty() ? "" : " (hint: ")
                  << result.error().hint;
    return {};
}

int status_of(v1::Outcome::Kind kind, int value) {
    if (kind == v1::Outcome::KIND_EXITED) return value;
    return kind == v1::Outcome::KIND_SIGNALLED ? 128 + value : -1;
}

}  // namespace

Guest::Guest(GuestOptions options) : patience_(options.patience) {
    remote_ = expect(Remote::connect(options.address));
    if (!remote_) return;
    v1::CreateGuestRequest request;
    request.mutable_spec()->set_image(expect(remote_->import_image(options.rootfs, "")).image_id());
    request.mutable_spec()->mutable_arguments()->Assign(options.arguments.begin(), options.arguments.end());
    request.mutable_spec()->mutable_environment()->Assign(options.environment.begin(),
                                                          options.environment.end());
    request.mutable_spec()->set_engine(options.engine);
    request.mutable_spec()->set_cpus(options.cpus);
    request.mutable_spec()->set_memory_bytes(options.memory_bytes);
    guest_ = expect(Remote::call(*remote_->guests, &v1::Guests::Stub::Launch, request, patience_));
}

Guest::~Guest() {
    if (!remote_ || guest_.guest_id().empty()) return;
    v1::DeleteGuestRequest request;
    request.set_guest(guest_.guest_id());
    request.set_force(true);
    expect(Remote::call(*remote_->guests, &v1::Guests::Stub::Delete, request));
}

int Guest::wait() {
    v1::WaitGuestRequest request;
    request.set_guest(guest_.guest_id());
    guest_ = expect(Remote::call(*remote_->guests, &v1::Guests::Stub::Wait, request, patience_));
    return status_of(guest_.outcome().kind(), guest_.outcome().value());
}

std::string Guest::output(v1::ConsoleStream stream) {
    v1::ReadConsoleRequest request;
    request.set_guest(guest_.guest_id());
    request.add_streams(stream);
    grpc::ClientContext context;
    auto reader = remote_->console->Read(&context, request);
    std::string text;
    for (v1::ConsoleChunk chunk; reader->Read(&chunk);) text += chunk.data().data();
    if (auto status = reader->Finish(); !status.ok()) ADD_FAILURE() << status.error_message();
    return text;
}

bool Guest::wait_for_output(const std::string& text) {
    v1::ReadConsoleRequest request;
    request.set_guest(guest_.guest_id());
    request.add_streams(v1::CONSOLE_STREAM_OUT);
    request.set_follow(true);
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + patience_);
    auto reader = remote_->console->Read(&context, request);
    std::string seen;
    bool found = false;
    for (v1::ConsoleChunk chunk; !found && reader->Read(&chunk);) {
        seen += chunk.data().data();
        found = seen.find(text) != seen.npos;
    }
    context.TryCancel();
    (void)reader->Finish();  // cancelled, or its end: what matters was seen
    return found;
}

int Guest::run(const std::vector<std::string>& arguments, std::string* output, const std::string& input) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + patience_);
    auto stream = remote_->exec->Run(&context);
    v1::ExecRequest request;
    request.mutable_start()->set_guest(guest_.guest_id());
    request.mutable_start()->mutable_arguments()->Assign(arguments.begin(), arguments.end());
    stream->Write(request);
    // Output is read meanwhile: a program may write much before it has read all.
    std::thread writer([&] {
        v1::ExecRequest more;
        if (!input.empty()) {
            more.set_input(input);
            stream->Write(more);
        }
        more.set_end_of_input(true);
        stream->Write(more);
    });
    int status = -1;
    for (v1::ExecResponse response; stream->Read(&response);) {
        if (output && response.part_case() == v1::ExecResponse::kOut) *output += response.out();
        if (!response.has_exited()) continue;
        status = status_of(response.exited().kind(), response.exited().value());
        break;
    }
    writer.join();
    stream->WritesDone();
    if (auto end = stream->Finish(); !end.ok()) ADD_FAILURE() << control::to_error(end).message;
    return status;
}

v1::MetricsSample Guest::metrics() {
    v1::GetMetricsRequest request;
    request.set_guest(guest_.guest_id());
    return expect(Remote::call(*remote_->metrics, &v1::Metrics::Stub::Get, request));
}

uint64_t Guest::calls(const std::string& syscall) {
    v1::MetricsSample sample = metrics();
    for (const auto& row : sample.syscalls())
        if (row.name() == syscall) return row.calls();
    return 0;
}

}  // namespace astra::testing
