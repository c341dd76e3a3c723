// The user network: libslirp (https://gitlab.freedesktop.org/slirp/libslirp), its callbacks and timers.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <slirp/libslirp.h>
#include <sys/socket.h>
#include <time.h>

#include <algorithm>
#include <list>

#include "vmm/net/backend.hpp"

namespace astra::vmm::net {
namespace {

/// As big as IPv4 packets get, less some for headers: the link is memory.
constexpr u16 kMtu = 65520;
constexpr i64 kNsPerMs = 1'000'000;

in_addr address(u32 host_order) { return {.s_addr = htonl(host_order)}; }

i64 monotonic_ns() {
    timespec now;
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1'000'000'000 + now.tv_nsec;
}

short poll_bits(int slirp) {
    int bits = 0;
    if (slirp & SLIRP_POLL_IN) bits |= POLLIN;
    if (slirp & SLIRP_POLL_OUT) bits |= POLLOUT;
    if (slirp & SLIRP_POLL_PRI) bits |= POLLPRI;
    return static_cast<short>(bits);
}
int slirp_bits(short poll) {
    int bits = 0;
    if (poll & POLLIN) bits |= SLIRP_POLL_IN;
    if (poll & POLLOUT) bits |= SLIRP_POLL_OUT;
    if (poll & POLLPRI) bits |= SLIRP_POLL_PRI;
    if (poll & POLLERR) bits |= SLIRP_POLL_ERR;
    if (poll & POLLHUP) bits |= SLIRP_POLL_HUP;
    return bits;
}

class UserBackend final : public Backend {
  public:
    [[nodiscard]] Result<void> start(std::span<const Forward> forwards, bool host_loopback);
    ~UserBackend() override {
        if (slirp_) ::slirp_cleanup(slirp_);
    }
    // What libslirp sends was checked or made in this process: the guest need not look again.
    [[nodiscard]] u64 features() const override { return abi::virtio::net::kFeatureGuestCsum; }
    void set_features(u64 features) override { trusted_ = features & abi::virtio::net::kFeatureGuestCsum; }
    [[nodiscard]] u16 mtu() const override { return kMtu; }
    void send(const abi::virtio::net::Header&, std::span<const u8> frame) override {
        ::slirp_input(slirp_, frame.data(), static_cast<int>(frame.size()));
    }
    void prepare(std::vector<pollfd>& descriptors, int& timeout_ms, bool) override;
    void serve(std::span<const pollfd> descriptors) override;

  private:
    struct Timer {
        SlirpTimerCb callback;
        void* opaque;
        i64 expires_ms;  // -1: not armed
    };
    static UserBackend& self(void* opaque) { return *static_cast<UserBackend*>(opaque); }
    static const SlirpCb kCallbacks;
    void run_timers();
    void let_many_wait();

