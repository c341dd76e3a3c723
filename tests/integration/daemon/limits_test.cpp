// What clients and guests that do not behave cost the others: nothing, and memory that has a bound.
#include <gmock/gmock.h>
#include <signal.h>

#include <fstream>
#include <thread>

#include "tests/integration/daemon/fixture.hpp"

namespace astra::tests {
namespace {

using ::testing::HasSubstr;
using Clock = std::chrono::steady_clock;

uint64_t resident_kib(pid_t pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/status");
    for (std::string line; std::getline(file, line);)
        if (line.starts_with("VmRSS:")) return std::stoull(line.substr(6));
    return 0;
}

class Limits : public Daemon {
  protected:
    static constexpr uint64_t kRoomKib = 24 * 1024;

    /// The process that supervises a guest: the machine's parent.
    pid_t supervisor(const std::string& guest) {
        auto info = call(&v1::Guests::Stub::Get, guest);
        EXPECT_TRUE(info);
        std::ifstream file("/proc/" + std::to_string(info->machine_pid()) + "/stat");
        std::string text((std::istreambuf_iterator<char>(file)), {});
        size_t at = text.rfind(')');
        return at == text.npos ? -1 : std::stoi(text.substr(at + 4));
    }
    /// Asks for a program that comes with much, and does not wait for long; what came of it.
    struct Asked {
        grpc::StatusCode code;
        int spawn_error;
    };
    Asked ask(const std::string& guest, std::chrono::milliseconds patience) {
        grpc::ClientContext context;
        context.set_deadline(std::chrono::system_clock::now() + patience);
        auto stream = remote().exec->Run(&context);
        v1::ExecRequest request;
        request.mutable_start()->set_guest(guest);
        request.mutable_start()->add_arguments("true");
        request.mutable_start()->add_environment("MUCH=" + std::string(60'000, 'x'));
        stream->Write(request);
        int error = 0;
        for (v1::ExecResponse response; stream->Read(&response);)
            if (response.exited().kind() == v1::Outcome::KIND_SPAWN_FAILED) {
                error = response.exited().value();
                stream->WritesDone();
            }
        return {stream->Finish().error_code(), error};
    }
    /// Others are answered, and soon.
    void expect_answers() {
        auto began = Clock::now();
        auto list = Remote::call(*remote().guests, &v1::Guests::Stub::List, v1::ListGuestsRequest());
        EXPECT_TRUE(list) << list.error().message;
        EXPECT_LT(Clock::now() - began, 2s);
    }
};

TEST_F(Limits, AStoppedMachineIsNotQueuedForWithoutEnd) {
    image();
    auto stuck = launch("stuck", "echo up; sleep 100");
    ASSERT_TRUE(stuck) << stuck.error().message;
    pid_t keeper = supervisor("stuck");
    uint64_t before = resident_kib(keeper);
    ASSERT_GT(before, 0u);
    ::kill(stuck->machine_pid(), SIGSTOP);
    int refused = 0;
    for (int i = 0; i < 600; i++) refused += ask("stuck", 30ms).spawn_error == EAGAIN;
    EXPECT_GT(refused, 0);
    EXPECT_LT(resident_kib(keeper), before + kRoomKib);
    // Signals that nobody takes are one signal.
    v1::SignalGuestRequest usr1;
    usr1.set_guest("stuck");
    usr1.set_signal(SIGURG);
    for (int i = 0; i < 100; i++)
        EXPECT_TRUE(Remote::call(*remote().guests, &v1::Guests::Stub::Signal, usr1));
    expect_answers();
    ::kill(stuck->machine_pid(), SIGCONT);
    // Soon there is room again.
    std::string said;
    for (int i = 0; i < 200 && said != "fine\n"; i++) {
        said = astra("exec stuck echo fine").out;
        std::this_thread::sleep_for(50ms);
    }
    EXPECT_EQ(said, "fine\n");
}

TEST_F(Limits, AStoppedSupervisorIsNotQueuedForWithoutEnd) {
    image();
    ASSERT_TRUE(launch("stuck", "echo up; sleep 100"));
    pid_t keeper = supervisor("stuck");
    uint64_t before = resident_kib(daemon_.pid());
    ::kill(keeper, SIGSTOP);
    int refused = 0;
    for (int i = 0; i < 600; i++) refused += ask("stuck", 30ms).code == grpc::UNAVAILABLE;
    EXPECT_GT(refused, 0);
    EXPECT_LT(resident_kib(daemon_.pid()), before + kRoomKib);
    auto paused = call(&v1::Guests::Stub::Pause, "stuck");
    ASSERT_FALSE(paused);
    EXPECT_EQ(paused.error().reason, "SUPERVISOR_BUSY");
    expect_answers();
    auto killed = call(&v1::Guests::Stub::Kill, "stuck");
    ASSERT_TRUE(killed) << killed.error().message;
    EXPECT_EQ(killed->outcome().kind(), v1::Outcome::KIND_KILLED);
}

TEST_F(Limits, AFloodIsKeptInPartAndTheGapIsTold) {
    image();
    // 25 MB, of which 16 MiB are kept.
    ASSERT_TRUE(launch("flood", "head -c 25000000 /dev/zero | tr '\\000' x; echo; echo end"));
    wait("flood");
    v1::ReadConsoleRequest request;
    request.set_guest("flood");
    grpc::ClientContext context;
    auto reader = remote().console->Read(&context, request);
    uint64_t next = 0, gap = 0, data = 0;
    std::string last;
    for (v1::ConsoleChunk chunk; reader->Read(&chunk);) {
        if (chunk.has_gap()) {
            EXPECT_EQ(chunk.gap().from_offset(), next);
            next = chunk.gap().to_offset();
            gap += chunk.gap().to_offset() - chunk.gap().from_offset();
        } else if (chunk.has_data()) {
            EXPECT_EQ(chunk.data().offset(), next);
            next += chunk.data().data().size();
            data += chunk.data().data().size();
            last = chunk.data().data();
        } else {
            EXPECT_EQ(chunk.end().offset(), next);
        }
    }
    EXPECT_TRUE(reader->Finish().ok());
    EXPECT_THAT(last, HasSubstr("end\n"));
    EXPECT_GT(gap, 5'000'000u);
    EXPECT_LT(data, 17u << 20);
    EXPECT_GE(gap + data, 25'000'005u);
    uint64_t kept = 0;
    for (const auto& file : std::filesystem::recursive_directory_iterator(daemon_.folder() + "/guests"))
        if (file.is_regular_file()) kept += file.file_size();
    EXPECT_LT(kept, 20u << 20);
}

TEST_F(Limits, ReadersThatDoNotReadCostLittle) {
    image();
    ASSERT_TRUE(launch("flood", "yes"));
    ASSERT_TRUE(launch("other", "echo up; sleep 100"));
    uint64_t before = resident_kib(daemon_.pid());
    std::vector<std::unique_ptr<grpc::ClientContext>> contexts;
    std::vector<std::shared_ptr<void>> streams;
    auto open = [&](auto start) {
        contexts.push_back(std::make_unique<grpc::ClientContext>());
        streams.push_back(std::shared_ptr(start(*contexts.back())));
    };
    for (int i = 0; i < 10; i++) {
        open([&](grpc::ClientContext& context) {
            v1::ReadConsoleRequest request;
            request.set_guest("flood");
            request.set_follow(true);
            return remote().console->Read(&context, request);
        });
        open([&](grpc::ClientContext& context) {
            v1::WatchEventsRequest request;
            request.set_from_sequence(1);
            request.set_follow(true);
            return remote().events->Watch(&context, request);
        });
        open([&](grpc::ClientContext& context) {
            v1::StreamMetricsRequest request;
            request.set_guest("flood");
            request.set_interval_ms(10);
            request.set_histograms(true);
            return remote().metrics->Stream(&context, request);
        });
    }
    for (int i = 0; i < 5; i++) {
        std::this_thread::sleep_for(1s);
        expect_answers();
        EXPECT_THAT(astra("exec other echo fine").out, HasSubstr("fine"));
    }
    EXPECT_LT(resident_kib(daemon_.pid()), before + 2 * kRoomKib);
    for (auto& context : contexts) context->TryCancel();
}

}  // namespace
}  // namespace astra::tests
