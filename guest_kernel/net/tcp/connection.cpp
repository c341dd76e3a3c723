// TCP connections: from their making to their end, and what sockets ask of them.
#include "guest_kernel/net/tcp/connection.hpp"

#include <algorithm>

namespace astra::inet::tcp {

namespace {

constexpr u64 kSecond = 1'000'000'000;
constexpr u64 kTimeWait = 60 * kSecond;    // Linux's TCP_TIMEWAIT_LEN
constexpr u64 kFinTimeout = 60 * kSecond;  // net.ipv4.tcp_fin_timeout

/// A shift that lets the largest window be told in 16 bits (RFC 7323, 2.2).
u8 shift_for(u32 limit) {
    u8 shift = 0;
    while (shift < 14 && limit >> shift > 0xffff) shift++;
    return std::max<u8>(shift, 7);
}

}  // namespace

Connection::Connection(Stack& stack, const Settings& settings)
    : Bound(kTcp), stack_(stack), settings_(settings) {
    timer_.owner = this;
    timer_.fire = [](sched::TimerEvent& event) {
        Ref<Connection> self(*static_cast<Timer&>(event).owner);
        self->on_timer();
    };
}

Connection::~Connection() {
    drop(received_);
    drop(ahead_);
}

/// Finds out how much a segment may carry (RFC 9293, 3.7.1).
Result<void> Connection::choose_segment_size() {
    Path path = TRY(stack_.path_to(remote.address, link));
    const u32 mtu = path_mtu_ ? std::min(path_mtu_, path.link->mtu) : path.link->mtu;
    const u32 headers = (remote.address.is_v4() ? 20 : 40) + static_cast<u32>(kHeaderBytes);
    u32 mss = std::min(std::max(mtu, headers + 88) - headers, 65535u - headers);
    receive_mss_ = mss;
    if (settings_.max_segment) mss = std::min(mss, settings_.max_segment);
    mss = std::min(mss, peer_mss_);
    mss_ = mss - (timestamps_ ? static_cast<u32>(kTimestampBytes) : 0);
    burst_ = std::max(path.link->max_segmented / mss_ * mss_, mss_);
    return {};
}

void Connection::begin(u32 peer_mss, std::optional<u32> initial) {
    peer_mss_ = peer_mss ? std::max(peer_mss, 88u) : 536;
    initial_ = initial.value_or(stack_.secret_hash(local, remote) +
                                static_cast<u32>(stack_.now() / 64));  // RFC 6528
    clock_offset_ = stack_.secret_hash(remote, local);
    unacknowledged_ = next_ = recovery_end_ = send_urgent_ = initial_;
    queue_begin_ = initial_ + 1;
    receive_shift_ = shift_for(settings_.receive_limit);
    last_heard_ns_ = syn_sent_ns_ = stack_.now();
}

Result<void> Connection::connect(const Endpoint& to) {
    if (state_ != State::Closed || connected()) return fail(Errno::kEISCONN);
    Path path = TRY(stack_.path_to(to.address, link));
    const IpAddress source = local.address.is_unspecified() ? path.source : local.address;
    TRY(stack_.ports.connect(*this, source, to, stack_.random32()));
    begin(65535, {});
    Result<void> ready = choose_segment_size();
    if (ready) ready = flight_.prepare();
    if (!ready) {
        finish(0);
        return ready;
    }
    stack_.counters.tcp_active_opens++;
    enter(State::SynSent);
    transmit(initial_, 0, kSyn);
    next_ = initial_ + 1;
    arm_retransmit();
    set_timer();
    return {};
}

void Connection::take_syn_options(const Header& header) {
    peer_mss_ = header.mss ? std::max<u32>(header.mss, 88) : 536;
    timestamps_ = header.has_timestamps;
    sack_ = header.sack_permitted;
    has_shift_ = header.has_window_shift;
    send_shift_ = has_shift_ ? header.window_shift : 0;
    if (!has_shift_) receive_shift_ = 0;
    if (timestamps_) {
        recent_ = header.timestamp;
        recent_at_ns_ = stack_.now();
    }
    receive_next_ = advertised_ = header.sequence + 1;
    last_ack_sent_ = receive_next_;
    window_ = header.window;  // that of a SYN is not scaled
    largest_window_ = window_;
    window_sequence_ = header.sequence;
}

Result<void> Connection::answer(Stack& stack, Listener& listener, const Packet& syn, const Header& header,
                                std::optional<u32> cookie) {
    Ref<Connection> fresh = TRY(make_ref<Connection>(stack, listener.settings()));
    Connection& c = *fresh;
    c.local = {syn.to, header.destination};
    c.remote = {syn.from, header.source};
    c.reuse_address = listener.reuse_address;
    c.reuse_port = listener.reuse_port;
    c.ipv6 = listener.ipv6;
    c.only_ipv6 = listener.only_ipv6;
    c.link = listener.link;
    c.user = listener.user;
    TRY(stack.ports.adopt(c));
    c.begin(header.mss, cookie);
    c.take_syn_options(header);
    Result<void> ready = c.choose_segment_size();
    if (ready) ready = c.flight_.prepare();
    if (!ready) {
        c.finish(0);
        return ready;
    }
    c.listener_ = &listener;
    c.ref();
    listener.half_open_.push_back(c);
    listener.half_open_count_++;
    stack.counters.tcp_passive_opens++;
    c.state_ = State::SynReceived;
    if (cookie)
        c.advertised_ += std::min(c.settings_.receive_limit, 0xffffu);  // the window the cookie came with
    else
        c.transmit(c.initial_, 0, kSyn | kAck);
    c.next_ = c.initial_ + 1;
    c.arm_retransmit();
    c.set_timer();
    return {};
}

void Connection::enter(State state) {
    state_ = state;
    notify(kStateChange | kReadableChange | kWritableChange);
}

/// The end of all: what was received may still be read.
void Connection::finish(int error) {
    if (listener_) std::exchange(listener_, nullptr)->gone(*this);
    retransmit_at_ = loss_at_ = tail_at_ = probe_at_ = ack_at_ = keep_alive_at_ = end_at_ = kNever;
    stack_.disarm(timer_);
    queue_.clear();
    drop(ahead_);
    ahead_bytes_ = 0;
    flight_.clear();
    if (orphan_) {
        drop(received_);
        received_bytes_ = 0;
    }
    if (error && !error_) error_ = error;
    ack_now_ = ack_later_ = false;
    Ref<Connection> self(*this);
    enter(State::Closed);
    stack_.ports.remove(*this);
}

void abandon(Bound& item) {
    if (item.listening())
        static_cast<Listener&>(item).close();
    else
        static_cast<Connection&>(item).finish(0);
}

void Connection::time_wait() {
    retransmit_at_ = loss_at_ = tail_at_ = probe_at_ = keep_alive_at_ = kNever;
    end_at_ = stack_.now() + kTimeWait;
    enter(State::TimeWait);
}

usize Connection::send_room() const {
    if (fin_queued_ || (state_ != State::Established && state_ != State::CloseWait)) return 0;
    return queue_.size() < settings_.send_limit ? settings_.send_limit - queue_.size() : 0;
}

void Connection::append(Own<Packet> bytes, bool more, bool urgent) {
    // After a silence longer than a timeout the path is unknown again (RFC 5681, 4.1).
    if (next_ == unacknowledged_ && queue_.size() == 0 && last_sent_ns_ &&
        stack_.now() - last_sent_ns_ > rtt_.timeout())
        congestion_.on_idle(mss_);
    queue_.append(std::move(bytes));
    more_ = more;
    if (urgent) send_urgent_ = data_end();
    output();
    set_timer();
}

void Connection::consume(usize bytes) {
    received_bytes_ -= bytes;
    while (bytes > 0) {
        Packet& first = *received_.front();
        if (bytes < first.size()) {
            first.strip(bytes);
            break;
        }
        bytes -= first.size();
        received_.remove(first);
        delete &first;
    }
    if (urgent_.state != UrgentMark::State::None && after(read_next(), urgent_.sequence)) urgent_ = {};
    if (state_ != State::Established && state_ != State::FinWait1 && state_ != State::FinWait2) return;
    // Tell when the window has grown by two segments or half the buffer (RFC 9293, 3.8.6.2.2).
    const u32 edge = receive_next_ + receive_window();
    const u32 growth = before(advertised_, edge) ? edge - advertised_ : 0;
    if (growth >= std::min(2 * receive_mss_, settings_.receive_limit / 2)) {
        send_ack();
        set_timer();
    }
}

void Connection::end_sending() {
    if (fin_queued_) return;
    switch (state_) {
        case State::SynSent: return finish(0);
        case State::SynReceived: fin_queued_ = true; return;  // establish() goes on
        case State::Established: enter(State::FinWait1); break;
        case State::CloseWait: enter(State::LastAck); break;
        default: return;
    }
    fin_queued_ = true;
    more_ = false;
    output();
    set_timer();
}

void Connection::close() {
    observer = nullptr;
    orphan_ = true;
    const bool lost_data = received_bytes_ > 0;
    drop(received_);
    received_bytes_ = 0;
    if (state_ == State::Closed) return finish(0);
    if (lost_data && state_ != State::TimeWait) return abort();  // RFC 2525, 2.17
    end_sending();
    if (state_ == State::FinWait2) end_at_ = stack_.now() + kFinTimeout;
    if (state_ != State::Closed) set_timer();
}

void Connection::abort() {
    if (synchronized() && state_ != State::TimeWait) send_reset();
    finish(0);
}

void Connection::set(const Settings& settings) {
    const bool uncorked = settings_.cork && !settings.cork,
               hurried = !settings_.no_delay && settings.no_delay;
    const bool keep_changed =
        settings_.keep_alive != settings.keep_alive || settings_.keep_idle_s != settings.keep_idle_s;
    settings_ = settings;
    if (state_ == State::Closed || is_connecting()) return;
    if (keep_changed) {
        keep_alive_at_ = settings_.keep_alive ? stack_.now() + u64{settings_.keep_idle_s} * kSecond : kNever;
        probes_ = 0;
    }
    if (uncorked || hurried) {
        more_ = false;
        output();
    }
    if (settings_.quick_ack && ack_later_) send_ack();
    set_timer();
}

bool Connection::receive_ended() const { return fin_received_ || state_ == State::Closed; }

void Connection::on_unreachable(Errno error, u32 mtu) {
    if (error == Errno::kEMSGSIZE) {
        // A smaller path MTU (RFC 1191, RFC 8201). Routers before RFC 1191 say nothing: then a usual small
        // one.
        path_mtu_ = std::max(mtu ? mtu : 576u, 576u);
        if (state_ == State::Closed || !choose_segment_size()) return;
        flight_.lose_all();  // what was too long
        output();
        return set_timer();
    }
    // An established connection outlives such news (RFC 5461): it is told only when it gives up.
    if (is_connecting()) {
        stack_.counters.tcp_failures++;
        finish(static_cast<int>(error));
    }
}

}  // namespace astra::inet::tcp
