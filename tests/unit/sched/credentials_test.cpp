// Capabilities that follow user ids and programs (capabilities(7)).
#include "guest_kernel/sched/credentials.hpp"

#include <gtest/gtest.h>

namespace astra::sched {
namespace {

Credentials user(u32 uid) {
    Credentials who;
    who.uid = who.euid = who.suid = who.fsuid = uid;
    return who;
}

Credentials changed(Credentials who, u32 uid, u32 euid, u32 suid) {
    Credentials before = who;
    who.uid = uid, who.euid = who.fsuid = euid, who.suid = suid;
    who.follow_user_ids(before);
    return who;
}

TEST(Credentials, RootHasAllAndAUserNone) {
    Credentials who = changed(Credentials{}, 1000, 1000, 1000);
    EXPECT_EQ(who.capabilities.effective, 0u);
    EXPECT_EQ(who.capabilities.permitted, 0u);
    EXPECT_EQ(who.capabilities.bounding, kAllCapabilities);
    EXPECT_FALSE(who.is_privileged());
}

TEST(Credentials, SavedRootComesBack) {
    Credentials who = changed(Credentials{}, 1000, 1000, 0);
    EXPECT_FALSE(who.can(kCapKill));
    EXPECT_EQ(who.capabilities.permitted, kAllCapabilities);
    who = changed(who, 1000, 0, 0);
    EXPECT_TRUE(who.can(kCapKill));
}

TEST(Credentials, KeepCapsKeepsWhatIsPermitted) {
    Credentials who;
    who.secure_bits = kSecureKeepCaps;
    who = changed(who, 1000, 1000, 1000);
    EXPECT_EQ(who.capabilities.permitted, kAllCapabilities);
    EXPECT_EQ(who.capabilities.effective, 0u);
    who.follow_exec(false);
    EXPECT_EQ(who.capabilities.permitted, 0u);
    EXPECT_FALSE(who.secure_bits & kSecureKeepCaps);
}

TEST(Credentials, WithoutFixupIdsChangeNothing) {
    Credentials who;
    who.secure_bits = kSecureNoSetUidFixup;
    who = changed(who, 1000, 1000, 1000);
    EXPECT_EQ(who.capabilities.effective, kAllCapabilities);
}

TEST(Credentials, FileIdTakesFileCapabilitiesAlong) {
    Credentials who, before = who;
    who.fsuid = 1000;
    who.follow_user_ids(before);
    EXPECT_FALSE(who.is_root());
    EXPECT_TRUE(who.can(kCapKill));
    before = who;
    who.fsuid = 0;
    who.follow_user_ids(before);
    EXPECT_TRUE(who.is_root());
}

TEST(Credentials, ProgramsOfRootGetWhatIsInBounds) {
    Credentials who;
    who.capabilities.bounding &= ~(u64{1} << kCapKill);
    who.follow_exec(false);
    EXPECT_FALSE(who.can(kCapKill));
    EXPECT_TRUE(who.can(kCapSetUid));
}

TEST(Credentials, SetUserIdProgramsGainAndLoseTheAmbientSet) {
    Credentials who = user(1000);
    who.capabilities = {.effective = 0, .permitted = 0};
    who.capabilities.ambient = u64{1} << kCapKill;
    Credentials same = who;
    same.follow_exec(false);
    EXPECT_EQ(same.capabilities.effective, u64{1} << kCapKill);
    who.euid = 0;
    who.follow_exec(true);
    EXPECT_EQ(who.capabilities.ambient, 0u);
    EXPECT_EQ(who.capabilities.effective, kAllCapabilities);
}

}  // namespace
}  // namespace astra::sched
