// System V message queues: msgget(2), msgsnd(2), msgrcv(2), msgctl(2).
#include <algorithm>

#include "guest_kernel/ipc/messages.hpp"
#include "guest_kernel/mm/user_copy.hpp"
#include "guest_kernel/sched/process.hpp"
#include "guest_kernel/syscalls/syscalls.hpp"

namespace astra::syscalls {

using ipc::Caller, ipc::message_queues, ipc::MessageQueue;

namespace {

enum ReceiveFlag : u32 { kNoError = 010000, kExcept = 020000, kCopy = 040000 };
enum Command : int { kStatAt = 11, kMsgInfo = 12, kStatAny = 13 };

/// IPC_STAT, and by slot. Errors: EINVAL, EIDRM, EACCES, EFAULT.
SyscallResult status(int id, int command, Out<MsgDs> to) {
    Caller caller = Caller::current();
    MsgDs out{};
    int found;
    {
        auto queues = message_queues().lock();
        Ref<MessageQueue> queue = command == kIpcStat ? TRY(queues->find(id)) : TRY(queues->at(id));
        if (command != kStatAny) TRY(check_access(*queue, 0444, caller));
        out.perm = queue->perm;
        out.send_time = queue->send_time;
        out.receive_time = queue->receive_time;
        out.change_time = queue->change_time;
        out.bytes = queue->bytes;
        out.messages = queue->count;
        out.most_bytes = queue->most_bytes;
        out.last_sender = queue->last_sender;
        out.last_receiver = queue->last_receiver;
        found = queue->id;
    }
    TRY(mm::write(to, out));
    return command == kIpcStat ? 0 : found;
}

SyscallResult limits(Out<MsgLimits> to) {
    TRY(mm::write(
        to, MsgLimits{512000, 16384, ipc::kMostMessage, ipc::kMostQueueBytes, 32000, 16, 16384, 0xffff, 0}));
    return message_queues().lock()->highest_slot();
}

Result<void> remove(int id) {
    Caller caller = Caller::current();
    Ref<MessageQueue> queue, last;
    auto queues = message_queues().lock();
    queue = TRY(queues->find(id));
    TRY(check_owner(*queue, caller));
    last = queues->remove(*queue);
    queues.unlock();
    queue->changed.wake_all();
    return {};
}

/// IPC_SET. Errors: EFAULT, EPERM (also for a larger queue than programs may have), EINVAL, EIDRM.
Result<void> change(int id, In<MsgDs> from) {
    MsgDs wanted = TRY(mm::read(from));
    Caller caller = Caller::current();
    auto queues = message_queues().lock();
    Ref<MessageQueue> queue = TRY(queues->find(id));
    TRY(check_owner(*queue, caller));
    if (wanted.most_bytes > ipc::kMostQueueBytes && !caller.credentials.can(sched::kCapSysResource))
        return fail(Errno::kEPERM);
    TRY(set_owner(*queue, wanted.perm, caller));
    queue->most_bytes = wanted.most_bytes;
    queues.unlock();
    queue->changed.wake_all();
    return {};
}

}  // namespace

SyscallResult sys_msgget(int key, int flags) {
    return TRY(ipc::get(
        message_queues(), key, static_cast<u32>(flags), Caller::current(),
        [] { return make_ref<MessageQueue>(); }, [](MessageQueue&) { return Result<void>(); }));
}

SyscallResult sys_msgsnd(int id, In<u8> message, usize size, int flags) {
    i64 type = TRY(mm::read(message.as<i64>()));
    if (size > ipc::kMostMessage || id < 0 || type < 1) return fail(Errno::kEINVAL);
    Ref<ipc::Message> fresh = TRY(make_ref<ipc::Message>());
    fresh->type = type;
    TRY(fresh->data.resize(size));
    TRY(mm::read_array(message + sizeof type, std::span<u8>(fresh->data.data(), size)));
    TRY(ipc::send(id, std::move(fresh), !(static_cast<u32>(flags) & kIpcNoWait)));
    return 0;
}

SyscallResult sys_msgrcv(int id, Out<u8> message, usize size, i64 type, int flags) {
    u32 bits = static_cast<u32>(flags);
    if (id < 0 || static_cast<i64>(size) < 0) return fail(Errno::kEINVAL);
    // Peeking is a Linux kernel's option (CONFIG_CHECKPOINT_RESTORE) that is not there.
    if (bits & kCopy) return fail(bits & kExcept || !(bits & kIpcNoWait) ? Errno::kEINVAL : Errno::kENOSYS);
    Ref<ipc::Message> taken = TRY(ipc::receive(id, {.type = type,
                                                    .room = size,
                                                    .wait = !(bits & kIpcNoWait),
                                                    .except = (bits & kExcept) != 0,
                                                    .cut = (bits & kNoError) != 0}));
    usize length = std::min(size, taken->data.size());
    TRY(mm::write(message.as<i64>(), taken->type));
    TRY(mm::write_array(message + sizeof(i64), std::span<const u8>(taken->data.data(), length)));
    return static_cast<i64>(length);
}

SyscallResult sys_msgctl(int id, int command, InOut<u8> buf) {
    if (id < 0 || command < 0) return fail(Errno::kEINVAL);
    Out<u8> out(buf.address());
    switch (command) {
        case kIpcInfo:
        case kMsgInfo: return limits(out.as<MsgLimits>());
        case kIpcStat:
        case kStatAt:
        case kStatAny: return status(id, command, out.as<MsgDs>());
        case kIpcSet: TRY(change(id, In<MsgDs>(buf.address()))); return 0;
        case kIpcRemove: TRY(remove(id)); return 0;
        default: return fail(Errno::kEINVAL);
    }
}

}  // namespace astra::syscalls
