// Endpoints of Unix sockets.
#include "guest_kernel/net/unix/endpoint.hpp"

namespace astra::net {

namespace {

constexpr usize kMaxDatagrams = 10;  // net.unix.max_dgram_qlen

}  // namespace

Endpoint::Endpoint(SocketType kind) : type(kind) {}

// close() has emptied the queue; what a socket never opened may hold ends here.
Endpoint::~Endpoint() { drop_messages(incoming.unlocked()); }

bool Endpoint::has_room(const Endpoint& sender, usize limit) {
    if (state == State::Listening) return count_ <= backlog;
    if (cost_ >= limit) return false;
    if (has_connections() || count_ <= kMaxDatagrams) return true;
    return links.with([&sender](Links& l) { return l.link && &l.link->peer() == &sender; });
}

bool Endpoint::has_ample_room(const Endpoint& sender, usize limit) {
    return cost_ * 4 <= limit && has_room(sender, limit);
}

void Endpoint::add(MessageList& queue, Own<Message> message) {
    count_++;
    cost_ += message->cost();
    queue.push_back(*message.leak());
}

Own<Message> Endpoint::take_first(MessageList& queue) {
    Own<Message> message(queue.pop_front());
    count_--;
    cost_ -= message->cost();
    return message;
}

void Endpoint::announce_readable() {
    readable.wake_all(fs::kPollReadable);
    pollers.wake(fs::kPollReadable);
}

void Endpoint::announce_change() {
    readable.wake_all();
    room.wake_all();
    pollers.wake();
}

void Endpoint::end(u32 what) {
    ended |= what;
    announce_change();
    Ref<Link> connection = link();
    if (!connection) return;
    Endpoint& peer = connection->peer();
    // What one end no longer receives, the other can no longer send, and the other way round.
    if (has_connections()) peer.ended |= (what & kReceiveEnded) << 1 | (what & kSendEnded) >> 1;
    // Also for senders of this end, who sleep on the peer's queue.
    peer.announce_change();
}

void Endpoint::close() {
    MessageList unread;
    {
        auto queue = incoming.lock();
        closed = true;
        while (!queue->empty()) unread.push_back(*take_first(*queue).leak());
    }
    if (Ref<UnixName> bound = name()) forget(*bound, *this);
    Ref<Link> connection = links.with([](Links& l) { return std::move(l.link); });
    if (connection && has_connections()) {
        Endpoint& peer = connection->peer();
        if (!unread.empty() || !accepted) peer.error = static_cast<int>(Errno::kECONNRESET);
        peer.ended |= kBothEnded;
        peer.announce_change();
    }
    announce_change();
    drop_messages(unread);
}

u32 Endpoint::poll(usize limit) {
    const u32 over = ended;
    u32 events = 0;
    if (error) events |= fs::kPollErr;
    if (over == kBothEnded) events |= fs::kPollHup;
    if (over & kReceiveEnded) events |= fs::kPollRdHup | fs::kPollReadable;
    if (has_messages()) events |= fs::kPollReadable;
    if (state == State::Listening) return events;
    Ref<Link> connection = link();
    if (has_connections() && !connection) events |= fs::kPollHup;
    if (!connection || connection->peer().has_ample_room(*this, limit))
        events |= fs::kPollWritable | fs::kPollWrBand;
    return events;
}

usize Endpoint::readable_bytes() {
    auto queue = incoming.lock();
    usize bytes = 0;
    for (Message& message : *queue) {
        bytes += message.unread().size();
        if (type == kDatagram) break;
    }
    return bytes;
}

Link::Link(Endpoint& owner, Endpoint& to) : peer_(to) {
    watch_.owner = &owner;
    watch_.notify = [](sched::Waiter& waiter, u32 events) {
        static_cast<Watch&>(waiter).owner->pollers.wake_from_notify(events);
    };
    to.room.add(watch_);
}

Link::~Link() { peer_->room.remove(watch_); }

}  // namespace astra::net
