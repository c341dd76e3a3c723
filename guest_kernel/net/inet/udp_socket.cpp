// UDP and ICMP echo sockets.
#include "guest_kernel/net/inet/udp_socket.hpp"

#include <algorithm>

namespace astra::net {

namespace {

using inet::Endpoint;
using inet::IpAddress;
using inet::Packet;
using inet::Stack;

constexpr usize kMaxDatagram = 0xffff - 28;
constexpr usize kEchoHeader = 8;

}  // namespace

Result<Ref<UdpSocket>> UdpSocket::create(Family family, u8 protocol) {
    start_network();
    Ref<inet::UdpPort> port = TRY(make_ref<inet::UdpPort>(protocol));
    Ref<UdpSocket> socket = TRY(make_ref<UdpSocket>(family, std::move(port)));
    with_stack([&socket](Stack&) { socket->apply(); });
    return socket;
}

UdpSocket::~UdpSocket() {
    StackGuard stack;
    port_->observer = nullptr;
    stack->ports.remove(*port_);
}

void UdpSocket::apply() {
    InetSocket::apply();
    port_->broadcast = has(kBroadcast);
    port_->report_errors = receive_errors_;
    port_->limit = receive_buffer();
}

Result<void> UdpSocket::bind_somewhere(Stack& stack) {
    if (port_->local.port != 0) return {};
    const IpAddress any = family() == kInet ? IpAddress::v4(0) : IpAddress{};
    bound_by_connect_ = true;
    return stack.ports.bind(*port_, {any, 0}, stack.random32());
}

Result<void> UdpSocket::connect(const Address& address) {
    if (address.length < sizeof(u16)) return fail(Errno::kEINVAL);
    StackGuard stack;
    auto forget = [&] {
        if (!port_->connected()) return;
        stack->ports.disconnect(*port_);
        if (!bound_by_connect_) return;
        stack->ports.remove(*port_);
        port_->local = {};
        bound_by_connect_ = false;
    };
    if (address.family() == kUnspecified) {
        forget();
        return {};
    }
    Endpoint to = destination_of(TRY(endpoint_of(address, family())));
    inet::Path path = TRY(stack->path_to(to.address, port_->link));
    if (stack->is_broadcast(to.address) && !port_->broadcast) return fail(Errno::kEACCES);
    if (is_echo()) to.port = 0;
    forget();
    bound_by_connect_ |= port_->local.port == 0;
    if (to.port == 0) return bind_somewhere(*stack);
    return stack->ports.connect(*port_, path.source, to, stack->random32());
}

Result<usize> UdpSocket::send(Outgoing& out) {
    if (out.flags & kOutOfBand) return fail(Errno::kENOTSUP);
    const usize size = out.data.remaining();
    if (size > kMaxDatagram) return fail(Errno::kEMSGSIZE);
    Endpoint to;
    if (out.to) {
        to = destination_of(TRY(endpoint_of(*out.to, family())));
        if (to.port == 0 && !is_echo()) return fail(Errno::kEINVAL);
    }
    if (ended_ & kSendEnded) return broken_pipe(out.flags);
    Own<Packet> payload = TRY(Packet::make(size));
    if (size > 0 && TRY(out.data.take(payload->bytes())) < size) return fail(Errno::kEFAULT);
    StackGuard stack;
    if (int error = port_->take_error()) return fail(static_cast<Errno>(error));
    if (!out.to) {
        if (!port_->connected()) return fail(Errno::kEDESTADDRREQ);
        to = port_->remote;
    }
    if (family() == kInet6 && only_ipv6_ && to.address.is_v4()) return fail(Errno::kENETUNREACH);
    TRY(bind_somewhere(*stack));
    inet::Path path = TRY(stack->path_to(to.address, port_->link));
    const IpAddress local = port_->local.address;
    const IpAddress from = local.is_unspecified() || local.is_multicast() ? path.source : local;
    if (is_echo()) {
        if (size < kEchoHeader) return fail(Errno::kEINVAL);
        inet::store16(payload->data() + 4, port_->local.port);  // the identifier is the port
        TRY(stack->send_icmp(std::move(payload),
                             {.from = from, .to = to.address, .ttl = port_->ttl, .link = port_->link}));
    } else {
        TRY(stack->send_udp(*port_, from, to, std::move(payload)));
    }
    return size;
}

Result<usize> UdpSocket::receive(Incoming& in) {
    const Patience patience = receive_patience(in.flags);
    for (;;) {
        {
            auto reading = reading_.lock();
            Own<Packet> taken;
            const Packet* packet = nullptr;
            int error = 0;
            with_stack([&](Stack&) {
                error = port_->take_error();
                if (error) return;
                packet = port_->first();
                if (!packet || in.flags & kPeek) return;
                taken = port_->take();
            });
            if (error) return fail(static_cast<Errno>(error));
            if (packet) {
                const usize size = packet->size(), wanted = std::min(size, in.data.remaining());
                if (wanted > 0 && TRY(in.data.put(packet->bytes().first(wanted))) < wanted)
                    return fail(Errno::kEFAULT);
                if (wanted < size) in.message_flags |= kTruncated;
                in.from = address_of({packet->from, packet->source_port}, family());
                return in.flags & kTruncated ? size : wanted;
            }
        }
        if (ended_ & kReceiveEnded) return usize{0};
        TRY(patience.wait(readable_, [this] {
            return ended_ & kReceiveEnded ||
                   with_stack([this](Stack&) { return port_->first() != nullptr || port_->error() != 0; });
        }));
    }
}

Result<void> UdpSocket::shutdown(u32 what) {
    StackGuard stack;
    if (!port_->connected()) return fail(Errno::kENOTCONN);
    ended_ |= what;
    changed(inet::kStateChange);
    return {};
}

Result<Address> UdpSocket::peer_name() {
    StackGuard stack;
    if (!port_->connected()) return fail(Errno::kENOTCONN);
    return address_of(port_->remote, family());
}

int UdpSocket::take_error() {
    return with_stack([this](Stack&) { return port_->take_error(); });
}

u32 UdpSocket::events() {
    const u32 over = ended_;
    u32 bits = fs::kPollWritable;
    if (port_->error()) bits |= fs::kPollErr;
    if (port_->first()) bits |= fs::kPollReadable;
    if (over & kReceiveEnded) bits |= fs::kPollReadable | fs::kPollRdHup;
    if (over == kBothEnded) bits |= fs::kPollHup;
    return bits;
}

}  // namespace astra::net
