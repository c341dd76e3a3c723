// A connection to astrad: astra.v1's stubs, deadlines, and errors as the rest of the host side knows them.
#pragma once
#include <grpcpp/security/credentials.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "control_proto/astra.grpc.pb.h"
#include "control_proto/error.hpp"

namespace astra::control {

/// A failed call as an error: canonical code, message, and the daemon's reason and hint.
[[nodiscard]] Error to_error(const grpc::Status& status);

/// Where the daemon is, unless said otherwise: $ASTRA_HOST, else astra.sock in $ASTRA_STATE_DIR,
/// $XDG_DATA_HOME/astra or ~/.local/share/astra, or /run/astra/astra.sock when that is there.
[[nodiscard]] std::string default_address();

class Remote {
  public:
    using Progress = std::function<void(std::string_view stage, uint64_t done, uint64_t total)>;
    static constexpr std::chrono::milliseconds kPatience{30'000};

    /// Connects to `address`: a socket's path, "unix:PATH", or what gRPC takes ("dns:host:port", with
    /// `credentials`). Errors: Unavailable when no daemon answers there,
    /// PermissionDenied when the socket is not for this user.
    [[nodiscard]] static Result<std::unique_ptr<Remote>> connect(
        const std::string& address, std::shared_ptr<grpc::ChannelCredentials> credentials = {});

    const std::unique_ptr<v1::Daemon::Stub> daemon;
    const std::unique_ptr<v1::Images::Stub> images;
    const std::unique_ptr<v1::Guests::Stub> guests;
    const std::unique_ptr<v1::Console::Stub> console;
    const std::unique_ptr<v1::Exec::Stub> exec;
    const std::unique_ptr<v1::Files::Stub> files;
    const std::unique_ptr<v1::Metrics::Stub> metrics;
    const std::unique_ptr<v1::Events::Stub> events;

    /// A call with one request and one answer: call(*remote.guests, &v1::Guests::Stub::Get, request). Errors:
    /// the call's own; DeadlineExceeded after `patience` (zero: none).
    template <class Stub, class Request, class Response>
    [[nodiscard]] static Result<Response> call(
        Stub& stub, grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
        const Request& request, std::chrono::milliseconds patience = kPatience) {
        grpc::ClientContext context;
        if (patience.count() > 0) context.set_deadline(std::chrono::system_clock::now() + patience);
        Response response;
        grpc::Status status = (stub.*method)(&context, request, &response);
        if (!status.ok()) return std::unexpected(to_error(status));
        return response;
    }

    /// Sends the archive at `path` to be kept as an image, called `name` unless that is empty. Errors: those
    /// of reading the file, and the daemon's.
    [[nodiscard]] Result<v1::Image> import_image(const std::string& path, const std::string& name,
                                                 const Progress& progress = {});

  private:
    explicit Remote(const std::shared_ptr<grpc::Channel>& channel);
};

}  // namespace astra::control
