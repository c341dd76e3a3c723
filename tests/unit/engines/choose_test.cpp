// The choice of engine and kernel, for every kind of host.
#include "vmm/engines/choose.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace astra::vmm {
namespace {

using control::EngineChoice;
using control::KernelChoice;
using testing::HasSubstr;

HostFacts complete(Result<KvmKind> kvm) {
    return {.kvm = std::move(kvm),
            .vmm = "/a/bin/astra-vmm",
            .qemu = "/usr/bin/qemu",
            .libvirt = "/a/bin/astra-libvirt",
            .kernel_isolated = "/a/share/isolated",
            .kernel_flat = "/a/share/flat",
            .installation = "/a/bin",
            .kernels = "/a/share"};
}
Result<KvmKind> no_kvm() { return fail(Code::NotFound, "no /dev/kvm", "load kvm"); }

TEST(Choose, LibvirtOnlyWhenAskedForAndAlwaysIsolated) {
    for (auto kvm : {complete(KvmKind::Hardware), complete(KvmKind::Software), complete(no_kvm())}) {
        auto plan = choose(kvm, EngineChoice::Libvirt, {});
        ASSERT_TRUE(plan);
        EXPECT_EQ(plan->kind, EngineKind::Libvirt);
        EXPECT_EQ(plan->kernel_name, "isolated");
        EXPECT_NE(choose(kvm, EngineChoice::Auto, {})->kind, EngineKind::Libvirt);
    }
    HostFacts bare = complete(no_kvm());
    bare.libvirt.clear();
    auto refused = choose(bare, EngineChoice::Libvirt, {});
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().message, HasSubstr("astra-libvirt"));
    bare.libvirt = "/a/bin/astra-libvirt";
    bare.qemu.clear();
    EXPECT_FALSE(choose(bare, EngineChoice::Auto, {})) << "libvirt is nobody's default";
}

TEST(Choose, AutoFollowsTheKindOfKvm) {
    auto hardware = choose(complete(KvmKind::Hardware), EngineChoice::Auto, {});
    ASSERT_TRUE(hardware);
    EXPECT_EQ(hardware->kind, EngineKind::Kvm);
    EXPECT_EQ(hardware->kernel, "/a/share/isolated");
    EXPECT_EQ(hardware->other_kernel, "/a/share/flat");
    auto software = choose(complete(KvmKind::Software), EngineChoice::Auto, {});
    ASSERT_TRUE(software);
    EXPECT_EQ(software->kind, EngineKind::Kvm);
    EXPECT_EQ(software->kernel_name, "flat");
    auto none = choose(complete(no_kvm()), EngineChoice::Auto, {});
    ASSERT_TRUE(none);
    EXPECT_EQ(none->kind, EngineKind::QemuTcg);
    EXPECT_EQ(none->kernel_name, "isolated");
    EXPECT_THAT(none->reason, HasSubstr("no /dev/kvm"));
}

TEST(Choose, FallsBackWhenAPieceIsMissing) {
    HostFacts facts = complete(KvmKind::Software);
    facts.kernel_flat.clear();
    auto plan = choose(facts, EngineChoice::Auto, {});
    ASSERT_TRUE(plan);
    EXPECT_EQ(plan->kind, EngineKind::QemuTcg);
    EXPECT_EQ(plan->other_kernel, "");
    EXPECT_THAT(plan->reason, HasSubstr("kernel-flat.elf"));
    facts = complete(KvmKind::Hardware);
    facts.vmm.clear();
    plan = choose(facts, EngineChoice::Auto, {});
    ASSERT_TRUE(plan);
    EXPECT_EQ(plan->kind, EngineKind::QemuKvm);
}

TEST(Choose, QemuUsesKvmOnlyWhereItIsHardware) {
    EXPECT_EQ(choose(complete(KvmKind::Hardware), EngineChoice::Qemu, {})->kind, EngineKind::QemuKvm);
    EXPECT_EQ(choose(complete(KvmKind::Software), EngineChoice::Qemu, {})->kind, EngineKind::QemuTcg);
    EXPECT_EQ(choose(complete(KvmKind::Hardware), EngineChoice::QemuTcg, {})->kind, EngineKind::QemuTcg);
    EXPECT_EQ(choose(complete(no_kvm()), EngineChoice::Qemu, {})->kind, EngineKind::QemuTcg);
}

TEST(Choose, ObeysOrSaysWhyNot) {
    auto refused = choose(complete(no_kvm()), EngineChoice::Kvm, {});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::Unavailable);
    EXPECT_THAT(refused.error().message, HasSubstr("kvm: no /dev/kvm"));
    EXPECT_EQ(refused.error().hint, "load kvm");
    HostFacts bare = complete(no_kvm());
    bare.qemu.clear();
    refused = choose(bare, EngineChoice::Auto, {});
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().message, HasSubstr("qemu-system-x86_64 is not in PATH"));
}

TEST(Choose, AnExplicitKernelIsNeverReplaced) {
    auto plan = choose(complete(KvmKind::Hardware), EngineChoice::Auto, {KernelChoice::Kind::Flat, ""});
    ASSERT_TRUE(plan);
    EXPECT_EQ(plan->kernel, "/a/share/flat");
    EXPECT_EQ(plan->other_kernel, "");
    plan = choose(complete(no_kvm()), EngineChoice::Auto, {KernelChoice::Kind::File, "/proc/self/exe"});
    ASSERT_TRUE(plan);
    EXPECT_EQ(plan->kernel, "/proc/self/exe");
    EXPECT_EQ(plan->other_kernel, "");
    auto missing = choose(complete(no_kvm()), EngineChoice::Auto, {KernelChoice::Kind::File, "/nonexistent"});
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().code, Code::NotFound);
}

}  // namespace
}  // namespace astra::vmm
