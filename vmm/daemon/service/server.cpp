// Listening, accepting, shutting down.
#include "vmm/daemon/service/server.hpp"

#include <grp.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/server_posix.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "vmm/base/durable_file.hpp"

namespace astra::vmm::daemon {
namespace {

constexpr auto kEndOfCalls = std::chrono::seconds(1);
constexpr int kBacklog = 128;

Result<std::shared_ptr<grpc::ServerCredentials>> credentials(const TlsFiles& tls) {
    if (tls.certificate.empty() || tls.key.empty() || tls.client_authority.empty())
        return fail(Code::InvalidArgument, "TCP needs a certificate, its key and the clients' authority",
                    "give --tls-certificate, --tls-key and --tls-client-authority, or leave TCP out");
    grpc::SslServerCredentialsOptions options(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
    options.pem_root_certs = TRY(read_file(tls.client_authority));
    options.pem_key_cert_pairs.push_back({TRY(read_file(tls.key)), TRY(read_file(tls.certificate))});
    return grpc::SslServerCredentials(options);
}

}  // namespace

Result<Fd> listen_unix(const std::string& path, u32 mode, const std::string& group) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path)
        return fail(Code::InvalidArgument, path + ": too long for a socket", "name a shorter path");
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    auto* at = reinterpret_cast<sockaddr*>(&address);
    Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket.valid()) return fail_errno("socket");
    struct stat there {};
    if (::lstat(path.c_str(), &there) == 0) {
        if (!S_ISSOCK(there.st_mode)) return fail(Code::AlreadyExists, path + ": is there and no socket");
        if (::connect(socket.get(), at, sizeof address) == 0 || errno == EAGAIN)
            return fail(Code::AlreadyExists, path + ": another daemon answers there", "stop it first");
        ::unlink(path.c_str());
    }
    // Nobody may connect before owner and mode are right.
    mode_t before = ::umask(0177);
    int bound = ::bind(socket.get(), at, sizeof address);
    ::umask(before);
    if (bound < 0) return fail_errno(path);
    if (!group.empty()) {
        const struct group* entry = ::getgrnam(group.c_str());
        if (!entry) return fail(Code::NotFound, "there is no group " + group);
        if (::chown(path.c_str(), static_cast<uid_t>(-1), entry->gr_gid) < 0) return fail_errno(path);
    }
    if (::chmod(path.c_str(), mode) < 0 || ::listen(socket.get(), kBacklog) < 0) return fail_errno(path);
    return socket;
}

Result<std::unique_ptr<Server>> Server::start(Manager& manager, const DaemonFacts& facts, Role role,
                                              std::vector<Fd> listeners, const std::string& address,
                                              const TlsFiles& tls) {
    static const bool plugins = [] {
        grpc::EnableDefaultHealthCheckService(true);
        grpc::reflection::InitProtoReflectionServerBuilderPlugin();
        return true;
    }();
    (void)plugins;
    std::unique_ptr<Server> server(
        new Server(make_services(manager, facts, role), std::move(listeners), TRY(EventFd::create())));
    grpc::ServerBuilder builder;
    for (const auto& service : server->services_) builder.RegisterService(service.get());
    int port = 0;
    if (!address.empty()) builder.AddListeningPort(address, TRY(credentials(tls)), &port);
    server->server_ = builder.BuildAndStart();
    if (!server->server_ || (!address.empty() && port == 0))
        return fail(Code::Unavailable, "cannot serve on " + address, "is the address in use?");
    server->accepting_ = std::thread([raw = server.get()] { raw->accept(); });
    return server;
}

void Server::accept() {
    std::vector<pollfd> set{{ending_.fd(), POLLIN, 0}};
    for (const Fd& listener : listeners_) set.push_back({listener.get(), POLLIN, 0});
    for (;;) {
        if (::poll(set.data(), set.size(), -1) < 0 && errno != EINTR) return;
        if (set[0].revents) return;
        for (usize i = 1; i < set.size(); i++) {
            if (!(set[i].revents & POLLIN)) continue;
            int client = ::accept4(set[i].fd, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
            if (client >= 0) grpc::AddInsecureChannelFromFd(server_.get(), client);
            // Out of descriptors: the client waits in the backlog until there are some again.
            else if (errno == EMFILE || errno == ENFILE)
                ::poll(&set[0], 1, 100);
        }
    }
}

Server::~Server() {
    ending_.signal();
    if (accepting_.joinable()) accepting_.join();
    if (server_) server_->Shutdown(std::chrono::system_clock::now() + kEndOfCalls);
}

}  // namespace astra::vmm::daemon
