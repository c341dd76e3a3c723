// Ends that nobody asked for: of the daemon in every phase of its work, of a machine, of the room on the
// disk.
#include <gmock/gmock.h>
#include <signal.h>

#include <filesystem>
#include <map>
#include <set>
#include <thread>

#include "tests/integration/daemon/fixture.hpp"

namespace astra::tests {
namespace {

using ::testing::HasSubstr;
using Clock = std::chrono::steady_clock;
namespace fs = std::filesystem;

class Crashes : public Daemon {
  protected:
    std::map<std::string, v1::Guest> list() {
        std::map<std::string, v1::Guest> byname;
        auto all = Remote::call(*remote().guests, &v1::Guests::Stub::List, v1::ListGuestsRequest());
        EXPECT_TRUE(all);
        for (const auto& guest : all ? all->guests() : decltype(all->guests()){})
            byname[guest.name()] = guest;
        return byname;
    }
    void create(const std::string& name, const std::string& script) {
        auto made =
            Remote::call(*remote().guests, &v1::Guests::Stub::Create, request(name, {"sh", "-c", script}));
        ASSERT_TRUE(made) << made.error().message;
    }
    /// Follows the console of `guest` from `from` until it breaks off; what came, and where to go on.
    std::pair<std::string, uint64_t> follow(const std::string& guest, uint64_t from, size_t enough) {
        v1::ReadConsoleRequest request;
        request.set_guest(guest);
        request.set_from_offset(from);
        request.set_follow(true);
        grpc::ClientContext context;
        context.set_deadline(std::chrono::system_clock::now() + kPatience);
        auto reader = remote().console->Read(&context, request);
        std::string text;
        for (v1::ConsoleChunk chunk; text.size() < enough && reader->Read(&chunk);) {
            if (!chunk.has_data()) continue;
            EXPECT_GE(chunk.data().offset(), from);  // the machine's own words are in between
            from = chunk.data().offset() + chunk.data().data().size();
            text += chunk.data().data();
        }
        return {text, from};
    }
    std::vector<v1::Event> events(uint64_t from) {
        v1::WatchEventsRequest request;
        request.set_from_sequence(from);
        grpc::ClientContext context;
        auto reader = remote().events->Watch(&context, request);
        std::vector<v1::Event> seen;
        for (v1::Event event; reader->Read(&event);) seen.push_back(event);
        EXPECT_TRUE(reader->Finish().ok());
        return seen;
    }
};

TEST_F(Crashes, OfTheDaemonInTheMidstOfEverything) {
    image();
    const std::string counting = "i=0; while :; do i=$((i+1)); echo $i; sleep 0.05; done";
    create("created", "exit 1");
    for (const char* name : {"runs1", "runs2", "paused", "exec"}) ASSERT_TRUE(launch(name, counting));
    ASSERT_TRUE(launch("stopping", "trap 'sleep 1; exit 8' TERM; echo up; while :; do sleep 0.05; done"));
    ASSERT_TRUE(launch("stubborn", "trap '' TERM; echo up; while :; do sleep 0.05; done"));
    ASSERT_TRUE(launch("ends", "sleep 1; exit 6"));
    ASSERT_TRUE(launch("ended", "echo bye; exit 5"));
    wait("ended");
    create("starting", "echo up; exit 7");
    ASSERT_TRUE(call(&v1::Guests::Stub::Pause, "paused"));
    console("stopping", 0, "up\n");
    console("stubborn", 0, "up\n");
    auto [text, offset] = follow("runs1", 0, 10);
    auto before = list();
    auto known = events(1);

    // All at once: a stop of a guest that obeys and of one that does not, a program, an import, a start.
    std::vector<std::thread> clients;
    for (const char* name : {"stopping", "stubborn"})
        clients.emplace_back([this, name, stub = remote().guests.get()] {
            v1::StopGuestRequest request;
            request.set_guest(name);
            request.set_grace_ms(2500);
            EXPECT_FALSE(Remote::call(*stub, &v1::Guests::Stub::Stop, request, kPatience));
        });
    grpc::ClientContext exec_context, import_context;
    auto exec = remote().exec->Run(&exec_context);
    v1::ExecRequest start;
    start.mutable_start()->set_guest("exec");
    for (const char* word : {"sleep", "1000"}) start.mutable_start()->add_arguments(word);
    ASSERT_TRUE(exec->Write(start));
    v1::ExecResponse response;
    ASSERT_TRUE(exec->Read(&response) && response.has_started());
    auto import = remote().images->Import(&import_context);
    v1::ImportRequest part;
    part.mutable_header()->set_name("half");
    ASSERT_TRUE(import->Write(part));
    part.set_chunk(std::string(100'000, 'x'));
    ASSERT_TRUE(import->Write(part));
    std::this_thread::sleep_for(300ms);  // both stops are under way
    ASSERT_TRUE(call(&v1::Guests::Stub::Start, "starting"));
    daemon_.end(SIGKILL, [&] {
        for (auto& client : clients) client.join();
        EXPECT_FALSE(exec->Read(&response));
        EXPECT_FALSE(exec->Finish().ok());
        v1::ImportResponse progress;
        while (import->Read(&progress)) EXPECT_FALSE(progress.has_image());
        EXPECT_FALSE(import->Finish().ok());
    });

    auto began = Clock::now();
    daemon_.start();
    auto after = list();
    EXPECT_LT(Clock::now() - began, 1s);
    ASSERT_EQ(after.size(), before.size());
    for (const char* name : {"runs1", "runs2", "paused", "exec"}) {
        EXPECT_EQ(after[name].state(), before[name].state()) << name;
        EXPECT_EQ(after[name].machine_pid(), before[name].machine_pid()) << name;
    }
    EXPECT_EQ(after["paused"].state(), v1::GUEST_STATE_PAUSED);
    EXPECT_EQ(after["created"].state(), v1::GUEST_STATE_CREATED);
    EXPECT_EQ(after["ended"].outcome().value(), 5);

    // Streams go on where they broke off.
    std::string whole = text + follow("runs1", offset, 10).first, expected;
    for (int i = 1; expected.size() < whole.size(); i++) expected += std::to_string(i) + "\n";
    EXPECT_EQ(whole, expected.substr(0, whole.size()));
    auto all = events(1);
    ASSERT_GT(all.size(), known.size());
    for (size_t i = 0; i < all.size(); i++) EXPECT_EQ(all[i].sequence(), i + 1);
    for (size_t i = 0; i < known.size(); i++)
        EXPECT_EQ(all[i].SerializeAsString(), known[i].SerializeAsString());

    // What was asked for goes on without the daemon that was asked.
    EXPECT_EQ(wait("stopping").outcome().value(), 8);
    EXPECT_EQ(wait("stubborn").outcome().kind(), v1::Outcome::KIND_KILLED);
    EXPECT_EQ(wait("starting").outcome().value(), 7);
    EXPECT_EQ(wait("ends").outcome().value(), 6);
    // Whose client went away is hung up.
    for (int i = 0; i < 50 && astra("ps exec").out.find("sleep 1000") != std::string::npos; i++)
        std::this_thread::sleep_for(100ms);
    EXPECT_THAT(astra("ps exec").out, ::testing::Not(HasSubstr("sleep 1000")));
    EXPECT_TRUE(call(&v1::Guests::Stub::Resume, "paused"));
    // Nothing is left of the import.
    EXPECT_EQ(astra("image list -o json").out.find("half"), std::string::npos);
    std::set<std::string> kinds;
    for (const auto& entry : fs::recursive_directory_iterator(daemon_.folder() + "/images"))
        if (entry.is_regular_file()) kinds.insert(entry.path().extension());
    EXPECT_THAT(kinds, ::testing::IsSubsetOf({".tar", ".json", ""}));
    EXPECT_EQ(call(&v1::Guests::Stub::Start, "created")->name(), "created");
    EXPECT_EQ(wait("created").outcome().value(), 1);
}

// A launch that the daemon's end cuts short, at ten different moments, is asked for again: the guest is there
// once, and has run once or says why it could not.
TEST_F(Crashes, OfTheDaemonDuringLaunches) {
    image();
    for (int round = 0; round < 10; round++) {
        std::string name = "launch" + std::to_string(round);
        auto create = request(name, {"sh", "-c", "echo once; exit 7"});
        create.set_request_id(name);
        std::thread client([&, stub = remote().guests.get()] {
            (void)Remote::call(*stub, &v1::Guests::Stub::Launch, create, kPatience);
        });
        std::this_thread::sleep_for(std::chrono::milliseconds(round * 8));
        daemon_.end(SIGKILL, [&] { client.join(); });
        daemon_.start();
        auto again = Remote::call(*remote().guests, &v1::Guests::Stub::Create, create);
        ASSERT_TRUE(again) << again.error().message;
        EXPECT_EQ(again->name(), name);
        if (again->state() == v1::GUEST_STATE_CREATED) { ASSERT_TRUE(call(&v1::Guests::Stub::Start, name)); }
        v1::Guest ended = wait(name);
        if (ended.outcome().kind() == v1::Outcome::KIND_EXITED) {
            EXPECT_EQ(ended.outcome().value(), 7);
            EXPECT_EQ(console(name, 0), "once\n");
        } else {
            // Between the note that it is started and the start.
            EXPECT_EQ(ended.outcome().kind(), v1::Outcome::KIND_LOST);
            EXPECT_THAT(ended.outcome().message(), HasSubstr("supervisor ended without leaving a record"));
        }
    }
    EXPECT_EQ(list().size(), 10u);
}

TEST_F(Crashes, OfAMachineAndOfASupervisor) {
    image();
    for (const char* name : {"machine", "supervisor", "other"})
        ASSERT_TRUE(launch(name, "echo up; while :; do sleep 0.05; done"));
    ::kill(call(&v1::Guests::Stub::Get, "machine")->machine_pid(), SIGKILL);
    v1::Guest lost = wait("machine");
    EXPECT_EQ(lost.outcome().kind(), v1::Outcome::KIND_LOST);
    EXPECT_THAT(lost.outcome().message(), HasSubstr("killed"));
    auto keepers = processes_with(call(&v1::Guests::Stub::Get, "supervisor")->guest_id());
    ASSERT_EQ(keepers.size(), 1u);
    ::kill(keepers.front(), SIGKILL);
    lost = wait("supervisor");
    EXPECT_EQ(lost.outcome().kind(), v1::Outcome::KIND_LOST);
    EXPECT_THAT(lost.outcome().message(), HasSubstr("supervisor ended"));
    EXPECT_EQ(call(&v1::Guests::Stub::Get, "other")->state(), v1::GUEST_STATE_RUNNING);
    EXPECT_EQ(astra("exec other echo fine").out, "fine\n");
    EXPECT_THAT(astra("ps --all").out, HasSubstr("supervisor ended"));
}

TEST(FullDisk, LeavesNothingOfAnImport) {
    const char* small =
        "mkdir -p $FOLDER/images && mount -t tmpfs -o size=1m none $FOLDER/images && exec \"$@\"";
    if (shell("unshare -rm mount -t tmpfs none /mnt 2>&1").status != 0)
        GTEST_SKIP() << "no user namespaces here";
    DaemonProcess daemon({}, {"unshare", "-rm", "sh", "-c", small, "sh"});
    auto files = [&] {
        std::vector<std::string> names;
        // Its own view of the folder: the small disk is nobody else's.
        for (const auto& entry : fs::recursive_directory_iterator("/proc/" + std::to_string(daemon.pid()) +
                                                                  "/root" + daemon.folder() + "/images"))
            if (entry.is_regular_file()) names.push_back(entry.path().filename());
        return names;
    };
    auto before = files();
    auto full = daemon.remote().import_image(ASTRA_ROOTFS, "big");
    ASSERT_FALSE(full);
    EXPECT_EQ(full.error().code, Code::ResourceExhausted) << full.error().message;
    EXPECT_THAT(full.error().message, HasSubstr("No space left on device"));
    EXPECT_EQ(files(), before);
    auto images = Remote::call(*daemon.remote().images, &v1::Images::Stub::List, v1::ListImagesRequest());
    ASSERT_TRUE(images);
    EXPECT_EQ(images->images_size(), 0);
    // What fits is taken afterwards.
    std::string tiny = daemon.folder() + "/tiny";
    ASSERT_EQ(
        shell("mkdir " + tiny + " && echo x >" + tiny + "/x && tar -C " + tiny + " -cf " + tiny + ".tar .")
            .status,
        0);
    auto image = daemon.remote().import_image(tiny + ".tar", "tiny");
    EXPECT_TRUE(image) << image.error().message;
}

}  // namespace
}  // namespace astra::tests
