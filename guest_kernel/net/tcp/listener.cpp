// Passive opens, and segments that belong to nobody.
#include <algorithm>

#include "guest_kernel/net/tcp/connection.hpp"
#include "guest_kernel/net/tcp/cookies.hpp"

namespace astra::inet {

void Stack::receive_tcp(Link& link, Own<Packet> packet) {
    counters.tcp_received++;
    tcp::Header header;
    const usize length = tcp::parse(packet->bytes(), header);
    const bool many = packet->to.is_multicast() || is_broadcast(packet->to);
    if (length == 0 || many ||
        (!packet->trusted && checksum(checksum_add(pseudo_sum(packet->from, packet->to, kTcp, packet->size()),
                                                   packet->bytes())) != 0)) {
        counters.tcp_errors++;
        return;
    }
    const Endpoint local{packet->to, header.destination}, remote{packet->from, header.source};
    const usize payload = packet->size() - length;
    if (Bound* found = ports.find_flow(kTcp, local, remote)) {
        Ref<tcp::Connection> connection(static_cast<tcp::Connection&>(*found));
        // A new connection may take the place of one that only waits to be forgotten (RFC 6191).
        const bool fresh = connection->state() == tcp::State::TimeWait && header.flags & tcp::kSyn &&
                           !(header.flags & (tcp::kAck | tcp::kRst));
        if (!fresh || !ports.find_unconnected(kTcp, local, link.index, 0))
            return connection->input(std::move(packet), header, length);
        tcp::abandon(*connection);
    }
    Bound* found = ports.find_unconnected(kTcp, local, link.index, secret_hash(local, remote));
    if (found && found->listening() && !(header.flags & tcp::kRst)) {
        auto& listener = static_cast<tcp::Listener&>(*found);
        if (header.flags & tcp::kAck) {
            if (listener.take_cookie(packet, header, length)) return;
        } else {
            if (header.flags & tcp::kSyn) listener.input(*packet, header);
            return;
        }
    }
    tcp::refuse(*this, *packet, header, payload);
}

bool Stack::is_outstanding(const Endpoint& local, const Endpoint& remote, u32 sequence) {
    Bound* found = ports.find_flow(kTcp, local, remote);
    return found && static_cast<tcp::Connection*>(found)->is_outstanding(sequence);
}

}  // namespace astra::inet

namespace astra::inet::tcp {

namespace {

/// Answers `packet` with a segment that belongs to no connection. `answer` has room for its header.
void send_bare(Stack& stack, const Packet& packet, const Header& header, Own<Packet> answer) {
    write(header, answer->data());
    store16(answer->data() + 16,
            checksum_fold(Stack::pseudo_sum(packet.to, packet.from, kTcp, answer->size())));
    answer->partial_checksum = true;
    answer->checksum_offset = 16;
    (void)stack.send(std::move(answer),  // lost like any segment
                     {.from = packet.to, .to = packet.from, .protocol = kTcp, .dont_fragment = true});
}

}  // namespace

Listener::~Listener() {
    for (auto* list : {&ready_, &half_open_})
        while (Connection* connection = list->pop_front()) connection->unref();
}

void Listener::input(const Packet& packet, const Header& header) {
    // As Linux: no new ones while more than the backlog wait to be accepted; the peer tries again.
    if (ready_count_ > backlog) return;
    if (half_open_count_ >= kMaxHalfOpen) return send_cookie(packet, header);
    (void)Connection::answer(stack_, *this, packet, header, {});  // no memory: the peer tries again
}

/// Answers a SYN without keeping anything of it; options but the segment size are not agreed on.
void Listener::send_cookie(const Packet& packet, const Header& header) {
    const Endpoint local{packet.to, header.destination}, remote{packet.from, header.source};
    auto path = stack_.path_to(remote.address, link);
    auto answer = Packet::make(kHeaderBytes + 4);
    if (!path || !answer) return;  // as if lost
    const u32 headers = (remote.address.is_v4() ? 20 : 40) + static_cast<u32>(kHeaderBytes);
    send_bare(stack_, packet,
              {.source = local.port,
               .destination = remote.port,
               .sequence = make_cookie(stack_, local, remote, header),
               .acknowledgement = header.sequence + 1,
               .flags = kSyn | kAck,
               .window = static_cast<u16>(std::min(settings_.receive_limit, 0xffffu)),
               .mss = static_cast<u16>(std::min(path->link->mtu - headers, 0xffffu))},
              std::move(*answer));
    cookie_sent_ns_ = stack_.now();
}

bool Listener::take_cookie(Own<Packet>& packet, const Header& header, usize header_length) {
    if (!cookie_sent_ns_ || stack_.now() - cookie_sent_ns_ > kCookieLifeNs || ready_count_ > backlog)
        return false;
    const Endpoint local{packet->to, header.destination}, remote{packet->from, header.source};
    const u16 mss = check_cookie(stack_, local, remote, header);
    if (!mss) return false;
    const Header syn{.source = header.source,
                     .destination = header.destination,
                     .sequence = header.sequence - 1,
                     .flags = kSyn,
                     .window = header.window,
                     .mss = mss};
    if (!Connection::answer(stack_, *this, *packet, syn, header.acknowledgement - 1))
        return true;  // as if lost
    Ref<Connection> connection(static_cast<Connection&>(*stack_.ports.find_flow(kTcp, local, remote)));
    connection->input(std::move(packet), header, header_length);
    return true;
}

void Listener::established(Connection& connection) {
    connection.accept_node.unlink();
    half_open_count_--;
    ready_.push_back(connection);
    ready_count_++;
    notify(kReadableChange);
}

/// A connection that was never accepted has ended. One that was established stays to be accepted, as on
/// Linux.
void Listener::gone(Connection& connection) {
    if (!connection.accept_node.linked()) return;
    connection.accept_node.unlink();
    half_open_count_--;
    connection.unref();
}

Ref<Connection> Listener::accept() {
    Connection* first = ready_.pop_front();
    if (!first) return {};
    ready_count_--;
    return Ref<Connection>::adopt(first);
}

void Listener::close() {
    observer = nullptr;
    while (Connection* connection = half_open_.front()) {
        connection->listener_ = nullptr;
        connection->accept_node.unlink();
        connection->orphan_ = true;
        connection->finish(0);
        connection->unref();
    }
    half_open_count_ = 0;
    while (Ref<Connection> connection = accept()) {
        connection->orphan_ = true;
        connection->abort();
    }
    Ref<Listener> self(*this);
    stack_.ports.remove(*this);
}

void refuse(Stack& stack, const Packet& packet, const Header& header, usize payload) {
    if (header.flags & kRst) return;
    auto answer = Packet::make(kHeaderBytes);
    if (!answer) return;
    Header reset{.source = header.destination, .destination = header.source};
    if (header.flags & kAck) {
        reset.sequence = header.acknowledgement;
        reset.flags = kRst;
    } else {
        reset.acknowledgement = header.sequence + static_cast<u32>(payload) + ((header.flags & kSyn) != 0) +
                                ((header.flags & kFin) != 0);
        reset.flags = kRst | kAck;
    }
    stack.counters.tcp_resets_sent++;
    send_bare(stack, packet, reset, std::move(*answer));
}

}  // namespace astra::inet::tcp
