// Starting and ending astrad.
#include "tests/integration/daemon/daemon_process.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <thread>

namespace astra::tests {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

std::string setting(const char* name, const std::string& otherwise) {
    const char* value = std::getenv(name);
    return value ? value : otherwise;
}

DaemonProcess::DaemonProcess(std::vector<std::string> more, std::vector<std::string> under)
    : more_(std::move(more)), under_(std::move(under)) {
    char folder[] = "/tmp/astrad-test-XXXXXX";
    folder_ = ::mkdtemp(folder);
    start();
}

DaemonProcess::~DaemonProcess() {
    if (remote_) {
        auto guests =
            control::Remote::call(*remote_->guests, &v1::Guests::Stub::List, v1::ListGuestsRequest());
        for (const auto& guest : guests ? guests->guests() : decltype(guests->guests()){}) {
            v1::DeleteGuestRequest request;
            request.set_guest(guest.guest_id());
            request.set_force(true);
            auto gone = control::Remote::call(*remote_->guests, &v1::Guests::Stub::Delete, request);
            EXPECT_TRUE(gone) << gone.error().message;
        }
    }
    if (pid_ > 0) end(SIGTERM);
    EXPECT_TRUE(processes_with(folder_ + "/").empty()) << "supervisors or machines were left behind";
    std::error_code error;
    fs::remove_all(folder_, error);
}

void DaemonProcess::start() {
    std::vector<std::string> words = under_;
    words.insert(words.end(), {ASTRAD_PROGRAM, "--state", folder_});
    words.insert(words.end(), more_.begin(), more_.end());
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    posix_spawn_file_actions_t files;
    ::posix_spawn_file_actions_init(&files);
    ::posix_spawn_file_actions_addopen(&files, 1, (folder_ + "/astrad.log").c_str(),
                                       O_WRONLY | O_CREAT | O_APPEND, 0600);
    ::posix_spawn_file_actions_adddup2(&files, 1, 2);
    ::setenv("FOLDER", folder_.c_str(), 1);
    int failed = ::posix_spawnp(&pid_, argv[0], &files, nullptr, argv.data(), environ);
    ::unsetenv("FOLDER");
    ::posix_spawn_file_actions_destroy(&files);
    ASSERT_EQ(failed, 0) << argv[0];
    for (int i = 0; i < 200 && !remote_; i++) {
        if (auto remote = control::Remote::connect(socket())) remote_ = std::move(*remote);
        if (!remote_) std::this_thread::sleep_for(50ms);
    }
    ASSERT_TRUE(remote_) << std::ifstream(folder_ + "/astrad.log").rdbuf();
    auto ready =
        control::Remote::call(*remote_->daemon, &v1::Daemon::Stub::WaitReady, v1::WaitReadyRequest());
    ASSERT_TRUE(ready) << ready.error().message;
}

int DaemonProcess::end(int signal, const std::function<void()>& then) {
    if (!then) remote_.reset();
    ::kill(pid_, signal);
    int status = -1;
    ::waitpid(pid_, &status, 0);
    pid_ = -1;
    if (then) then();
    remote_.reset();
    return status;
}

Said shell(const std::string& command) {
    FILE* pipe = ::popen(command.c_str(), "r");
    Said said{-1, {}};
    char buffer[4096];
    for (size_t got; (got = ::fread(buffer, 1, sizeof buffer, pipe)) > 0;) said.out.append(buffer, got);
    said.status = WEXITSTATUS(::pclose(pipe));
    return said;
}

std::vector<pid_t> processes_with(const std::string& text) {
    std::vector<pid_t> found;
    for (const auto& entry : fs::directory_iterator("/proc")) {
        std::string name = entry.path().filename();
        if (name.find_first_not_of("0123456789") != name.npos) continue;
        std::ifstream file(entry.path() / "cmdline", std::ios::binary);
        std::string words((std::istreambuf_iterator<char>(file)), {});
        std::ranges::replace(words, '\0', ' ');
        if (words.find(text) != words.npos && std::stoi(name) != ::getpid()) found.push_back(std::stoi(name));
    }
    return found;
}

}  // namespace astra::tests
