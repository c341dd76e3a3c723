// A daemon of each test's own, and the calls that most tests make of it.
#pragma once
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/integration/daemon/daemon_process.hpp"

namespace astra::tests {

using control::Code;
using control::Remote;
using control::Result;
using namespace std::chrono_literals;

class Daemon : public ::testing::Test {
  protected:
    static constexpr auto kPatience = 100s;

    void SetUp() override {
        if (engine() == "kvm" && ::access("/dev/kvm", W_OK) != 0) GTEST_SKIP() << "no /dev/kvm here";
    }
    static std::string engine() { return setting("ASTRA_TEST_ENGINE", "qemu-tcg"); }

    Remote& remote() { return daemon_.remote(); }
    std::string image() {
        auto image = remote().import_image(ASTRA_ROOTFS, "applets");
        EXPECT_TRUE(image) << image.error().message;
        return image ? image->image_id() : "";
    }
    v1::CreateGuestRequest request(const std::string& name, std::vector<std::string> arguments) {
        v1::CreateGuestRequest request;
        request.set_name(name);
        auto* spec = request.mutable_spec();
        spec->set_image("applets");
        spec->set_engine(engine());
        spec->set_memory_bytes(uint64_t{128} << 20);
        spec->mutable_arguments()->Assign(arguments.begin(), arguments.end());
        return request;
    }
    Result<v1::Guest> launch(const std::string& name, const std::string& script) {
        return Remote::call(*remote().guests, &v1::Guests::Stub::Launch, request(name, {"sh", "-c", script}),
                            kPatience);
    }
    /// Calls with one guest as their whole request.
    template <class Request, class Response>
    Result<Response> call(grpc::Status (v1::Guests::Stub::*method)(grpc::ClientContext*, const Request&,
                                                                   Response*),
                          const std::string& guest, std::chrono::milliseconds patience = kPatience) {
        Request request;
        request.set_guest(guest);
        return Remote::call(*remote().guests, method, request, patience);
    }
    v1::Guest wait(const std::string& guest) {
        auto ended = call(&v1::Guests::Stub::Wait, guest);
        EXPECT_TRUE(ended) << ended.error().message;
        return ended ? *ended : v1::Guest();
    }
    /// Reads the console until it ends or holds `until`.
    std::string console(const std::string& guest, uint64_t from, const std::string& until = {}) {
        v1::ReadConsoleRequest request;
        request.set_guest(guest);
        request.set_from_offset(from);
        request.set_follow(true);
        grpc::ClientContext context;
        context.set_deadline(std::chrono::system_clock::now() + kPatience);
        auto reader = remote().console->Read(&context, request);
        std::string text;
        for (v1::ConsoleChunk chunk; reader->Read(&chunk);) {
            EXPECT_FALSE(chunk.has_gap());
            text += chunk.data().data();
            if (!until.empty() && text.find(until) != text.npos) {
                context.TryCancel();
                return text;
            }
        }
        auto status = reader->Finish();
        EXPECT_TRUE(status.ok()) << status.error_message();
        return text;
    }

    /// Runs the astra command against this daemon; standard error comes with the output.
    [[nodiscard]] Said astra(const std::string& words) const {
        return shell("ASTRA_HOST=" + daemon_.socket() + " " ASTRA_PROGRAM " " + words + " 2>&1 </dev/null");
    }

    DaemonProcess daemon_;
};

}  // namespace astra::tests
