// Channels: many senders, one receiver, as Rust's std::sync::mpsc.
#pragma once
#include <expected>

#include "guest_kernel/base/list.hpp"
#include "guest_runtime/container/box.hpp"
#include "guest_runtime/sync/condvar.hpp"

namespace astra::sync {

/// The receiver is gone, or there is no memory: the value comes back.
template <class T>
struct SendError {
    T value;
    operator io::Error() const { return {io::ErrorKind::BrokenPipe, "sending on a closed channel"}; }
};
enum class RecvError { Empty, Timeout, Disconnected };

/// What both ends of a channel share.
template <class T>
class Channel {
  public:
    explicit Channel(usize bound) : state_(State{bound, 1}) {}
    struct Item {
        explicit Item(T v) : value(std::move(v)) {}
        T value;
        ListNode link;
    };
    struct State {
        State(usize b, usize s) : bound(b), senders(s) {}
        State(State&& o) noexcept : bound(o.bound), senders(o.senders) {}
        ~State() {
            while (Item* item = items.front()) items.remove(*item), delete item;
        }
        usize bound, senders, count = 0;
        bool receiver = true;
        List<Item, &Item::link> items;
    };
    std::expected<void, SendError<T>> send(T value) {
        auto* item = new (std::nothrow) Item(std::move(value));
        if (!item) return std::unexpected(SendError<T>{std::move(value)});
        auto s = state_.lock();
        room_.wait_while(s, [](State& now) { return now.receiver && now.count >= now.bound; });
        if (!s->receiver) {
            SendError<T> error{std::move(item->value)};
            delete item;
            return std::unexpected(std::move(error));
        }
        s->items.push_back(*item);
        s->count++;
        some_.notify_one();
        return {};
    }
    std::expected<T, RecvError> take(bool wait, std::optional<time::Duration> timeout) {
        auto s = state_.lock();
        auto nothing = [](State& now) { return now.count == 0 && now.senders > 0; };
        bool in_time = true;
        if (wait && timeout) in_time = some_.wait_timeout_while(s, *timeout, nothing);
        if (wait && !timeout) some_.wait_while(s, nothing);
        Item* item = s->items.front();
        if (!item)
            return std::unexpected(s->senders == 0 ? RecvError::Disconnected
                                   : in_time       ? RecvError::Empty
                                                   : RecvError::Timeout);
        s->items.remove(*item);
        s->count--;
        room_.notify_one();
        std::expected<T, RecvError> value(std::move(item->value));
        delete item;
        return value;
    }
    void add_sender() { state_.lock()->senders++; }
    void drop_sender() {
        if (--state_.lock()->senders == 0) some_.notify_all();
    }
    void drop_receiver() {
        state_.lock()->receiver = false;
        room_.notify_all();
    }

  private:
    Mutex<State> state_;
    Condvar some_, room_;
};

/// Sends; copies send to the same receiver, from any thread.
template <class T>
class Sender {
  public:
    explicit Sender(Arc<Channel<T>> channel) : channel_(std::move(channel)) {}
    Sender(const Sender& o) : channel_(o.channel_) { channel_->add_sender(); }
    Sender(Sender&&) noexcept = default;
    Sender& operator=(Sender&&) noexcept = default;
    ~Sender() {
        if (channel_) channel_->drop_sender();
    }
    /// Waits for room in a bounded channel. The value comes back when the receiver is gone.
    std::expected<void, SendError<T>> send(T value) const { return channel_->send(std::move(value)); }

  private:
    Arc<Channel<T>> channel_;
};

/// Receives, in the order of sending.
template <class T>
class Receiver {
  public:
    explicit Receiver(Arc<Channel<T>> channel) : channel_(std::move(channel)) {}
    Receiver(Receiver&&) noexcept = default;
    Receiver& operator=(Receiver&&) noexcept = default;
    ~Receiver() {
        if (channel_) channel_->drop_receiver();
    }
    /// Waits for a value; Disconnected when there is none and no sender left.
    std::expected<T, RecvError> recv() { return channel_->take(true, {}); }
    /// A value that is there now, else Empty or Disconnected.
    std::expected<T, RecvError> try_recv() { return channel_->take(false, {}); }
    /// Waits at most this long, then Timeout.
    std::expected<T, RecvError> recv_timeout(time::Duration timeout) { return channel_->take(true, timeout); }

  private:
    Arc<Channel<T>> channel_;
};

template <class T>
struct ChannelEnds {
    Sender<T> sender;
    Receiver<T> receiver;
};

/// A channel that holds at most `bound` values (at least 1); send() waits for room.
///     auto [sender, receiver] = TRY(sync::channel<int>());
template <class T>
io::Result<ChannelEnds<T>> sync_channel(usize bound) {
    auto channel = TRY(Arc<Channel<T>>::make(bound ? bound : 1));
    return ChannelEnds<T>{Sender<T>(channel), Receiver<T>(channel)};
}
/// A channel without a bound.
template <class T>
io::Result<ChannelEnds<T>> channel() {
    return sync_channel<T>(~usize{0});
}

}  // namespace astra::sync
