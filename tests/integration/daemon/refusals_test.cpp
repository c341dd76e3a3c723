// Who may not, and what cannot be: refused, with the reason.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <fstream>

#include "tests/integration/daemon/fixture.hpp"

namespace astra::tests {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;

TEST(ReadOnlyDaemon, OnlyAnswersQuestions) {
    std::string socket = "/tmp/astra-ro-" + std::to_string(::getpid()) + ".sock";
    DaemonProcess daemon({"--read-only-socket", socket});
    auto remote = Remote::connect(socket);
    ASSERT_TRUE(remote) << remote.error().message;
    auto info = Remote::call(*(*remote)->daemon, &v1::Daemon::Stub::GetInfo, v1::GetInfoRequest());
    ASSERT_TRUE(info);
    EXPECT_TRUE(info->read_only());
    EXPECT_TRUE(Remote::call(*(*remote)->guests, &v1::Guests::Stub::List, v1::ListGuestsRequest()));
    auto denied = (*remote)->import_image(ASTRA_ROOTFS, "x");
    ASSERT_FALSE(denied);
    EXPECT_EQ(denied.error().code, Code::PermissionDenied);
    v1::CreateGuestRequest create;
    auto refused = Remote::call(*(*remote)->guests, &v1::Guests::Stub::Create, create);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().reason, "READ_ONLY");
    ::unlink(socket.c_str());
}

TEST_F(Daemon, ExplainsItsRefusals) {
    auto missing = call(&v1::Guests::Stub::Get, "nobody");
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().code, Code::NotFound);
    EXPECT_EQ(missing.error().reason, "GUEST_NOT_FOUND");
    EXPECT_FALSE(missing.error().hint.empty());
    auto no_image = launch("x", "exit 0");
    ASSERT_FALSE(no_image);
    EXPECT_EQ(no_image.error().reason, "IMAGE_NOT_FOUND");
    auto garbage = remote().import_image("/proc/self/exe", "garbage");
    ASSERT_FALSE(garbage);
    EXPECT_EQ(garbage.error().code, Code::InvalidArgument) << garbage.error().message;
    image();
    auto create = request("twice", {"true"});
    create.set_request_id("r1");
    auto first = Remote::call(*remote().guests, &v1::Guests::Stub::Create, create);
    auto again = Remote::call(*remote().guests, &v1::Guests::Stub::Create, create);
    ASSERT_TRUE(first && again);
    EXPECT_EQ(first->guest_id(), again->guest_id());
    create.set_request_id("r2");
    auto taken = Remote::call(*remote().guests, &v1::Guests::Stub::Create, create);
    ASSERT_FALSE(taken);
    EXPECT_EQ(taken.error().code, Code::AlreadyExists);
    v1::DeleteImageRequest remove;
    remove.set_image("applets");
    auto used = Remote::call(*remote().images, &v1::Images::Stub::Delete, remove);
    ASSERT_FALSE(used);
    EXPECT_EQ(used.error().reason, "IMAGE_IN_USE");
}

TEST_F(Daemon, RefusesWhatIsTooMuch) {
    image();
    // More than a message may be, and more than a program's start may be.
    grpc::ClientContext context;
    auto import = remote().images->Import(&context);
    v1::ImportRequest part;
    part.mutable_header()->set_name("big");
    ASSERT_TRUE(import->Write(part));
    part.set_chunk(std::string(8 << 20, 'x'));
    import->Write(part);
    import->WritesDone();
    for (v1::ImportResponse response; import->Read(&response);) EXPECT_FALSE(response.has_image());
    EXPECT_EQ(import->Finish().error_code(), grpc::RESOURCE_EXHAUSTED);
    auto create = request("x", {"true", std::string(100'000, 'y')});
    auto refused = Remote::call(*remote().guests, &v1::Guests::Stub::Create, create);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::InvalidArgument);
    EXPECT_THAT(refused.error().message, HasSubstr("arguments and environment"));
    create = request("x", {"true", std::string("a\0b", 3)});
    refused = Remote::call(*remote().guests, &v1::Guests::Stub::Create, create);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::InvalidArgument);
    create = request("x", {"true"});
    create.mutable_spec()->set_network("carrier-pigeon");
    refused = Remote::call(*remote().guests, &v1::Guests::Stub::Create, create);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::InvalidArgument);
    for (auto [cpus, memory] : {std::pair{1000u, 128u}, std::pair{1u, 1u}}) {
        create = request("x", {"true"});
        create.mutable_spec()->set_cpus(cpus);
        create.mutable_spec()->set_memory_bytes(uint64_t{memory} << 20);
        refused = Remote::call(*remote().guests, &v1::Guests::Stub::Create, create);
        ASSERT_FALSE(refused) << cpus << " " << memory;
        EXPECT_EQ(refused.error().code, Code::InvalidArgument);
    }
    EXPECT_THAT(astra("image list").out, ::testing::Not(HasSubstr("big")));
}

