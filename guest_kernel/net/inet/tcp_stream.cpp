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
                const bool last = out.data.remaining() == 0;
                if (size > 0)
                    c.append(std::move(bytes), out.flags & kMore || !last, out.flags & kOutOfBand && last);
                return size;
            }
            if (size == 0) return usize{0};
        }
        TRY(patience.wait(writable_, ready));
    }
}

/// What a reader gets next beyond the first `skip` bytes of the stream, which it has looked at before: up to
/// the urgent mark, nothing there when it has `begun` before it. An urgent byte that is read out of line is
/// no part of the stream: it is passed over, and unless this is but a look thrown away. The stack is locked.
std::span<const u8> TcpSocket::next_bytes(usize skip, bool begun, bool peek) {
    const u32 ahead = connection_->bytes_to_mark(static_cast<u32>(skip));
    if (ahead == 0 && begun) return {};
    usize offset = skip + urgent_hole();
    if (offset > 0 && !peek && connection_->received_bytes() > 0) {
        connection_->consume(offset);
        offset = 0;
    }
    Packet* packet = connection_->received();
    while (packet && offset >= packet->size()) {
        offset -= packet->size();
        packet = connection_->next(*packet);
    }
    if (!packet) return {};
    const std::span<const u8> bytes = std::span<const u8>(packet->bytes()).subspan(offset);
    return ahead == 0 ? bytes : bytes.first(std::min<usize>(bytes.size(), ahead));
}

/// Hands over what was received, up to the urgent mark; with kPeek it stays, and the first `before` bytes
/// have been handed over already. Answers how much.
Result<usize> TcpSocket::copy_received(Incoming& in, usize before) {
    usize done = 0;
    const bool discard = in.flags & kTruncated;  // MSG_TRUNC: the bytes are not wanted (tcp(7))
    const bool peek = in.flags & kPeek;
    usize wanted = in.data.remaining();
    while (wanted > done) {
        // The bytes stay where they are: only readers, who hold reading_, take packets out.
        std::span<const u8> bytes =
            with_stack([&](Stack&) { return next_bytes(peek ? before + done : 0, before + done > 0, peek); });
        if (bytes.empty()) break;
        bytes = bytes.first(std::min(bytes.size(), wanted - done));
        Result<usize> moved = discard ? Result<usize>(bytes.size()) : in.data.put(bytes);
        if (!moved) {
            if (done > 0) return done;
            return moved;
        }
        done += *moved;
        if (!peek) with_stack([&](Stack&) { connection_->consume(*moved); });
        if (*moved < bytes.size()) break;
    }
    return done;
}

/// The urgent byte, read out of line (MSG_OOB).
Result<usize> TcpSocket::receive_urgent(Incoming& in) {
    using enum inet::tcp::UrgentMark::State;
    const bool peek = in.flags & kPeek;
    u8 byte = 0;
    const bool there = TRY(with_stack([&](Stack&) -> Result<bool> {
        if (listener_) return fail(Errno::kENOTCONN);
        const inet::tcp::UrgentMark& mark = connection_->urgent();
        if (settings_.urgent_inline || mark.state == None || mark.state == Taken) return fail(Errno::kEINVAL);
        byte = mark.byte;
        if (mark.state == There) {
            if (!peek) connection_->take_urgent();
            return true;
        }
        // It was announced, and is yet to come; after the end it never will.
        if (connection_->receive_ended() || receive_shut_) return false;
        return fail(Errno::kEAGAIN);
    }));
    if (!there) return usize{0};
    in.message_flags |= kOutOfBand;
    if (in.data.remaining() == 0) {
        in.message_flags |= kTruncated;
        return usize{0};
    }
    if (in.flags & kTruncated) return usize{1};
    return in.data.put({&byte, 1});
}

Result<usize> TcpSocket::receive(Incoming& in) {
    if (in.flags & kOutOfBand) return receive_urgent(in);
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
            Result<usize> got = copy_received(in, done);
            if (!got) return done > 0 ? Result<usize>(done) : got;
            done += *got;
        }
        if (wanted == 0 || done >= target) return done;
        // Whoever has read something stops at the mark.
        if (done > 0 && with_stack([&](Stack&) {
                return connection_->bytes_to_mark(static_cast<u32>(peek ? done : 0)) == 0;
            }))
            return done;
        if (over) {
            StackGuard stack;
            if (done > 0) return done;
            if (listener_ || !was_connected()) return fail(Errno::kENOTCONN);
            if (int error = connection_->take_error()) return fail(static_cast<Errno>(error));
            return usize{0};
        }
        Result<void> slept = patience.wait(readable_, [this, peek, done] {
            return with_stack([&](Stack&) {
                return connection_->received_bytes() > (peek ? done + urgent_hole() : 0) ||
                       connection_->receive_ended() || receive_shut_;
            });
        });
        if (!slept) return done > 0 ? Result<usize>(done) : fail(slept.error());
    }
}

}  // namespace astra::net
