// astrad with real guests: what it promises, over its own interface. ASTRA_TEST_ENGINE names the engine.
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "control_proto/testing/guest.hpp"
#include "tests/integration/daemon/fixture.hpp"

namespace astra::tests {
namespace {

using ::testing::HasSubstr;
using Clock = std::chrono::steady_clock;

TEST_F(Daemon, KeepsTheConsoleFromByteZero) {
    image();
    ASSERT_TRUE(launch("talker", "echo one; echo two >&2; sleep 1; echo three"));
    EXPECT_EQ(console("talker", 0, "two\n"), "one\ntwo\n");
    EXPECT_EQ(console("talker", 0), "one\ntwo\nthree\n");
    EXPECT_EQ(wait("talker").outcome().value(), 0);
    EXPECT_EQ(console("talker", 0), "one\ntwo\nthree\n");
}

TEST_F(Daemon, CountsWhatRunCounts) {
    image();
    std::string script = "echo x; cat /etc/passwd >/dev/null; exit 3";
    ASSERT_TRUE(launch("counted", script));
    wait("counted");
    v1::GetMetricsRequest request;
    request.set_guest("counted");
    request.set_histograms(true);
    auto sample = Remote::call(*remote().metrics, &v1::Metrics::Stub::Get, request);
    ASSERT_TRUE(sample) << sample.error().message;
    EXPECT_TRUE(sample->final());
    std::string file = daemon_.folder() + "/stats.json";
    std::string command = std::string(ASTRA_PROGRAM) + " run --engine " + engine() +
                          " --memory 128M --rootfs " + ASTRA_ROOTFS + " --stats=json --stats-file " + file +
                          " -- sh -c '" + script + "' >/dev/null 2>&1 </dev/null";
    ASSERT_EQ(WEXITSTATUS(std::system(command.c_str())), 3);
    std::ifstream stream(file);
    std::string json((std::istreambuf_iterator<char>(stream)), {});
    int compared = 0;
    for (const auto& row : sample->syscalls()) {
        uint64_t in_histogram = 0;
        for (uint64_t count : row.histogram()) in_histogram += count;
        // Calls that never return have no time.
        EXPECT_LE(in_histogram, row.calls()) << row.name();
        // Those whose number does not depend on how busy the machine is.
        for (const char* name : {"openat", "execve", "mmap", "close", "dup2"}) {
            if (row.name() != name) continue;
            size_t at = json.find("\"name\":\"" + std::string(name) + "\"");
            ASSERT_NE(at, json.npos) << name;
            size_t begin = json.rfind('{', at), end = json.find('}', at);
            EXPECT_EQ(in_histogram, row.calls()) << name;
            EXPECT_THAT(json.substr(begin, end - begin),
                        HasSubstr("\"calls\":" + std::to_string(row.calls()) + ","))
                << name;
            compared++;
        }
    }
    EXPECT_GE(compared, 3);
}

TEST_F(Daemon, FindsItsGuestsAgainAfterItWasKilled) {
    image();
    ASSERT_TRUE(launch("survivor", "echo before; sleep 6; echo after; exit 9"));
    ASSERT_TRUE(launch("short", "sleep 1; echo bye; exit 4"));
    EXPECT_EQ(console("survivor", 0, "before\n"), "before\n");
    auto old = call(&v1::Guests::Stub::Get, "survivor");
    ASSERT_TRUE(old);
    daemon_.end(SIGKILL);
    std::this_thread::sleep_for(3s);  // the short one ends while there is no daemon
    daemon_.start();
    auto found = call(&v1::Guests::Stub::Get, "survivor");
    ASSERT_TRUE(found) << found.error().message;
    EXPECT_EQ(found->state(), v1::GUEST_STATE_RUNNING);
    EXPECT_EQ(found->machine_pid(), old->machine_pid());
    EXPECT_EQ(found->guest_id(), old->guest_id());
    EXPECT_EQ(wait("survivor").outcome().value(), 9);
    EXPECT_EQ(console("survivor", 0), "before\nafter\n");
    EXPECT_EQ(wait("short").outcome().value(), 4);
    EXPECT_EQ(console("short", 0), "bye\n");
}

TEST_F(Daemon, AStoppedMachineDelaysNobody) {
    image();
    auto stuck = launch("stuck", "echo up; sleep 100");
    ASSERT_TRUE(stuck) << stuck.error().message;
    ASSERT_GT(stuck->machine_pid(), 0);
    ::kill(stuck->machine_pid(), SIGSTOP);
    auto began = Clock::now();
    ASSERT_TRUE(call(&v1::Guests::Stub::Get, "stuck"));
    v1::GetMetricsRequest request;
    request.set_guest("stuck");
    EXPECT_TRUE(Remote::call(*remote().metrics, &v1::Metrics::Stub::Get, request));
    ASSERT_TRUE(Remote::call(*remote().guests, &v1::Guests::Stub::List, v1::ListGuestsRequest()));
    EXPECT_LT(Clock::now() - began, 3s);
    auto other = launch("other", "exit 5");
    ASSERT_TRUE(other) << other.error().message;
    EXPECT_EQ(wait("other").outcome().value(), 5);
    auto killed = call(&v1::Guests::Stub::Kill, "stuck");
    ASSERT_TRUE(killed) << killed.error().message;
    EXPECT_EQ(killed->outcome().kind(), v1::Outcome::KIND_KILLED);
}

TEST_F(Daemon, ADamagedRecordBreaksOneGuest) {
    image();
    auto good = launch("good", "exit 2"), bad = launch("bad", "exit 3");
    ASSERT_TRUE(good && bad);
    wait("good");
    wait("bad");
    daemon_.end(SIGTERM);
    std::ofstream(daemon_.folder() + "/guests/" + bad->guest_id() + "/guest.json")
        << "{\"version\": 1, \"id\"";
    daemon_.start();
    auto broken = call(&v1::Guests::Stub::Get, bad->guest_id());
    ASSERT_TRUE(broken) << broken.error().message;
    EXPECT_EQ(broken->state(), v1::GUEST_STATE_BROKEN);
    EXPECT_THAT(broken->outcome().message(), HasSubstr("damaged record"));
    EXPECT_EQ(wait("good").outcome().value(), 2);
}

TEST_F(Daemon, RunsFurtherProgramsInAGuest) {
    image();
    testing::Guest guest({.rootfs = ASTRA_ROOTFS,
                          .arguments = {"sh", "-c", "echo up; sleep 100"},
                          .engine = engine(),
                          .memory_bytes = uint64_t{128} << 20,
                          .address = daemon_.socket()});
    ASSERT_TRUE(guest.wait_for_output("up\n"));
    std::string output;
    EXPECT_EQ(guest.run({"sh", "-c", "read line; echo got $line; exit 6"}, &output, "typed\n"), 6);
    EXPECT_EQ(output, "got typed\n");
    EXPECT_EQ(guest.run({"sh", "-c", "kill -KILL $$"}), 128 + SIGKILL);
    EXPECT_EQ(guest.run({"no-such-program"}), -1);
    std::string data, back;
    for (int i = 0; i < 500'000; i++) data += static_cast<char>(i * 7 + i / 256);
    EXPECT_EQ(guest.run({"cat"}, &back, data), 0);
    EXPECT_TRUE(back == data) << back.size();
    uint64_t before = guest.calls("execve");
    EXPECT_EQ(guest.run({"sh", "-c", "/bin/true; /bin/true; exit 0"}), 0);
    EXPECT_EQ(guest.calls("execve"), before + 2);
}

TEST_F(Daemon, GivesFurtherProgramsATerminal) {
    image();
    ASSERT_TRUE(launch("host", "echo up; sleep 100"));
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kPatience);
    auto stream = remote().exec->Run(&context);
    std::string seen;
    auto send = [&](auto fill) {
        v1::ExecRequest request;
        fill(request);
        EXPECT_TRUE(stream->Write(request));
    };
    auto type = [&](const char* keys) { send([&](auto& request) { request.set_input(keys); }); };
    v1::ExecResponse response;
    auto wait_for = [&](const std::string& text) {
        while (seen.find(text) == seen.npos && !response.has_exited() && stream->Read(&response))
            seen += response.out();
        EXPECT_THAT(seen, HasSubstr(text));
        seen.clear();
    };
    send([](auto& request) {
        request.mutable_start()->set_guest("host");
        for (const char* word : {"sh", "-i"}) request.mutable_start()->add_arguments(word);
        request.mutable_start()->mutable_terminal()->set_rows(33);
        request.mutable_start()->mutable_terminal()->set_columns(101);
    });
    type("tty; stty size\n");
    wait_for("/dev/pts/0\r\n33 101\r\n");
    send([](auto& request) {
        request.mutable_resize()->set_rows(50);
        request.mutable_resize()->set_columns(120);
    });
    type("stty size\n");
    wait_for("50 120\r\n");
    // Ctrl-C ends what is in the foreground, not the shell; and what speaks is there already.
    type("sh -c 'echo begin$((1)); sleep 100'\n");
    wait_for("begin1\r\n");
    type("\x03");
    type("echo ended by $(($? - 128))\n");
    wait_for("ended by 2\r\n");
    type("exit 9\n");
    while (!response.has_exited() && stream->Read(&response)) seen += response.out();
    EXPECT_EQ(response.exited().value(), 9) << seen;
    stream->WritesDone();
    EXPECT_TRUE(stream->Finish().ok());
}

TEST_F(Daemon, PausesResumesAndStops) {
    image();
    ASSERT_TRUE(launch("paused", "i=0; while :; do i=$((i+1)); echo $i; sleep 0.1; done"));
    console("paused", 0, "2\n");
    auto paused = call(&v1::Guests::Stub::Pause, "paused");
    ASSERT_TRUE(paused) << paused.error().message;
    EXPECT_EQ(paused->state(), v1::GUEST_STATE_PAUSED);
    std::this_thread::sleep_for(500ms);
    uint64_t bytes = call(&v1::Guests::Stub::Get, "paused")->console_bytes();
    std::this_thread::sleep_for(1s);
    EXPECT_EQ(call(&v1::Guests::Stub::Get, "paused")->console_bytes(), bytes);
    auto resumed = call(&v1::Guests::Stub::Resume, "paused");
    ASSERT_TRUE(resumed) << resumed.error().message;
    EXPECT_EQ(resumed->state(), v1::GUEST_STATE_RUNNING);
    EXPECT_THAT(console("paused", bytes, "\n"), HasSubstr("\n"));
    auto stopped = call(&v1::Guests::Stub::Stop, "paused");
    ASSERT_TRUE(stopped) << stopped.error().message;
    EXPECT_EQ(stopped->outcome().kind(), v1::Outcome::KIND_SIGNALLED);
    EXPECT_EQ(stopped->outcome().value(), SIGTERM);
    EXPECT_GT(stopped->console_bytes(), bytes);
}

TEST_F(Daemon, ReplaysEventsOverARestart) {
    image();
    ASSERT_TRUE(launch("eventful", "exit 1"));
    wait("eventful");
    daemon_.end(SIGKILL);
    daemon_.start();
    v1::WatchEventsRequest request;
    request.set_from_sequence(1);
    request.set_guest("eventful");
    grpc::ClientContext context;
    auto reader = remote().events->Watch(&context, request);
    std::vector<std::string> kinds;
    uint64_t last = 0;
    for (v1::Event event; reader->Read(&event);) {
        EXPECT_GT(event.sequence(), last);
        last = event.sequence();
        kinds.push_back(event.kind());
    }
    EXPECT_TRUE(reader->Finish().ok());
    EXPECT_THAT(kinds,
                ::testing::ElementsAre("guest.created", "guest.starting", "guest.running", "guest.ended"));
}

TEST_F(Daemon, IsCommandedFromTheCommandLine) {
    image();
    ::setenv("ASTRA_HOST", daemon_.socket().c_str(), 1);
    auto launched =
        astra("launch --image applets --memory 128M --name web --engine " + engine() +
              " --timeout 100s -- sh -c 'echo up; trap \"exit 3\" TERM; while :; do sleep 0.1; done'");
    EXPECT_EQ(launched.status, 0) << launched.out;
    EXPECT_THAT(astra("ps").out, HasSubstr("web"));
    EXPECT_THAT(astra("ps -o json").out, HasSubstr("\"state\": \"GUEST_STATE_RUNNING\""));
    EXPECT_THAT(astra("ps -o csv").out, HasSubstr("name,id,state,engine,age,program,end\r\nweb,"));
    EXPECT_THAT(astra("info web -o yaml").out, HasSubstr("name: \"web\"\n"));
    auto exec = astra("exec web sh -c 'echo inside; exit 5'");
    EXPECT_EQ(exec.status, 5);
    EXPECT_EQ(exec.out, "inside\n");
    EXPECT_EQ(shell("echo typed | " ASTRA_PROGRAM " exec web cat").out, "typed\n");
    EXPECT_EQ(astra("exec web no-such-program").status, 127);
    EXPECT_EQ(astra("exec -t web tty").out, "/dev/pts/0\r\n");
    EXPECT_EQ(astra("exec --tty=perhaps web true").status, 1);
    EXPECT_THAT(astra("stats web --top 3").out, HasSubstr("SYSCALL"));
    EXPECT_THAT(astra("top web -n 2 --interval 100ms").out, HasSubstr("CALLS/S"));
    EXPECT_EQ(astra("stop web").status, 0);
    EXPECT_EQ(astra("wait web").status, 3);
    EXPECT_THAT(astra("logs web").out, HasSubstr("up\n"));
    EXPECT_THAT(astra("events --guest web").out, HasSubstr("guest.ended"));
    EXPECT_EQ(astra("rm web").status, 0);
    EXPECT_EQ(astra("info web").status, 6);
    EXPECT_THAT(astra("info web").out, HasSubstr("there is no guest 'web'\n  hint: "));
    EXPECT_THAT(astra("image list").out, HasSubstr("applets"));
    EXPECT_EQ(astra("daemon").status, 0);
    EXPECT_EQ(astra("ps --host /nonexistent").status, 3);
    EXPECT_EQ(shell(ASTRA_PROGRAM " completion | bash -n").status, 0);
    EXPECT_THAT(astra("completion fish").out,
                HasSubstr("-n '__fish_seen_subcommand_from run' -l rootfs -r -d '"));
    EXPECT_THAT(astra("manual image import").out, HasSubstr(".TH ASTRA-IMAGE-IMPORT 1 "));
    ::unsetenv("ASTRA_HOST");
}

TEST_F(Daemon, TalksToPython) {
    auto said =
        shell("PYTHONPATH=" ASTRA_PYTHON_API " /usr/bin/python3 " ASTRA_PYTHON_EXAMPLES "/launch.py " +
              daemon_.socket() + " " + ASTRA_ROOTFS + " " + engine() + " sh -c 'echo from python; exit 4'");
    EXPECT_EQ(said.status, 4);
    EXPECT_THAT(said.out, HasSubstr("from python\n"));
    EXPECT_THAT(said.out, HasSubstr("syscall write "));
}

TEST_F(Daemon, TalksToClientsThatOnlyKnowItsReflection) {
    auto said = shell("/usr/bin/python3 " ASTRA_PYTHON_EXAMPLES "/reflect.py " + daemon_.socket() + " " +
                      image() + " " + engine() + " sh -c 'echo reflected; exit 3' 2>&1");
    EXPECT_EQ(said.status, 3) << said.out;
    for (const char* name : {"Console", "Daemon", "Events", "Exec", "Files", "Guests", "Images", "Metrics"})
        EXPECT_THAT(said.out, HasSubstr("service astra.v1." + std::string(name) + "\n"));
    EXPECT_THAT(said.out, HasSubstr("service grpc.health.v1.Health\n"));
    EXPECT_THAT(said.out, HasSubstr("reflected\nafterwards NOT_FOUND\n"));
}

}  // namespace
}  // namespace astra::tests
