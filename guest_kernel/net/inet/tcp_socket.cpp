// TCP sockets: making, connecting, accepting and ending connections.
#include "guest_kernel/net/inet/tcp_socket.hpp"

#include <algorithm>

#include "guest_kernel/sched/process.hpp"

namespace astra::net {

namespace {

using inet::Endpoint;
using inet::Stack;

// What SO_SNDBUF and SO_RCVBUF say until they are set: net.ipv4.tcp_wmem and tcp_rmem. Until then the engine
// has its own, larger limits, as Linux grows its buffers by itself.
constexpr u32 kSendBuffer = 16384, kReceiveBuffer = 131072;

}  // namespace

TcpSocket::TcpSocket(Family family, Ref<Connection> connection)
    : InetSocket(family, kSendBuffer, kReceiveBuffer), connection_(std::move(connection)) {
    settings_ = connection_->settings();
}

Result<Ref<TcpSocket>> TcpSocket::create(Family family) {
    start_network();
    Ref<Connection> connection;
    {
        StackGuard stack;
        connection = TRY(make_ref<Connection>(*stack, inet::tcp::Settings{}));
    }
    Ref<TcpSocket> socket = TRY(make_ref<TcpSocket>(family, std::move(connection)));
    with_stack([&socket](Stack&) { socket->apply(); });
    return socket;
}

/// SO_LINGER: a close waits until the peer has all that was sent, the end included, or the time is over
/// (socket(7)). Neither the end of the program nor a signal's coming waits.
void TcpSocket::wait_for_end() {
    if (linger() <= 0 || sched::current().is_kernel_thread()) return;
    {
        StackGuard stack;
        if (listener_ || connection_->received_bytes() > 0) return;  // ends at once
        connection_->end_sending();
    }
    const u64 deadline = arch::now_ns() + static_cast<u64>(linger()) * 1'000'000'000;
    // However the sleep ended: the connection goes on without its socket.
    (void)writable_.wait(
        [this] {
            return with_stack([this](Stack&) {
                const State state = connection_->state();
                return state != State::FinWait1 && state != State::Closing && state != State::LastAck;
            });
        },
        sched::Sleep::Interruptible, deadline);
}

TcpSocket::~TcpSocket() {
    wait_for_end();
    StackGuard stack;
    if (listener_) {
        listener_->close();
        listener_ = {};
    }
    connection_->observer = nullptr;
    if (linger() == 0)
        connection_->abort();
    else
        connection_->close();
    connection_ = {};
}

Ref<inet::tcp::Connection> TcpSocket::connection() {
    return with_stack([this](Stack&) { return connection_; });
}

inet::Bound& TcpSocket::bound() {
    if (listener_) return *listener_;
    return *connection_;
}

void TcpSocket::apply() {
    InetSocket::apply();
    settings_.keep_alive = has(kKeepAlive);
    settings_.urgent_inline = has(kOutOfBandInline);
    if (send_buffer() != kSendBuffer) settings_.send_limit = static_cast<u32>(send_buffer());
    if (receive_buffer() != kReceiveBuffer) settings_.receive_limit = static_cast<u32>(receive_buffer());
    connection_->set(settings_);
    if (listener_) listener_->set(settings_);
}

Result<void> TcpSocket::disconnect() {
    StackGuard stack;
    if (listener_) return fail(Errno::kEISCONN);
    connection_->observer = nullptr;
    connection_->abort();
    connection_ = TRY(make_ref<Connection>(*stack, settings_));
    was_connected_ = receive_shut_ = send_shut_ = false;
    connecting_ = false;
    apply();
    return {};
}

Result<void> TcpSocket::connect(const Address& address) {
    if (address.length >= sizeof(u16) && address.family() == kUnspecified) return disconnect();
    {
        StackGuard stack;
        if (listener_) return fail(Errno::kEISCONN);
        if (connection_->is_connecting() && receive_patience(0).nonblocking) return fail(Errno::kEALREADY);
        if (!connecting_) {
            Endpoint to = destination_of(TRY(endpoint_of(address, family())));
            if (connection_->state() != State::Closed) return fail(Errno::kEISCONN);
            if (only_ipv6_ && to.address.is_v4()) return fail(Errno::kENETUNREACH);
            if (stack->is_broadcast(to.address) || to.address.is_multicast())
                return fail(Errno::kENETUNREACH);
            if (was_connected()) {  // one more try after a failure
                connection_->observer = nullptr;
                connection_ = TRY(make_ref<Connection>(*stack, settings_));
            }
            apply();
            if (to.port == 0) return fail(Errno::kECONNREFUSED);
            TRY(connection_->connect(to));
            was_connected_ = true;
            connecting_ = true;
        }
    }
    return finish_connecting();
}

/// Waits until a connect has come to something, and answers what.
Result<void> TcpSocket::finish_connecting() {
    auto decided = [this] { return with_stack([this](Stack&) { return !connection_->is_connecting(); }); };
    if (!decided()) {
        Patience patience = send_patience(0);
        if (patience.nonblocking) return fail(Errno::kEINPROGRESS);
        Result<void> slept = patience.wait(writable_, decided);
        // At the deadline of SO_SNDTIMEO: as for a socket that does not block.
        if (!slept) return fail(slept.error() == Errno::kEAGAIN ? Errno::kEINPROGRESS : slept.error());
    }
    connecting_ = false;
    StackGuard stack;
    if (int error = connection_->take_error()) return fail(static_cast<Errno>(error));
    if (connection_->state() == State::Closed) return fail(Errno::kECONNABORTED);
    return {};
}

Result<void> TcpSocket::listen(u32 backlog) {
    StackGuard stack;
    if (listener_) {
        listener_->backlog = backlog;
        return {};
    }
    if (connection_->state() != State::Closed || connection_->connected()) return fail(Errno::kEINVAL);
    Ref<inet::tcp::Listener> fresh = TRY(make_ref<inet::tcp::Listener>(*stack, settings_));
    Endpoint local = connection_->local;
    const bool bound_before = local.port != 0;
    if (!bound_before && family() == kInet) local.address = inet::IpAddress::v4(0);
    connection_->local = {};
    stack->ports.remove(*connection_);
    fresh->backlog = backlog;
    listener_ = std::move(fresh);
    apply();
    Result<void> taken = stack->ports.bind(*listener_, local, stack->random32());
    if (taken) return {};
    listener_ = {};
    if (bound_before) TRY(stack->ports.bind(*connection_, local, 0));
    return taken;
}

Result<Ref<Socket>> TcpSocket::accept() {
    const Patience patience = receive_patience(0);
    for (;;) {
        Ref<Connection> accepted;
        {
            StackGuard stack;
            if (!listener_) return fail(Errno::kEINVAL);
            accepted = listener_->accept();
        }
        if (accepted) {
            auto socket = make_ref<TcpSocket>(family(), accepted);
            if (!socket) {
                with_stack([&accepted](Stack&) { accepted->close(); });
                return fail(socket.error());
            }
            with_stack([&](Stack&) {
                accepted->observer = socket->get();
                accepted->inode = (*socket)->number();
                (*socket)->was_connected_ = true;
            });
            return Ref<Socket>(std::move(*socket));
        }
        TRY(patience.wait(readable_, [this] {
            return with_stack([this](Stack&) { return !listener_ || listener_->has_ready(); });
        }));
    }
}

Result<void> TcpSocket::shutdown(u32 what) {
    StackGuard stack;
    if (listener_) {
        if (!(what & kReceiveEnded)) return {};
        // Ends listening; the port is given up.
        listener_->close();
        listener_ = {};
        changed(inet::kStateChange);
        return {};
    }
    if (!was_connected() || connection_->state() == State::Closed) return fail(Errno::kENOTCONN);
    if (what & kReceiveEnded) receive_shut_ = true;
    if (what & kSendEnded) {
        send_shut_ = true;
        connection_->end_sending();
    }
    changed(inet::kStateChange);
    return {};
}

Result<Address> TcpSocket::peer_name() {
    StackGuard stack;
    const bool connected = !listener_ && connection_->connected() && connection_->state() != State::Closed &&
                           connection_->state() != State::SynSent;
    if (!connected) return fail(Errno::kENOTCONN);
    return address_of(connection_->remote, family());
}

bool TcpSocket::listening() const {
    return with_stack([this](Stack&) { return static_cast<bool>(listener_); });
}

int TcpSocket::take_error() {
    return with_stack([this](Stack&) {
        const int error = connection_->take_error();
        if (error) connecting_ = false;
        return error;
    });
}

// As Linux's tcp_poll.
u32 TcpSocket::events() {
    if (listener_) return listener_->has_ready() ? fs::kPollReadable : 0;
    Connection& c = *connection_;
    const bool over = was_connected() && c.state() == State::Closed;
    const bool receive_over = receive_shut_ || over || c.receive_ended();
    const bool receive_ended = was_connected() && receive_over;
    const bool send_ended = send_shut_ || over || c.send_ended();
    u32 bits = 0;
    if (c.error()) bits |= fs::kPollErr;
    if (c.state() == State::Closed || (receive_ended && send_ended)) bits |= fs::kPollHup;
    if (receive_ended) bits |= fs::kPollReadable | fs::kPollRdHup;
    if (c.is_connecting()) return bits;
    if (c.received_bytes() > urgent_hole()) bits |= fs::kPollReadable;
    if (c.urgent().state == inet::tcp::UrgentMark::State::There) bits |= fs::kPollPri;
    if (c.state() == State::Closed || send_ended || c.send_room() * 3 >= settings_.send_limit)
        bits |= fs::kPollWritable;
    return bits;
}

Result<usize> TcpSocket::readable_bytes() {
    if (listener_) return fail(Errno::kEINVAL);
    const usize bytes = connection_->received_bytes();
    return settings_.urgent_inline ? bytes : std::min<usize>(bytes, connection_->bytes_to_mark());
}

bool TcpSocket::at_mark() const { return !listener_ && connection_->bytes_to_mark() == 0; }

usize TcpSocket::unsent_bytes() { return connection_->unsent_bytes(); }

}  // namespace astra::net
