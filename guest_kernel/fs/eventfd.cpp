// eventfd(2).
#include "guest_kernel/fs/eventfd.hpp"

#include "guest_kernel/fs/flags.hpp"

namespace astra::fs {

namespace {

constexpr u64 kMax = ~u64{0} - 1;

class EventFd final : public File {
  public:
    EventFd(u64 initial, u32 how) : count_(initial), semaphore_(how & kEventFdSemaphore) {
        flags = kOReadWrite | (how & kONonblock);
    }

    Result<usize> read(Buffer& to, i64*) override {
        if (to.remaining() < sizeof(u64)) return fail(Errno::kEINVAL);
        for (;;) {
            u64 value = count_.with([this](u64& count) {
                u64 taken = semaphore_ && count > 0 ? 1 : count;
                count -= taken;
                return taken;
            });
            if (value > 0) {
                queue_.wake_all(kPollWritable);
                return to.put({reinterpret_cast<const u8*>(&value), sizeof value});
            }
            if (nonblocking()) return fail(Errno::kEAGAIN);
            TRY(queue_.wait([this] { return count() > 0; }));
        }
    }

    Result<usize> write(Buffer& from, i64*) override {
        u64 value;
        if (from.remaining() < sizeof value) return fail(Errno::kEINVAL);
        if (TRY(from.take({reinterpret_cast<u8*>(&value), sizeof value})) != sizeof value)
            return fail(Errno::kEFAULT);
        if (value > kMax) return fail(Errno::kEINVAL);
        for (;;) {
            bool added = count_.with([value](u64& count) {
                if (value > kMax - count) return false;
                count += value;
                return true;
            });
            if (added) {
                queue_.wake_all(kPollReadable);
                return sizeof value;
            }
            if (nonblocking()) return fail(Errno::kEAGAIN);
            TRY(queue_.wait([this, value] { return value <= kMax - count(); }));
        }
    }

    u32 poll(sched::WaitQueue** queue) override {
        if (queue) *queue = &queue_;
        u64 now = count();
        return (now > 0 ? kPollReadable : 0) | (now < kMax ? kPollWritable : 0);
    }

    Result<String> describe() override { return String::from("anon_inode:[eventfd]"); }

  private:
    u64 count() {
        return count_.with([](u64& count) { return count; });
    }
    sched::SpinLocked<u64, sched::Rank::EventFd> count_;
    sched::WaitQueue queue_;
    const bool semaphore_;
};

}  // namespace

Result<Ref<File>> make_eventfd(u64 initial, u32 flags) {
    return Ref<File>(TRY(make_ref<EventFd>(initial, flags)));
}

}  // namespace astra::fs
