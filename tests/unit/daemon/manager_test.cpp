// The core without any machine: a supervisor that only plays one, in this process or as a shell script.
#include "vmm/daemon/manager.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <fstream>

#include "tests/unit/daemon/folder.hpp"
#include "vmm/base/durable_file.hpp"

namespace astra::vmm::daemon {
namespace {

using namespace std::chrono_literals;

class ManagerTest : public testing::Test {
  protected:
    void SetUp() override { open(); }
    /// A supervisor that runs `script`; the guest's folder is $1.
    void supervise(const std::string& script) {
        std::ofstream(folder_ / "supervisor") << "#!/bin/sh\n" << script << "\n";
        ::chmod((folder_ / "supervisor").c_str(), 0755);
    }
    void open() {
        manager_.reset();
        auto opened = Manager::open(folder_ / "state", folder_ / "supervisor");
        ASSERT_TRUE(opened) << opened.error().message;
        manager_ = std::move(*opened);
    }
    std::string image() {
        std::string tar = folder_ / "rootfs.tar";
        std::ofstream(folder_ / "file") << "content";
        std::string command = "tar -C " + (folder_ / "") + " -cf " + tar + " file";
        EXPECT_EQ(std::system(command.c_str()), 0);
        FILE* file = ::fopen(tar.c_str(), "r");
        auto imported = manager_->images().import(::fileno(file), "img", {});
        ::fclose(file);
        EXPECT_TRUE(imported) << imported.error().message;
        return imported ? imported->image.sha256 : "";
    }
    Result<std::shared_ptr<Guest>> create(const std::string& name, const std::string& request_id = {}) {
        CreateRequest request{.name = name, .labels = {}, .spec = {}, .request_id = request_id};
        request.spec.image = "img";
        request.spec.arguments = {"/x"};
        return manager_->create(std::move(request));
    }
    static bool ended(const GuestInfo& info) { return info.state == GuestState::Ended; }

