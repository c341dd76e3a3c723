// Advisory locks: ranges against a model, waiting, deadlocks, what ends them.
#include "guest_kernel/fs/locks.hpp"

#include "guest_kernel/fs/inode.hpp"
#include "tests/unit/kernel/threads.hpp"

#include <random>

namespace astra::test {

namespace {

using namespace fs;

class TestInode final : public Inode {
  public:
    TestInode() : Inode(kTypeRegular) {}
    Ownership ownership() override { return {kTypeRegular | 0600u, 0, 0}; }
    Result<void> stat(abi::Stat& out) override {
        out = {};
        return {};
    }
};
class TestFile final : public File {
  public:
    explicit TestFile(Ref<Inode> of) : inode_(std::move(of)) {}
    Inode* inode() override { return inode_.get(); }

  private:
    Ref<Inode> inode_;
};

const int kAlice = 0, kBob = 0, kCarol = 0;  // owners are addresses

class Locks : public ThreadTest {
  protected:
    void SetUp() override {
        ThreadTest::SetUp();
        inode = Ref<Inode>(*make_ref<TestInode>());
    }
    void TearDown() override {
        for (const void* owner : {&kAlice, &kBob, &kCarol}) release_posix_locks(*inode, owner);
        ThreadTest::TearDown();
    }
    Errno lock(const void* owner, LockType type, u64 start, u64 end, bool wait = false) {
        auto done = set_record_lock(*inode, owner, 1, {type, start, end}, wait);
        return done ? Errno{} : done.error();
    }
    Ref<Inode> inode;
};

TEST_F(Locks, AgreeWithAModel) {
    constexpr u64 kBytes = 40;
    const void* owners[] = {&kAlice, &kBob, &kCarol};
    LockType model[3][kBytes];
    for (auto& row : model)
        for (LockType& type : row) type = kUnlock;
    std::mt19937 random(6);
    for (int step = 0; step < 20000; step++) {
        u32 who = random() % 3;
        u64 start = random() % kBytes, end = start + random() % (kBytes - start);
        auto type = static_cast<LockType>(random() % 3);
        bool conflict = false;
        for (u32 other = 0; other < 3 && type != kUnlock; other++)
            for (u64 i = start; i <= end && other != who; i++)
                conflict |=
                    model[other][i] == kLockWrite || (type == kLockWrite && model[other][i] == kLockRead);
        RecordLock probe{type, start, end};
        int pid = 0;
        if (type != kUnlock) {
            test_record_lock(*inode, owners[who], probe, pid);
            ASSERT_EQ(probe.type != kUnlock, conflict) << step;
        }
        ASSERT_EQ(lock(owners[who], type, start, end), conflict ? Errno::kEAGAIN : Errno{}) << step;
        if (!conflict)
            for (u64 i = start; i <= end; i++) model[who][i] = type;
    }
}

TEST_F(Locks, WaitUntilTheRangeIsFree) {
    EXPECT_EQ(lock(&kAlice, kLockWrite, 0, 99), Errno{});
    bool got = false;
    start([&] { got = lock(&kBob, kLockRead, 50, 60, true) == Errno{}; });
    settle();
    EXPECT_FALSE(got);
    EXPECT_EQ(lock(&kAlice, kUnlock, 0, 49), Errno{});
    settle();
    EXPECT_FALSE(got);
    EXPECT_EQ(lock(&kAlice, kUnlock, 50, 60), Errno{});
    finish();
    EXPECT_TRUE(got);
}

TEST_F(Locks, RefuseDeadlocks) {
    EXPECT_EQ(lock(&kAlice, kLockWrite, 0, 0), Errno{});
    EXPECT_EQ(lock(&kBob, kLockWrite, 1, 1), Errno{});
    EXPECT_EQ(lock(&kCarol, kLockWrite, 2, 2), Errno{});
    Errno alice{}, bob{};
    start([&] { alice = lock(&kAlice, kLockWrite, 1, 1, true); });
    start([&] { bob = lock(&kBob, kLockWrite, 2, 2, true); });
    settle();
    EXPECT_EQ(lock(&kCarol, kLockWrite, 0, 0, true), Errno::kEDEADLOCK);
    release_posix_locks(*inode, &kCarol);
    settle();
    EXPECT_EQ(bob, Errno{});
    release_posix_locks(*inode, &kBob);
    finish();
    EXPECT_EQ(alice, Errno{});
}

TEST_F(Locks, FlockBelongsToTheDescription) {
    Ref<File> a = Ref<File>(*make_ref<TestFile>(inode)), b = Ref<File>(*make_ref<TestFile>(inode));
    EXPECT_TRUE(flock(*a, kFlockShared));
    EXPECT_TRUE(flock(*b, kFlockShared));
    EXPECT_EQ(flock(*b, kFlockExclusive | kFlockNonblock).error(), Errno::kEAGAIN);
    EXPECT_EQ(flock(*b, 0).error(), Errno::kEINVAL);
    EXPECT_TRUE(flock(*a, kFlockUnlock));
    EXPECT_TRUE(flock(*b, kFlockExclusive | kFlockNonblock));
    EXPECT_EQ(lock(&kAlice, kLockWrite, 0, 10), Errno{});  // the two kinds do not see each other
    bool got = false;
    start([&] { got = flock(*a, kFlockExclusive).has_value(); });
    settle();
    EXPECT_FALSE(got);
    b = {};  // the last descriptor of the description
    finish();
    EXPECT_TRUE(got);
}

}  // namespace

}  // namespace astra::test
