// System V message queues (msgget(2), msgop(2), msgctl(2)).
#pragma once
#include "guest_kernel/base/list.hpp"
#include "guest_kernel/ipc/registry.hpp"
#include "guest_kernel/sched/wait_queue.hpp"

namespace astra::ipc {

inline constexpr usize kMostMessage = 8192;    // MSGMAX
inline constexpr u64 kMostQueueBytes = 16384;  // MSGMNB

struct Message : RefCounted {
    ListNode node;
    i64 type = 0;
    Vector<u8> data;
};

/// Guarded by its registry's lock.
class MessageQueue final : public RefCounted, public Object {
  public:
    ~MessageQueue() override;
    List<Message, &Message::node> messages;  // each holds a reference
    u64 bytes = 0, count = 0, most_bytes = kMostQueueBytes;
    i64 send_time = 0, receive_time = 0;
    int last_sender = 0, last_receiver = 0;
    sched::WaitQueue changed;  // every sleeper looks again
};

using LockedQueues = sched::SpinLocked<Registry<MessageQueue, 32000>, sched::Rank::FileRegistry>;
LockedQueues& message_queues();

/// msgsnd(2). Errors: EAGAIN, EACCES, EIDRM, EINTR, EINVAL.
Result<void> send(int id, Ref<Message> message, bool wait);

/// Which message msgrcv(2) takes, and what it does without one or with one that is too long.
struct Wanted {
    i64 type;  // 0: the first; positive: of that type; negative: of the lowest type up to its absolute value
    usize room;
    bool wait, except, cut;
};
/// msgrcv(2). Errors: E2BIG, EACCES, EIDRM, EINTR, EINVAL, ENOMSG.
Result<Ref<Message>> receive(int id, const Wanted& wanted);

}  // namespace astra::ipc
