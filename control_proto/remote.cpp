// Connecting, and what is common to all calls.
#include "control_proto/remote.hpp"

#include <grpcpp/grpcpp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <thread>

namespace astra::control {
namespace {

constexpr auto kConnectPatience = std::chrono::seconds(5);
constexpr int kRetryMs = 50;
constexpr size_t kChunk = 256 * 1024;
constexpr char kSystemSocket[] = "/run/astra/astra.sock";

struct CodeRow {
    grpc::StatusCode status;
    Code code;
};
constexpr std::array kCodes{
    CodeRow{grpc::StatusCode::INVALID_ARGUMENT, Code::InvalidArgument},
    CodeRow{grpc::StatusCode::NOT_FOUND, Code::NotFound},
    CodeRow{grpc::StatusCode::PERMISSION_DENIED, Code::PermissionDenied},
    CodeRow{grpc::StatusCode::UNAVAILABLE, Code::Unavailable},
    CodeRow{grpc::StatusCode::RESOURCE_EXHAUSTED, Code::ResourceExhausted},
    CodeRow{grpc::StatusCode::DATA_LOSS, Code::Corrupt},
    CodeRow{grpc::StatusCode::ALREADY_EXISTS, Code::AlreadyExists},
    CodeRow{grpc::StatusCode::FAILED_PRECONDITION, Code::FailedPrecondition},
    CodeRow{grpc::StatusCode::OUT_OF_RANGE, Code::OutOfRange},
    CodeRow{grpc::StatusCode::DEADLINE_EXCEEDED, Code::DeadlineExceeded},
    CodeRow{grpc::StatusCode::CANCELLED, Code::Cancelled},
};

}  // namespace

Error to_error(const grpc::Status& status) {
    auto row = std::ranges::find(kCodes, status.error_code(), &CodeRow::status);
    Error error{row == kCodes.end() ? Code::Internal : row->code, status.error_message(), {}};
    v1::StatusDetails details;
    v1::ErrorDetail detail;
    if (details.ParseFromString(status.error_details()) && details.details_size() > 0 &&
        detail.ParseFromString(details.details(0).value())) {
        error.reason = detail.reason();
        error.hint = detail.hint();
    } else if (error.code == Code::Unavailable) {
        error.hint = "is the daemon still running? see its log";
    } else if (error.code == Code::DeadlineExceeded) {
        error.message = "the daemon did not answer in time";
    }
    return error;
}

std::string default_address() {
    if (const char* host = std::getenv("ASTRA_HOST"); host && *host) return host;
    struct Rule {
        const char* variable;
        const char* below;
    };
    std::string own;
    for (const Rule& rule :
         {Rule{"ASTRA_STATE_DIR", "/astra.sock"}, Rule{"XDG_DATA_HOME", "/astra/astra.sock"},
          Rule{"HOME", "/.local/share/astra/astra.sock"}}) {
        const char* value = std::getenv(rule.variable);
        if (!own.empty() || !value || value[0] != '/') continue;
        own = std::string(value) + rule.below;
    }
    if (::access(own.c_str(), F_OK) != 0 && ::access(kSystemSocket, F_OK) == 0) return kSystemSocket;
    return own.empty() ? kSystemSocket : own;
}

Remote::Remote(const std::shared_ptr<grpc::Channel>& channel)
    : daemon(v1::Daemon::NewStub(channel)),
      images(v1::Images::NewStub(channel)),
      guests(v1::Guests::NewStub(channel)),
      console(v1::Console::NewStub(channel)),
      exec(v1::Exec::NewStub(channel)),
      files(v1::Files::NewStub(channel)),
      metrics(v1::Metrics::NewStub(channel)),
      events(v1::Events::NewStub(channel)) {}

Result<std::unique_ptr<Remote>> Remote::connect(const std::string& address,
                                                std::shared_ptr<grpc::ChannelCredentials> credentials) {
    bool path = address.starts_with('/') || address.starts_with('.');
    grpc::ChannelArguments arguments;
    // A daemon that is being started again is there soon.
    for (const char* name : {GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, GRPC_ARG_MIN_RECONNECT_BACKOFF_MS})
        arguments.SetInt(name, kRetryMs);
    if (!credentials) credentials = grpc::InsecureChannelCredentials();
    auto channel = grpc::CreateCustomChannel(path ? "unix:" + address : address, credentials, arguments);
    std::string file = path ? address : address.starts_with("unix:") ? address.substr(5) : "";
    // Nobody is going to answer on a socket that is not there, or not for us.
    bool hopeless = !file.empty() && ::access(file.c_str(), W_OK) != 0;
    if (hopeless && errno == EACCES)
        return fail(Code::PermissionDenied, file + ": " + std::strerror(EACCES),
                    "be a member of the socket's group, or ask on the daemon's read-only socket");
    auto until = std::chrono::system_clock::now() + kConnectPatience;
    if (hopeless || !channel->WaitForConnected(until))
        return fail(Code::Unavailable, "no daemon answers at " + address,
                    "start one: astrad; or name another with --host or ASTRA_HOST", "NO_DAEMON");
    return std::unique_ptr<Remote>(new Remote(channel));
}

Result<v1::Image> Remote::import_image(const std::string& path, const std::string& name,
                                       const Progress& progress) {
    std::ifstream file(path, std::ios::binary);
    struct stat status {};
    if (!file || ::stat(path.c_str(), &status) != 0)
        return fail(Code::NotFound, path + ": " + std::strerror(errno));
    if (S_ISDIR(status.st_mode))
        return fail(Code::InvalidArgument, path + ": is a directory",
                    "pack it first: tar -C " + path + " -cf rootfs.tar .");
    grpc::ClientContext context;
    auto stream = images->Import(&context);
    v1::ImportRequest request;
    request.mutable_header()->set_name(name);
    request.mutable_header()->set_size_bytes(static_cast<uint64_t>(status.st_size));
    stream->Write(request);
    v1::Image image;
    std::thread answers([&] {
        for (v1::ImportResponse response; stream->Read(&response);) {
            if (response.has_image()) image = response.image();
            if (response.has_progress() && progress)
                progress(response.progress().stage(), response.progress().done_bytes(),
                         response.progress().total_bytes());
        }
    });
    std::string buffer(kChunk, '\0');
    bool open = true;
    while (open && file) {
        file.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
        if (file.gcount() == 0) break;
        request.set_chunk(buffer.data(), static_cast<size_t>(file.gcount()));
        open = stream->Write(request);
    }
    bool unread = file.bad();
    if (unread) context.TryCancel();
    stream->WritesDone();
    answers.join();
    grpc::Status end = stream->Finish();
    if (unread) return fail(Code::Internal, path + ": cannot be read");
    if (end.ok()) return image;
    Error error = to_error(end);
    if (error.message.starts_with("the archive: ")) error.message = path + error.message.substr(11);
    return std::unexpected(std::move(error));
}

}  // namespace astra::control
