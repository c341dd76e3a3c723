// Code the kernel rewrites: seen where it runs, gone where the program could notice.
#include <array>

#include "tests/unit/mm/fixture.hpp"

namespace astra::mm {

namespace {

constexpr u32 kCode = kProtRead | kProtExec;
constexpr std::array<u8, 3> kOnes = {1, 1, 1}, kJump = {0xe9, 8, 7};

class Rewrite : public SpaceTest {
  protected:
    /// A mapping of a file whose first page is all ones, that page present.
    u64 map_file(u32 prot = kCode, u32 flags = kMapPrivate) {
        u64 at = map(*space, 0, 2 * kPageSize, prot, flags, source);
        EXPECT_EQ(get(at), 1);
        return at;
    }
    bool rewrite(u64 at) { return space->rewrite_code(UserAddr(at), kOnes, kJump); }

    Ref<TestSource> source = *make_ref<TestSource>(2);
};

TEST_F(Rewrite, ChangesThePageOfThisProcessOnly) {
    u64 at = map_file(), other = map(*space, 0, kPageSize, kProtRead, kMapPrivate, source);
    EXPECT_EQ(get(other), 1);
    u64 before = resident(*space);
    EXPECT_TRUE(rewrite(at + 100));
    EXPECT_EQ(get(at + 99), 1);
    EXPECT_EQ(get(at + 100), 0xe9);
    EXPECT_EQ(get(at + 102), 7);
    EXPECT_EQ(get(at + 103), 1);
    EXPECT_EQ(get(other + 100), 1);
    EXPECT_TRUE(rewrite(at + 200));  // the rewritten page again
    EXPECT_EQ(get(at + 100), 0xe9);
    EXPECT_EQ(get(at + 200), 0xe9);
    EXPECT_EQ(resident(*space), before);
}

TEST_F(Rewrite, RefusesWhatIsNotUnwritableCodeOfAFile) {
    EXPECT_FALSE(rewrite(0x4000'0000));
    EXPECT_FALSE(rewrite(map_file(kProtRead | kProtWrite | kProtExec)));
    EXPECT_FALSE(rewrite(map_file(kProtRead)));
    EXPECT_FALSE(rewrite(map_file(kCode, kMapShared)));
    u64 anonymous = map(0, kPageSize);
    EXPECT_TRUE(put(anonymous, 1));
    EXPECT_TRUE(space->protect(UserAddr(anonymous), kPageSize, kCode));
    EXPECT_FALSE(rewrite(anonymous));
    u64 at = map_file();
    EXPECT_FALSE(rewrite(at + kPageSize - 2));  // crosses a page
    EXPECT_FALSE(space->rewrite_code(UserAddr(at), kJump, kOnes));
    // A page the program made its own.
    EXPECT_TRUE(space->protect(UserAddr(at), kPageSize, kCode | kProtWrite));
    EXPECT_TRUE(put(at, 1));
    EXPECT_TRUE(space->protect(UserAddr(at), kPageSize, kCode));
    EXPECT_FALSE(rewrite(at));
}

TEST_F(Rewrite, IsUndoneBeforeTheProgramMayWriteOrMoveThePage) {
    u64 at = map_file();
    EXPECT_TRUE(rewrite(at));
    EXPECT_TRUE(space->protect(UserAddr(at), kPageSize, kProtRead | kProtWrite));
    EXPECT_EQ(get(at), 1);
    EXPECT_TRUE(put(at, 5));
    EXPECT_EQ(get(at + 1), 1);

    u64 moving = map_file(), to = moving - 16 * kPageSize;
    EXPECT_TRUE(rewrite(moving));
    auto moved = space->remap(UserAddr(moving), 2 * kPageSize, 2 * kPageSize, kRemapMayMove | kRemapFixed,
                              UserAddr(to));
    ASSERT_TRUE(moved);
    EXPECT_EQ(get(to), 1);

    u64 poked = map_file();
    EXPECT_TRUE(rewrite(poked));
    EXPECT_TRUE(space->poke(UserAddr(poked + 50), std::array<u8, 1>{9}));
    EXPECT_EQ(get(poked), 1);
    EXPECT_EQ(get(poked + 50), 9);
}

TEST_F(Rewrite, GoesWithAForkAndIsUndoneThereToo) {
    u64 at = map_file();
    EXPECT_TRUE(rewrite(at));
    Ref<AddressSpace> child = *space->fork();
    run(*child);
    EXPECT_EQ(get(at), 0xe9);
    EXPECT_TRUE(child->protect(UserAddr(at), kPageSize, kCode | kProtWrite));
    EXPECT_EQ(get(at), 1);
    run(*space);
    EXPECT_EQ(get(at), 0xe9);
}

}  // namespace

}  // namespace astra::mm