    tests::Folder folder_;
    std::unique_ptr<Manager> manager_;
};

constexpr char kExits[] =
    R"(echo '{"version":1,"kind":0,"value":7,"message":"","hint":"","report":"","engine":"e","kernel":"k",)"
    R"("boot_ns":1,"program_ns":2,"ended_unix_ns":3}' > $1/exit.json)";

TEST_F(ManagerTest, RefusesASecondDaemon) {
    auto second = Manager::open(folder_ / "state", "x");
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, Code::Unavailable);
}

TEST_F(ManagerTest, CreatesOnceForARequest) {
    EXPECT_EQ(create("a").error().reason, "IMAGE_NOT_FOUND");
    image();
    auto a = create("a", "r1"), again = create("a", "r1");
    ASSERT_TRUE(a && again);
    EXPECT_EQ(*a, *again);
    EXPECT_EQ(create("b", "r1").error().reason, "REQUEST_ID_REUSED");
    EXPECT_EQ(create("a", "r2").error().code, Code::AlreadyExists);
    EXPECT_EQ(create("../a").error().code, Code::InvalidArgument);
    auto made_up = create("");
    ASSERT_TRUE(made_up);
    EXPECT_TRUE((*made_up)->name().starts_with("guest-"));
    EXPECT_EQ(*manager_->find((*a)->info().record.id), *a);
    EXPECT_EQ(manager_->list().size(), 2u);
}

TEST_F(ManagerTest, TakesTheSupervisorsRecordForTheEnd) {
    image();
    supervise(kExits);
    auto guest = create("a");
    ASSERT_TRUE(guest && (*guest)->start());
    ASSERT_TRUE((*guest)->wait(10s, ended));
    EXPECT_EQ((*guest)->info().exit->outcome.value, 7);
    EXPECT_EQ((*guest)->start().error().code, Code::FailedPrecondition);
    guest->reset();
    open();
    auto found = manager_->find("a");
    ASSERT_TRUE(found);
    EXPECT_EQ((*found)->info().exit->outcome.value, 7);
    auto events = manager_->events().read(1, 100, 0ms);
    ASSERT_TRUE(events);
    EXPECT_EQ(std::ranges::count(*events, "guest.ended", &Event::kind), 1);
}

TEST_F(ManagerTest, ASupervisorThatLeavesNoRecordIsALoss) {
    image();
    supervise("exit 1");
    auto guest = create("a");
    ASSERT_TRUE(guest && (*guest)->start());
    ASSERT_TRUE((*guest)->wait(10s, ended));
    EXPECT_EQ((*guest)->info().exit->outcome.kind, control::Outcome::Kind::Lost);
    ::unlink((folder_ / "supervisor").c_str());
    auto other = create("b");
    ASSERT_TRUE(other);
    EXPECT_FALSE((*other)->start());
    EXPECT_EQ((*other)->info().state, GuestState::Ended);
    EXPECT_TRUE(manager_->remove("b", false));
    EXPECT_EQ(manager_->find("b").error().code, Code::NotFound);
}

TEST_F(ManagerTest, FindsGuestsAgainThatOutliveIt) {
    image();
    supervise("trap '' TERM; while [ ! -e $1/go ]; do sleep 0.05; done\n" + std::string(kExits));
    auto guest = create("a");
    ASSERT_TRUE(guest && (*guest)->start());
    std::string folder = (*guest)->files().folder;
    EXPECT_EQ(manager_->remove("a", false).error().reason, "GUEST_RUNNING");
    EXPECT_EQ(manager_->remove_image("img").error().reason, "IMAGE_IN_USE");
    guest->reset();
    open();
    auto found = manager_->find("a");
    ASSERT_TRUE(found);
    EXPECT_EQ((*found)->info().state, GuestState::Starting);  // it answers, and has told nothing yet
    EXPECT_FALSE(manager_->settled());
    std::ofstream(folder + "/go") << "";
    ASSERT_TRUE((*found)->wait(10s, ended));
    EXPECT_EQ((*found)->info().exit->outcome.value, 7);
    EXPECT_TRUE(manager_->settled());
    EXPECT_TRUE(manager_->remove_image("img"));
}

TEST_F(ManagerTest, EndsAGuestWhoseSupervisorDoesNotListen) {
    image();
    supervise("exec sleep 1000");
    auto guest = create("deaf");
    ASSERT_TRUE(guest && (*guest)->start());
    EXPECT_FALSE((*guest)->exec({.workdir = "/", .arguments = {"x"}, .environment = {}}));
    EXPECT_EQ((*guest)->counters().error().reason, "NO_COUNTERS");
    ASSERT_TRUE((*guest)->kill());
    ASSERT_TRUE((*guest)->wait(10s, ended));
    EXPECT_EQ((*guest)->info().exit->outcome.kind, control::Outcome::Kind::Killed);
}

TEST_F(ManagerTest, ADamagedRecordBreaksOneGuest) {
    image();
    auto good = create("good"), bad = create("bad");
    ASSERT_TRUE(good && bad);
    ASSERT_TRUE(write_durably((*bad)->files().record(), "{"));
    std::string id = (*bad)->info().record.id;
    good->reset();
    bad->reset();
    open();
    EXPECT_EQ((*manager_->find("good"))->info().state, GuestState::Created);
    auto broken = manager_->find(id);
    ASSERT_TRUE(broken);
    EXPECT_EQ((*broken)->info().state, GuestState::Broken);
    EXPECT_TRUE(manager_->remove(id, false));
}

TEST_F(ManagerTest, NamesMoveBetweenImages) {
    std::string id = image();
    EXPECT_EQ(manager_->images().find("img")->image.sha256, id);
    EXPECT_EQ(manager_->images().find(id.substr(0, 12))->image.sha256, id);
    EXPECT_EQ(manager_->images().find(id.substr(0, 11)).error().code, Code::NotFound);
    EXPECT_EQ(manager_->images().list()->size(), 1u);
    ASSERT_TRUE(manager_->remove_image(id));
    EXPECT_TRUE(manager_->images().list()->empty());
    EXPECT_EQ(manager_->images().find("img").error().code, Code::NotFound);
}

}  // namespace
}  // namespace astra::vmm::daemon