    Slirp* slirp_ = nullptr;
    std::list<Timer> timers_;
    std::vector<pollfd>* filling_ = nullptr;
    usize first_ = 0;  // of the descriptors that are this backend's
    bool trusted_ = false;
};

const SlirpCb UserBackend::kCallbacks = {
    .send_packet = [](const void* bytes, size_t length, void* opaque) -> ssize_t {
        abi::virtio::net::Header header{};
        if (self(opaque).trusted_) header.flags = abi::virtio::net::kDataValid;
        // A frame the guest has no room for is lost; libslirp's TCP sends it again.
        (void)self(opaque).deliver_(header, {static_cast<const u8*>(bytes), length});
        return static_cast<ssize_t>(length);
    },
    .guest_error = [](const char* text, void*) { fmt::print(stderr, "astra-vmm: network: {}\n", text); },
    .clock_get_ns = [](void*) -> int64_t { return monotonic_ns(); },
    .timer_new = [](SlirpTimerCb callback, void* callback_opaque, void* opaque) -> void* {
        return &self(opaque).timers_.emplace_back(Timer{callback, callback_opaque, -1});
    },
    .timer_free =
        [](void* timer, void* opaque) {
            self(opaque).timers_.remove_if([timer](const Timer& each) { return &each == timer; });
        },
    .timer_mod = [](void* timer, int64_t expires_ms,
                    void*) { static_cast<Timer*>(timer)->expires_ms = expires_ms; },
    .register_poll_fd = [](int, void*) {},
    .unregister_poll_fd = [](int, void*) {},
    .notify = [](void*) {},  // everything happens on the one thread
    .init_completed = [](Slirp*, void*) {},
    .timer_new_opaque = nullptr,
};

Result<void> UserBackend::start(std::span<const Forward> forwards, bool host_loopback) {
    SlirpConfig config{};
    config.version = 4;
    config.in_enabled = true;
    config.vnetwork = address(kUserNetwork);
    config.vnetmask = address(kUserMask);
    config.vhost = address(kUserGateway);
    config.vdhcp_start = address(kUserGuest);
    config.vnameserver = address(kUserNameServer);
    config.vhostname = "astra";
    config.if_mtu = config.if_mru = kMtu;
    config.disable_host_loopback = !host_loopback;
    slirp_ = ::slirp_new(&config, &kCallbacks, this);
    if (!slirp_) return fail(Code::Internal, "libslirp does not start");
    for (const Forward& forward : forwards)
        if (::slirp_add_hostfwd(slirp_, forward.udp, address(forward.host_address), forward.host_port,
                                address(kUserGuest), forward.guest_port) < 0)
            return fail_errno(fmt::format("cannot forward port {}", forward.host_port));
    let_many_wait();
    return {};
}

/// libslirp lets one connection wait to be accepted: of many at once, most would be tried again a second
/// later. Its listening sockets are among those it asks to be polled; listen(2) again changes how many may
/// wait.
void UserBackend::let_many_wait() {
    u32 timeout = UINT32_MAX;
    ::slirp_pollfds_fill(
        slirp_, &timeout,
        [](int fd, int, void*) {
            int listening = 0;
            socklen_t size = sizeof listening;
            if (::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) == 0 && listening)
                (void)::listen(fd, SOMAXCONN);  // fails at worst to change anything
            return -1;
        },
        this);
}

void UserBackend::prepare(std::vector<pollfd>& descriptors, int& timeout_ms, bool) {
    u32 timeout = timeout_ms < 0 ? UINT32_MAX : static_cast<u32>(timeout_ms);
    filling_ = &descriptors;
    first_ = descriptors.size();
    ::slirp_pollfds_fill(
        slirp_, &timeout,
        [](int fd, int events, void* opaque) {
            UserBackend& backend = self(opaque);
            backend.filling_->push_back({fd, poll_bits(events), 0});
            return static_cast<int>(backend.filling_->size() - 1 - backend.first_);
        },
        this);
    filling_ = nullptr;
    const i64 now_ms = monotonic_ns() / kNsPerMs;
    for (const Timer& timer : timers_)
        if (timer.expires_ms >= 0)
            timeout =
                std::min(timeout, static_cast<u32>(std::clamp<i64>(timer.expires_ms - now_ms, 0, INT32_MAX)));
    timeout_ms = timeout > INT32_MAX ? -1 : static_cast<int>(timeout);
}

void UserBackend::run_timers() {
    const i64 now_ms = monotonic_ns() / kNsPerMs;
    for (Timer& timer : timers_)
        if (timer.expires_ms >= 0 && timer.expires_ms <= now_ms) {
            timer.expires_ms = -1;
            timer.callback(timer.opaque);
        }
}

void UserBackend::serve(std::span<const pollfd> descriptors) {
    ::slirp_pollfds_poll(
        slirp_, 0,
        [](int index, void* opaque) {
            return slirp_bits(
                (*static_cast<std::span<const pollfd>*>(opaque))[static_cast<usize>(index)].revents);
        },
        &descriptors);
    run_timers();
}

}  // namespace

Result<std::unique_ptr<Backend>> make_user_backend(std::span<const Forward> forwards, bool host_loopback) {
    auto backend = std::make_unique<UserBackend>();
    TRY(backend->start(forwards, host_loopback));
    return backend;
}

}  // namespace astra::vmm::net
