// System V message queues: sending and receiving.
#include "guest_kernel/ipc/messages.hpp"

#include "guest_kernel/sched/process.hpp"

namespace astra::ipc {

namespace {

LockedQueues g_queues;

bool has_room(const MessageQueue& queue, usize size) {
    return queue.bytes + size <= queue.most_bytes && queue.count + 1 <= queue.most_bytes;
}

bool matches(const Message& message, const Wanted& wanted) {
    if (wanted.type == 0) return true;
    if (wanted.type > 0) return (message.type == wanted.type) != wanted.except;
    return wanted.type == INT64_MIN || message.type <= -wanted.type;
}

Message* choose(MessageQueue& queue, const Wanted& wanted) {
    Message* best = nullptr;
    for (Message& message : queue.messages) {
        if (!matches(message, wanted)) continue;
        if (wanted.type >= 0) return &message;
        if (!best || message.type < best->type) best = &message;
    }
    return best;
}

Result<Ref<MessageQueue>> open(int id, u32 mode, const Caller& caller) {
    auto queues = g_queues.lock();
    Ref<MessageQueue> queue = TRY(queues->find(id));
    TRY(check_access(*queue, mode, caller));
    return queue;
}

/// Sleeps until `settled()`, which leaves its answer in `outcome`, answers true.
template <class Settled>
Result<void> sleep_until(MessageQueue& queue, Settled&& settled, const Result<void>& outcome) {
    if (!queue.changed.wait(settled)) return fail(Errno::kEINTR);
    return outcome;
}

}  // namespace

LockedQueues& message_queues() { return g_queues; }

MessageQueue::~MessageQueue() {
    while (Message* message = messages.pop_front()) message->unref();
}

Result<void> send(int id, Ref<Message> message, bool wait) {
    const Caller caller = Caller::current();
    Ref<MessageQueue> queue = TRY(open(id, 0222, caller));
    Result<void> outcome;
    auto settled = [&] {
        auto queues = g_queues.lock();
        usize size = message->data.size();
        if (queue->removed) return outcome = fail(Errno::kEIDRM), true;
        if (!has_room(*queue, size)) return outcome = fail(Errno::kEAGAIN), !wait;
        queue->messages.push_back(*message.leak());
        queue->bytes += size;
        queue->count++;
        queue->send_time = caller.now;
        queue->last_sender = caller.pid;
        return outcome = {}, true;
    };
    TRY(sleep_until(*queue, settled, outcome));
    queue->changed.wake_all();
    return {};
}

Result<Ref<Message>> receive(int id, const Wanted& wanted) {
    const Caller caller = Caller::current();
    Ref<MessageQueue> queue = TRY(open(id, 0444, caller));
    Ref<Message> taken;
    Result<void> outcome;
    auto settled = [&] {
        auto queues = g_queues.lock();
        if (queue->removed) return outcome = fail(Errno::kEIDRM), true;
        Message* message = choose(*queue, wanted);
        if (!message) return outcome = fail(Errno::kENOMSG), !wanted.wait;
        if (message->data.size() > wanted.room && !wanted.cut) return outcome = fail(Errno::kE2BIG), true;
        message->node.unlink();
        taken = Ref<Message>::adopt(message);
        queue->bytes -= message->data.size();
        queue->count--;
        queue->receive_time = caller.now;
        queue->last_receiver = caller.pid;
        return outcome = {}, true;
    };
    TRY(sleep_until(*queue, settled, outcome));
    queue->changed.wake_all();
    return taken;
}

}  // namespace astra::ipc
