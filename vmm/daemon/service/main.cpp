// astrad: the daemon.
#include <fcntl.h>
#include <signal.h>
#include <spdlog/spdlog.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <CLI/CLI.hpp>
#include <filesystem>

#include "vmm/base/state_dir.hpp"
#include "vmm/daemon/service/prometheus.hpp"
#include "vmm/daemon/service/server.hpp"

using namespace astra::vmm;
using namespace astra::vmm::daemon;

namespace {

struct Options {
    std::string state, socket, read_only_socket, group, listen, prometheus, log_level = "info";
    TlsFiles tls;
};

void describe(CLI::App& app, Options& options) {
    app.set_config("--config", "", "a file with these options, one 'name=value' a line");
    app.add_option("--state", options.state, "folder for images, guests and events")->type_name("FOLDER");
    app.add_option("--socket", options.socket,
                   "unix socket for everything, mode 0660 (default STATE/astra.sock)")
        ->type_name("PATH");
    app.add_option("--read-only-socket", options.read_only_socket,
                   "unix socket for questions only, mode 0666")
        ->type_name("PATH");
    app.add_option("--group", options.group, "group that owns the sockets")->type_name("NAME");
    app.add_option("--listen", options.listen, "TCP address, for clients with certificates")
        ->type_name("HOST:PORT");
    app.add_option("--tls-certificate", options.tls.certificate, "the server's certificate chain, PEM");
    app.add_option("--tls-key", options.tls.key, "its key, PEM");
    app.add_option("--tls-client-authority", options.tls.client_authority,
                   "who signs clients' certificates, PEM");
    app.add_option("--prometheus", options.prometheus, "serve /metrics here, as 127.0.0.1:9464")
        ->type_name("HOST:PORT");
    app.add_option("--log-level", options.log_level, "debug, info, warning or error")
        ->check(CLI::IsMember({"debug", "info", "warning", "error"}).description(""));
}

/// Sockets that systemd listens on for us (sd_listen_fds(3)).
std::vector<Fd> inherited_sockets() {
    constexpr int kFirst = 3;
    const char* pid = ::getenv("LISTEN_PID");
    const char* count = ::getenv("LISTEN_FDS");
    std::vector<Fd> sockets;
    if (!pid || !count || std::atoi(pid) != ::getpid()) return sockets;
    for (int fd = kFirst; fd < kFirst + std::atoi(count); fd++) {
        ::fcntl(fd, F_SETFD, FD_CLOEXEC);
        ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
        sockets.emplace_back(fd);
    }
    return sockets;
}

/// Tells the service manager, when there is one (sd_notify(3)).
void notify(std::string_view state) {
    const char* path = ::getenv("NOTIFY_SOCKET");
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (!path || std::strlen(path) >= sizeof address.sun_path) return;
    std::strcpy(address.sun_path, path);
    if (address.sun_path[0] == '@') address.sun_path[0] = 0;
    Fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + std::strlen(path));
    ::sendto(socket.get(), state.data(), state.size(), 0, reinterpret_cast<sockaddr*>(&address), length);
}

Result<void> serve(Options options, const Fd& signals) {
    if (options.state.empty()) options.state = TRY(state_dir());
    if (options.socket.empty()) options.socket = options.state + "/astra.sock";
    std::error_code error;
    std::string supervisor =
        std::filesystem::read_symlink("/proc/self/exe", error).parent_path() / "astra-supervisor";
    if (::access(supervisor.c_str(), X_OK) != 0)
        return fail(Code::NotFound, supervisor + ": cannot be executed",
                    "astrad and astra-supervisor belong together");
    auto manager = TRY(Manager::open(options.state, supervisor));
    spdlog::info("state in {}: {} guests", options.state, manager->list().size());
    DaemonFacts facts{.version = ASTRA_VERSION, .started_unix_ns = unix_ns()};

    std::vector<Fd> admin = inherited_sockets();
    bool ours = admin.empty();
    if (ours) admin.push_back(TRY(listen_unix(options.socket, 0660, options.group)));
    auto server =
        TRY(Server::start(*manager, facts, Role::Admin, std::move(admin), options.listen, options.tls));
    std::unique_ptr<Server> questions;
    if (!options.read_only_socket.empty()) {
        std::vector<Fd> listeners;
        listeners.push_back(TRY(listen_unix(options.read_only_socket, 0666, options.group)));
        questions = TRY(Server::start(*manager, facts, Role::ReadOnly, std::move(listeners), "", {}));
    }
    std::unique_ptr<PrometheusEndpoint> prometheus;
    if (!options.prometheus.empty())
        prometheus = TRY(PrometheusEndpoint::start(*manager, options.prometheus));
    spdlog::info("astrad {} serves on {}", ASTRA_VERSION, ours ? options.socket : "inherited sockets");
    notify("READY=1");

    signalfd_siginfo signal{};
    while (::read(signals.get(), &signal, sizeof signal) < 0 && errno == EINTR) {}
    spdlog::info("signal {}: leaving; guests go on", signal.ssi_signo);
    notify("STOPPING=1");
    if (ours) ::unlink(options.socket.c_str());
    return {};
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app(
        "Runs ASTRA guests for clients on this host. Guests outlive it; the next one finds them again.",
        "astrad");
    Options options;
    describe(app, options);
    CLI11_PARSE(app, argc, argv);
    spdlog::set_level(spdlog::level::from_str(options.log_level));
    spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%e%z level=%l %v");
    ::signal(SIGPIPE, SIG_IGN);
    // Before any thread is started, so that all of them leave these to us.
    sigset_t ends;
    ::sigemptyset(&ends);
    for (int number : {SIGINT, SIGTERM}) ::sigaddset(&ends, number);
    ::pthread_sigmask(SIG_BLOCK, &ends, nullptr);
    Fd signals(::signalfd(-1, &ends, SFD_CLOEXEC));
    auto served = serve(std::move(options), signals);
    if (served) return 0;
    spdlog::error("{}", served.error().message);
    if (!served.error().hint.empty()) spdlog::error("hint: {}", served.error().hint);
    return 1;
}
