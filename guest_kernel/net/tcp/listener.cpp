// Passive opens, and segments that belong to nobody.
#include "guest_kernel/net/tcp/connection.hpp"

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
    if (found && found->listening() && !(header.flags & tcp::kAck) && !(header.flags & tcp::kRst)) {
        if (header.flags & tcp::kSyn) static_cast<tcp::Listener*>(found)->input(*packet, header);
        return;
    }
    tcp::refuse(*this, *packet, header, payload);
}

}  // namespace astra::inet

namespace astra::inet::tcp {

Listener::~Listener() {
    for (auto* list : {&ready_, &half_open_})
        while (Connection* connection = list->pop_front()) connection->unref();
}

void Listener::input(const Packet& packet, const Header& header) {
    // As Linux: no new ones while more than the backlog wait to be accepted; the peer tries again.
    if (ready_count_ > backlog || half_open_count_ >= kMaxHalfOpen) return;
    (void)Connection::answer(stack_, *this, packet, header);  // no memory: the peer tries again
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
    Packet& out = **answer;
    write(reset, out.data());
    store16(out.data() + 16, checksum_fold(Stack::pseudo_sum(packet.to, packet.from, kTcp, kHeaderBytes)));
    out.partial_checksum = true;
    out.checksum_offset = 16;
    stack.counters.tcp_resets_sent++;
    (void)stack.send(std::move(*answer),  // lost like any segment
                     {.from = packet.to, .to = packet.from, .protocol = kTcp, .dont_fragment = true});
}

}  // namespace astra::inet::tcp
