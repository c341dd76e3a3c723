// A gRPC server for one role, on unix sockets that we listen on ourselves (so that their owner, mode and
// origin are ours to choose) and, with TLS client certificates, on TCP.
#pragma once
#include <grpcpp/grpcpp.h>

#include <thread>

#include "vmm/base/event_fd.hpp"
#include "vmm/daemon/service/services.hpp"

namespace astra::vmm::daemon {

/// Files of a TLS server: its certificate chain and key, and the authority whose clients it lets in. PEM.
struct TlsFiles {
    std::string certificate, key, client_authority;
};

/// Makes and listens on a unix socket. A socket that nobody answers on is replaced; one in use, or anything
/// else in its place, is not. `group` (unless empty) owns it. Errors: AlreadyExists (in use), those of
/// bind(2).
[[nodiscard]] Result<Fd> listen_unix(const std::string& path, u32 mode, const std::string& group);

class Server {
  public:
    /// `address` ("host:port"; empty: none) needs `tls`. Errors: an address that cannot be had, unreadable
    /// files.
    [[nodiscard]] static Result<std::unique_ptr<Server>> start(Manager& manager, const DaemonFacts& facts,
                                                               Role role, std::vector<Fd> listeners,
                                                               const std::string& address,
                                                               const TlsFiles& tls);
    /// Ends all calls and waits for them.
    ~Server();

  private:
    Server(std::vector<std::unique_ptr<grpc::Service>> services, std::vector<Fd> listeners, EventFd ending)
        : services_(std::move(services)), listeners_(std::move(listeners)), ending_(std::move(ending)) {}
    void accept();

    std::vector<std::unique_ptr<grpc::Service>> services_;
    std::vector<Fd> listeners_;
    EventFd ending_;
    std::unique_ptr<grpc::Server> server_;
    std::thread accepting_;
};

}  // namespace astra::vmm::daemon