TEST(Permissions, OthersMayNotUseTheAdminSocket) {
    DaemonProcess daemon;
    ::chmod(daemon.folder().c_str(), 0711);
    if (::getuid() != 0) GTEST_SKIP() << "needs root, to become somebody else";
    // The programs may lie where others may not look.
    std::string copy = daemon.folder() + "/astra";
    std::filesystem::copy_file(ASTRA_PROGRAM, copy);
    std::filesystem::copy_file(ASTRA_PROGRAM "-control", copy + "-control");
    auto said = shell("setpriv --reuid=65534 --regid=65534 --clear-groups " + copy + " ps --host " +
                      daemon.socket() + " 2>&1 </dev/null");
    EXPECT_EQ(said.status, 1) << said.out;
    EXPECT_THAT(said.out, HasSubstr("Permission denied"));
    EXPECT_THAT(said.out, HasSubstr("hint: "));
}

/// A folder of keys: an authority, certificates that it signed, and one of another authority's.
class Certificates : public ::testing::Test {
  protected:
    void SetUp() override {
        char folder[] = "/tmp/astra-tls-XXXXXX";
        folder_ = ::mkdtemp(folder);
        auto made = shell("cd " + folder_ + R"( && exec 2>&1 && set -e
key='-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2'
for ca in ca other; do openssl req -x509 $key -keyout $ca.key -out $ca.pem -subj /CN=$ca; done
printf 'subjectAltName=DNS:localhost,IP:127.0.0.1' > san
sign() { openssl req $key -keyout $1.key -out $1.csr -subj /CN=$1
  openssl x509 -req -in $1.csr -CA $2.pem -CAkey $2.key -CAcreateserial -days 2 -extfile san -out $1.pem; }
sign server ca; sign client ca; sign stranger other)");
        if (made.status == 127) GTEST_SKIP() << "no openssl here";
        ASSERT_EQ(made.status, 0) << made.out;
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }
    [[nodiscard]] std::string text(const std::string& file) const {
        std::ifstream stream(folder_ + "/" + file);
        return {std::istreambuf_iterator<char>(stream), {}};
    }
    /// What a client that shows that certificate (none: "") is answered.
    grpc::Status ask(const std::string& address, const std::string& certificate) {
        grpc::SslCredentialsOptions options;
        options.pem_root_certs = text("ca.pem");
        if (!certificate.empty()) {
            options.pem_private_key = text(certificate + ".key");
            options.pem_cert_chain = text(certificate + ".pem");
        }
        auto stub = v1::Daemon::NewStub(grpc::CreateChannel(address, grpc::SslCredentials(options)));
        return info(*stub);
    }
    static grpc::Status info(v1::Daemon::Stub& stub) {
        grpc::ClientContext context;
        context.set_deadline(std::chrono::system_clock::now() + 10s);
        v1::DaemonInfo answer;
        return stub.GetInfo(&context, {}, &answer);
    }
    std::string folder_;
};

TEST_F(Certificates, AreAskedOfClientsOverTcp) {
    const std::string address = "localhost:" + std::to_string(20'000 + ::getpid() % 10'000);
    DaemonProcess daemon({"--listen", address, "--tls-certificate", folder_ + "/server.pem", "--tls-key",
                          folder_ + "/server.key", "--tls-client-authority", folder_ + "/ca.pem"});
    auto good = ask(address, "client");
    EXPECT_TRUE(good.ok()) << good.error_message();
    EXPECT_EQ(ask(address, "").error_code(), grpc::UNAVAILABLE);
    EXPECT_EQ(ask(address, "stranger").error_code(), grpc::UNAVAILABLE);
    auto plain = v1::Daemon::NewStub(grpc::CreateChannel(address, grpc::InsecureChannelCredentials()));
    EXPECT_THAT(info(*plain).error_code(), AnyOf(grpc::UNAVAILABLE, grpc::DEADLINE_EXCEEDED));
    EXPECT_TRUE(ask(address, "client").ok());
}

TEST_F(Certificates, AreNeededToListen) {
    auto said = shell(ASTRAD_PROGRAM " --state " + folder_ + "/state --listen localhost:0 2>&1");
    EXPECT_EQ(said.status, 1);
    EXPECT_THAT(said.out, HasSubstr("hint"));
}

}  // namespace
}  // namespace astra::tests
