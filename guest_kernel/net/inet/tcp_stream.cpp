// TCP sockets: bytes in and out. Programs' memory is touched without the stack's lock.
#include <algorithm>

#include "guest_kernel/net/inet/tcp_socket.hpp"

namespace astra::net {

namespace {

using inet::Packet;
using inet::Stack;

constexpr usize kMaxPart = 64 << 10;  // bytes that are copied at a time
constexpr usize kMinPart = 1 << 10;   // memory they take, so that small writes can be gathered

}  // namespace

Result<usize> TcpSocket::send(Outgoing& out) {
    if (out.flags & kOutOfBand) return fail(Errno::kENOTSUP);
    Patience patience = send_patience(out.flags);
    if (connecting_ && !patience.nonblocking) TRY(finish_connecting());
    usize done = 0;
    do {
        const usize size = std::min(out.data.remaining(), kMaxPart);
        auto part = Packet::make(std::max(size, kMinPart), 0);
        Result<usize> taken = fail(Errno::kENOMEM);
        if (part) taken = size > 0 ? out.data.take((*part)->bytes().first(size)) : Result<usize>(0);
        Result<usize> sent = fail(Errno::kENOMEM);
        if (taken) {
            (*part)->trim(*taken);
            sent = append(std::move(*part), out, patience);
        } else {
            sent = fail(taken.error());
        }
        if (!sent) {
            if (done > 0) return done;
            return sent.error() == Errno::kEPIPE ? broken_pipe(out.flags) : sent;
        }
        done += *sent;
        if (*taken < size) break;
    } while (out.data.remaining() > 0);
    return done;
}

/// Queues the bytes to be sent, waiting for room.
Result<usize> TcpSocket::append(Own<Packet> bytes, const Outgoing& out, const Patience& patience) {
    auto ready = [this] {
        return with_stack([this](Stack&) {
            Connection& c = *connection_;
            return c.error() || send_shut_ || c.send_room() > 0 || (!c.is_connecting() && c.send_ended());
        });
    };
    const usize size = bytes->size();
    for (;;) {
        {
            StackGuard stack;
            Connection& c = *connection_;
            if (listener_) return fail(Errno::kEPIPE);
            if (c.error() && !c.is_connecting()) return fail(static_cast<Errno>(c.take_error()));
            const bool never = !was_connected() && c.state() == State::Closed;
            if (send_shut_ || never || (!c.is_connecting() && c.send_ended())) return fail(Errno::kEPIPE);
            if (c.send_room() > 0) {
                if (size > 0) c.append(std::move(bytes), out.flags & kMore || out.data.remaining() > 0);
                return size;
            }
            if (size == 0) return usize{0};
        }
        TRY(patience.wait(writable_, ready));
    }
}

/// Hands over what lies beyond the first `skip` bytes received; without kPeek it is consumed. Answers how
/// much.
Result<usize> TcpSocket::copy_received(Incoming& in, usize skip) {
    usize done = 0;
    const bool discard = in.flags & kTruncated;  // MSG_TRUNC: the bytes are not wanted (tcp(7))
    usize wanted = in.data.remaining();
    const Packet* at = nullptr;
    while (wanted > done) {
        // The bytes stay where they are: only readers, who hold reading_, take packets out.
        std::span<const u8> bytes;
        with_stack([&](Stack&) {
            Packet* packet = at ? connection_->next(const_cast<Packet&>(*at)) : connection_->received();
            while (packet && skip >= packet->size()) {
                skip -= packet->size();
                packet = connection_->next(*packet);
            }
            if (!packet) return;
            bytes = std::span<const u8>(packet->bytes()).subspan(skip);
            at = packet;
            skip = 0;
        });
        if (bytes.empty()) break;
        bytes = bytes.first(std::min(bytes.size(), wanted - done));
        Result<usize> moved = discard ? Result<usize>(bytes.size()) : in.data.put(bytes);
        if (!moved) {
            if (done > 0) return done;
            return moved;
        }
        done += *moved;
        if (!(in.flags & kPeek)) {
            at = nullptr;
            with_stack([&](Stack&) { connection_->consume(*moved); });
        }
        if (*moved < bytes.size()) break;
    }
    return done;
}

Result<usize> TcpSocket::receive(Incoming& in) {
    if (in.flags & kOutOfBand) return fail(Errno::kEINVAL);
    const Patience patience = receive_patience(in.flags);
    if (connecting_ && !patience.nonblocking) TRY(finish_connecting());
    const usize wanted = in.data.remaining();
    const usize target = in.flags & kWaitAll ? wanted : 1;
    const bool peek = in.flags & kPeek;
    usize done = 0;
    for (;;) {
        bool over;
        {
            auto reading = reading_.lock();
            over = with_stack(
                [this](Stack&) { return connection_->receive_ended() || receive_shut_ || listener_; });
            Result<usize> got = copy_received(in, peek ? done : 0);
            if (!got) return done > 0 ? Result<usize>(done) : got;
            done += *got;
        }
        if (wanted == 0 || done >= target) return done;
        if (over) {
            StackGuard stack;
            if (done > 0) return done;
            if (listener_ || !was_connected()) return fail(Errno::kENOTCONN);
            if (int error = connection_->take_error()) return fail(static_cast<Errno>(error));
            return usize{0};
        }
        Result<void> slept = patience.wait(readable_, [this, peek, done] {
            return with_stack([&](Stack&) {
                return connection_->received_bytes() > (peek ? done : 0) || connection_->receive_ended() ||
                       receive_shut_;
            });
        });
        if (!slept) return done > 0 ? Result<usize>(done) : fail(slept.error());
    }
}

}  // namespace astra::net
