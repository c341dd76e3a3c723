// Unix sockets: sending and receiving.
#include "guest_kernel/net/unix/socket.hpp"

#include <algorithm>

#include "guest_kernel/net/inet/interfaces.hpp"
#include "guest_kernel/sched/process.hpp"

namespace astra::net {

namespace {

/// A stream's bytes travel in messages of at most this size, which take a power of two of memory.
constexpr usize kMaxPart = (32 << 10) - sizeof(Message);
constexpr usize kRecordOverhead = 32;  // what a record must be smaller than the send buffer by

constexpr auto kNothing = [] { return Result<void>{}; };

/// The ids that SCM_CREDENTIALS tells when the sender names none: the real ones.
abi::UCred sender_identity() {
    sched::Process& process = sched::current_process();
    sched::Credentials ids = process.credentials();
    return {process.pid(), ids.uid, ids.gid};
}

Result<void> share(Vector<Ref<fs::File>>& to, const Vector<Ref<fs::File>>& files) {
    for (const Ref<fs::File>& file : files) TRY(to.push_back(file));
    return {};
}

/// Who a message came from, for recvfrom(2).
void name_sender(Incoming& in, const Message& message) {
    Ref<UnixName> name = message.from->name();
    if (name) in.from = name->address;
}

/// Hands a record over, with what came with it; it stays whole when it is only looked at.
Result<usize> hand_over(Incoming& in, Message& message, bool with_credentials) {
    std::span<const u8> bytes = message.unread();
    usize wanted = std::min(bytes.size(), in.data.remaining());
    if (wanted > 0 && TRY(in.data.put(bytes.first(wanted))) < wanted) return fail(Errno::kEFAULT);
    if (wanted < bytes.size()) in.message_flags |= kTruncated;
    name_sender(in, message);
    if (with_credentials) in.credentials = message.sender;
    if (in.flags & kPeek)
        TRY(share(in.files, message.files()));
    else
        in.files = message.detach();
    return in.flags & kTruncated ? bytes.size() : wanted;
}

}  // namespace

Result<usize> UnixSocket::send(Outgoing& message) {
    if (message.flags & kOutOfBand) return fail(Errno::kENOTSUP);
    return type() == kStream ? send_stream(message) : send_record(message);
}

Result<usize> UnixSocket::receive(Incoming& message) {
    if (message.flags & kOutOfBand) return fail(type() == kStream ? Errno::kEINVAL : Errno::kENOTSUP);
    return type() == kStream ? receive_stream(message) : receive_record(message);
}

/// The next `size` bytes as a message: fewer at a bad page. The files go with the first one.
Result<Own<Message>> UnixSocket::compose(Outgoing& out, usize size) {
    Own<Message> message = TRY(Message::make(size));
    if (size > 0) message->set_size(TRY(out.data.take(message->room())));
    message->sender = out.credentials ? *out.credentials : sender_identity();
    message->from = endpoint_;
    if (!out.files.empty()) TRY(message->attach(std::move(out.files)));
    return message;
}

Result<usize> UnixSocket::send_stream(Outgoing& out) {
    Ref<Link> link = endpoint_->link();
    if (out.to) return fail(link ? Errno::kEISCONN : Errno::kENOTSUP);
    if (!link) return fail(Errno::kENOTCONN);
    if (endpoint_->ended & kSendEnded) return broken_pipe(out.flags);
    const Patience patience = send_patience(out.flags);
    usize done = 0;
    auto partly = [&done](Errno error) -> Result<usize> {
        if (done > 0) return done;
        return fail(error);
    };
    while (out.data.remaining() > 0) {
        const usize size = std::min({out.data.remaining(), kMaxPart, send_buffer() / 2});
        Result<Own<Message>> part = compose(out, size);
        if (!part) return partly(part.error());
        const usize taken = (*part)->size();
        Result<void> sent =
            link->peer().enqueue(std::move(*part), *endpoint_, send_buffer(), patience, kNothing);
        if (!sent && sent.error() == Errno::kEPIPE && done == 0) return broken_pipe(out.flags);
        if (!sent) return partly(sent.error());
        done += taken;
        if (taken < size) break;
    }
    return done;
}

/// Where a record goes: the address given (datagrams only), or the peer.
Result<Ref<Endpoint>> UnixSocket::destination(const Outgoing& out) {
    if (out.to && type() == kDatagram) return find_peer(*out.to);
    Ref<Link> link = endpoint_->link();
    if (!link) return fail(Errno::kENOTCONN);
    return Ref<Endpoint>(link->peer());
}

Result<usize> UnixSocket::send_record(Outgoing& out) {
    Ref<Endpoint> to = TRY(destination(out));
    const usize size = out.data.remaining();
    if (size > send_buffer() - kRecordOverhead) return fail(Errno::kEMSGSIZE);
    if (endpoint_->ended & kSendEnded) return fail(Errno::kEPIPE);
    Own<Message> message = TRY(compose(out, size));
    if (message->size() < size) return fail(Errno::kEFAULT);
    Result<void> sent =
        to->enqueue(std::move(message), *endpoint_, send_buffer(), send_patience(out.flags), kNothing);
    if (sent) return size;
    if (sent.error() != Errno::kEPIPE || type() != kDatagram || !to->closed) return fail(sent.error());
    // Whom it was connected to is gone: so is the connection.
    if (!out.to) {
        Ref<Link> old = endpoint_->links.with([](Endpoint::Links& l) { return std::move(l.link); });
        endpoint_->state = Endpoint::State::Idle;
    }
    return fail(Errno::kECONNREFUSED);
}

/// Moves what there is of a stream. True: the call ends here, be there more or not.
Result<bool> UnixSocket::take_bytes(Incoming& in, usize& done) {
    const bool peek = in.flags & kPeek;
    MessageList spent;
    bool ends = false;
    Result<void> failed;
    {
        auto queue = endpoint_->incoming.lock();
        Message* message = queue->front();
        while (message && !ends) {
            if (passes_credentials()) {
                // Bytes of different senders are not mixed.
                if (in.credentials && !(*in.credentials == message->sender)) {
                    ends = true;
                    break;
                }
                in.credentials = message->sender;
            }
            name_sender(in, *message);
            std::span<const u8> bytes = message->unread();
            const usize wanted = std::min(bytes.size(), in.data.remaining());
            Result<usize> moved = wanted > 0 ? in.data.put(bytes.first(wanted)) : Result<usize>(0);
            if (!moved) {
                if (done == 0) failed = fail(moved.error());
                ends = true;
                break;
            }
            done += *moved;
            // Files end a read: they belong to the bytes they were sent with.
            ends = *moved < wanted || in.data.remaining() == 0 || !message->files().empty();
            if (peek) {
                failed = share(in.files, message->files());
                message = failed ? queue->next(*message) : nullptr;
                continue;
            }
            if (!message->files().empty()) in.files = message->detach();
            message->advance(*moved);
            if (!message->unread().empty()) break;
            spent.push_back(*endpoint_->take_first(*queue).leak());
            message = queue->front();
        }
    }
    if (!spent.empty()) endpoint_->announce_room();
    drop_messages(spent);
    if (!failed) return fail(failed.error());
    return ends || (peek && done > 0);
}

Result<usize> UnixSocket::receive_stream(Incoming& in) {
    Endpoint& e = *endpoint_;
    if (!e.link()) return fail(Errno::kEINVAL);
    const Patience patience = receive_patience(in.flags);
    const usize target = in.flags & kWaitAll ? in.data.remaining() : 1;
    usize done = 0;
    for (;;) {
        // Looked at first: all that the peer sent before is then in the queue.
        const bool over = e.ended & kReceiveEnded;
        if (TRY(take_bytes(in, done)) || done >= std::max<usize>(target, 1)) return done;
        if (over) {
            int error = done == 0 ? take_error() : 0;
            if (error) return fail(static_cast<Errno>(error));
            return done;
        }
        Result<void> slept =
            patience.wait(e.readable, [&e] { return e.has_messages() || e.ended & kReceiveEnded; });
        if (!slept) return done > 0 ? Result<usize>(done) : fail(slept.error());
    }
}

Result<usize> UnixSocket::receive_record(Incoming& in) {
    Endpoint& e = *endpoint_;
    if (e.has_connections() && !e.link()) return fail(Errno::kENOTCONN);
    const Patience patience = receive_patience(in.flags);
    for (;;) {
        const bool over = e.ended & kReceiveEnded;
        Own<Message> message;
        {
            auto queue = e.incoming.lock();
            if (Message* first = queue->front()) {
                if (in.flags & kPeek) return hand_over(in, *first, passes_credentials());
                message = e.take_first(*queue);
            }
        }
        if (message.get()) {
            e.announce_room();
            return hand_over(in, *message, passes_credentials());
        }
        if (over) {
            if (int error = take_error()) return fail(static_cast<Errno>(error));
            if (patience.nonblocking && type() == kDatagram) return fail(Errno::kEAGAIN);
            return 0;
        }
        TRY(patience.wait(e.readable, [&e] { return e.has_messages() || e.ended & kReceiveEnded; }));
    }
}

Result<i64> UnixSocket::ioctl(u32 request, u64 argument) {
    constexpr u32 kBytesReadable = 0x541b, kBytesUnsent = 0x5411;  // SIOCINQ, SIOCOUTQ
    int bytes = 0;
    if (request == kBytesReadable) {
        if (listening()) return fail(Errno::kEINVAL);
        bytes = static_cast<int>(endpoint_->readable_bytes());
    } else if (request == kBytesUnsent) {
        Ref<Link> link = endpoint_->link();
        if (link) bytes = static_cast<int>(link->peer().waiting_bytes());
    } else {
        return interface_ioctl(request, argument);
    }
    TRY(mm::write(abi::Out<int>(UserAddr(argument)), bytes));
    return 0;
}

}  // namespace astra::net
