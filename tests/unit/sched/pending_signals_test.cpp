// Queues of pending signals.
#include "guest_kernel/sched/process.hpp"

#include <gtest/gtest.h>

namespace astra::sched {
namespace {

constexpr SignalMask kAll = ~SignalMask{0};

abi::SigInfo with_value(int signal, int code, u64 value) {
    abi::SigInfo info{};
    info.signo = signal;
    info.code = code;
    info.sender.value = value;
    return info;
}

TEST(PendingSignals, StandardSignalsAreOneInstance) {
    PendingSignals pending;
    EXPECT_TRUE(pending.add(user_signal(kSigUsr1, 7, 0)));
    EXPECT_TRUE(pending.add(user_signal(kSigUsr1, 8, 0)));
    abi::SigInfo info;
    ASSERT_TRUE(pending.take(kAll, info));
    EXPECT_EQ(info.sender.pid, 7);
    EXPECT_FALSE(pending.take(kAll, info));
    EXPECT_EQ(pending.set, 0u);
}

TEST(PendingSignals, RealTimeSignalsKeepOrder) {
    PendingSignals pending;
    for (u64 value : {1, 2, 3}) pending.add(with_value(40, kSiQueue, value));
    abi::SigInfo info;
    for (u64 value : {1, 2, 3}) {
        EXPECT_EQ(pending.set, signal_bit(40));
        ASSERT_TRUE(pending.take(kAll, info));
        EXPECT_EQ(info.sender.value, value);
    }
    EXPECT_EQ(pending.set, 0u);
    EXPECT_EQ(pending.queued, 0u);
}

TEST(PendingSignals, SynchronousFirstThenByNumber) {
    PendingSignals pending;
    for (int signal : {34, int{kSigTerm}, int{kSigHup}, int{kSigSegv}})
        pending.add(user_signal(signal, 1, 0));
    abi::SigInfo info;
    for (int signal : {int{kSigSegv}, int{kSigHup}, int{kSigTerm}, 34}) {
        ASSERT_TRUE(pending.take(kAll, info));
        EXPECT_EQ(info.signo, signal);
    }
}

TEST(PendingSignals, TakeOnlyWhatIsWanted) {
    PendingSignals pending;
    pending.add(user_signal(kSigInt, 1, 0));
    abi::SigInfo info;
    EXPECT_FALSE(pending.take(~signal_bit(kSigInt), info));
    EXPECT_TRUE(pending.take(signal_bit(kSigInt), info));
}

TEST(PendingSignals, TimersOfOneSignalAreNotMerged) {
    PendingSignals pending;
    pending.add(with_value(kSigAlrm, kSiTimer, 1));
    pending.add(with_value(kSigAlrm, kSiTimer, 2));
    EXPECT_EQ(pending.queued, 2u);
}

TEST(PendingSignals, Discard) {
    PendingSignals pending;
    pending.add(user_signal(kSigCont, 1, 0));
    pending.add(user_signal(kSigTstp, 1, 0));
    pending.add(user_signal(50, 1, 0));
    pending.discard(kStopSignals | signal_bit(50));
    EXPECT_EQ(pending.set, signal_bit(kSigCont));
    EXPECT_EQ(pending.queued, 1u);
}

TEST(Signals, DefaultAndExplicitIgnore) {
    Signals signals;
    EXPECT_TRUE(signals.ignores(kSigChld));
    EXPECT_FALSE(signals.ignores(kSigTerm));
    signals.actions[kSigTerm - 1].handler = kSigIgnore;
    EXPECT_TRUE(signals.ignores(kSigTerm));
    signals.actions[kSigChld - 1].handler = 0x1000;
    EXPECT_FALSE(signals.ignores(kSigChld));
}

}  // namespace
}  // namespace astra::sched
