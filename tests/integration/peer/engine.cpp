// The engine's thread, its TAP device, and the namespaces around it.
#include "tests/integration/peer/engine.hpp"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>

namespace astra::inet::test {

namespace {

u64 clock_ns() {
    timespec t{};
    clock_gettime(CLOCK_MONOTONIC, &t);
    return static_cast<u64>(t.tv_sec) * 1'000'000'000 + static_cast<u64>(t.tv_nsec);
}

void random_bytes(std::span<u8> to) {
    if (getrandom(to.data(), to.size(), 0) != static_cast<ssize_t>(to.size())) std::abort();
}

/// What a shell command says when it fails; empty when it does not.
std::string shell(const std::string& command) {
    FILE* pipe = popen(("{ " + command + "; } 2>&1").c_str(), "r");
    if (!pipe) return "no shell";
    std::string said;
    for (int c; (c = fgetc(pipe)) != EOF;) said += static_cast<char>(c);
    if (pclose(pipe) == 0) return {};
    return said.empty() ? command + " failed" : said;
}

Fd own_namespace() { return Fd(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)); }

Fd open_tap() {
    Fd fd(open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC));
    ifreq request{};
    std::strcpy(request.ifr_name, "tap");
    request.ifr_flags = IFF_TAP | IFF_NO_PI;
    if (fd.valid() && ioctl(fd.get(), TUNSETIFF, &request) < 0) return {};
    return fd;
}

}  // namespace

std::string Network::create() {
    if (unshare(CLONE_NEWNET) != 0) return std::string("no network namespace: ") + strerror(errno);
    router_ = own_namespace();
    tap_ = open_tap();
    if (!tap_.valid()) return std::string("no TAP device: ") + strerror(errno);
    // Somebody whose namespace the wire's other end goes to.
    const pid_t holder = fork();
    if (holder == 0) {
        if (unshare(CLONE_NEWNET) == 0) raise(SIGSTOP);
        _exit(0);
    }
    int status = 0;
    waitpid(holder, &status, WUNTRACED);
    const std::string pid = std::to_string(holder);
    std::string lacks = shell(
        "ip link set lo up && ip addr add 10.9.0.1/24 dev tap && ip link set tap up && "
        "ip link add near type veth peer name far netns " +
        pid +
        " && ip addr add 10.9.1.1/24 dev near && ip link set near up && "
        "echo 1 >/proc/sys/net/ipv4/ip_forward");
    Fd peer(open(("/proc/" + pid + "/ns/net").c_str(), O_RDONLY | O_CLOEXEC));
    if (lacks.empty() && setns(peer.get(), CLONE_NEWNET) != 0) lacks = "cannot enter a namespace";
    kill(holder, SIGKILL);
    waitpid(holder, &status, 0);
    if (!lacks.empty()) return lacks;
    return shell(
        "ip link set lo up && ip addr add 10.9.1.2/24 dev far && ip link set far up && "
        "ip route add default via 10.9.1.1");
}

std::string Network::impair(const std::string& words) {
    Fd peer = own_namespace();
    if (setns(router_.get(), CLONE_NEWNET) != 0) return "cannot enter the router's namespace";
    std::string lacks;
    for (const char* device : {"tap", "near"})
        if (lacks.empty())
            lacks = shell(std::string("tc qdisc replace dev ") + device + " root netem " + words);
    if (setns(peer.get(), CLONE_NEWNET) != 0) std::abort();
    return lacks;
}

void Program::turn() {
    sent += send_some(*connection, std::span(out).subspan(sent));
    receive_all(*connection, in);
    if (ends && !ended && sent == out.size() && !connection->is_connecting()) {
        ended = true;
        connection->end_sending();
    }
}

void Engine::Tap::transmit(Own<Packet> frame) {
    // What finds no room is lost, as on any network.
    if (write(fd, frame->data(), frame->size()) < 0) sent.dropped++;
}

Engine::Engine(int tap) : stack(random_bytes), wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    enter();
    link_.fd = tap;
    link_.mac = {{2, 0, 0, 0, 0, 1}};
    EXPECT_TRUE(stack.add_link(link_));
    EXPECT_TRUE(stack.add_address(link_, IpAddress::v4(0x0a09'0002), 24));
    EXPECT_TRUE(stack.routes.add({IpAddress::v4(0), 0, IpAddress::v4(0x0a09'0001), &link_}));
    thread_ = std::thread([this] { run(); });
}

Engine::~Engine() {
    act([this] { stop_ = true; });
    thread_.join();
    for (auto& program : programs) program->connection->abort();
    for (Served& served : served_) served.listener->close();
}

void Engine::enter() { stack.enter(clock_ns()); }

void Engine::wake() {
    if (eventfd_write(wake_.get(), 1) != 0) std::abort();
}

/// Lets everything happen that can, and answers when something is due next.
u64 Engine::turn() {
    u8 frame[2048];
    for (int frames = 0; frames < 256; frames++) {
        const ssize_t size = read(link_.fd, frame, sizeof frame);
        if (size <= 0) break;
        Own<Packet> packet = *Packet::make(static_cast<usize>(size));
        std::copy_n(frame, size, packet->data());
        stack.receive(link_, std::move(packet));
    }
    for (Served& served : served_)
        while (Ref<tcp::Connection> accepted = served.listener->accept())
            add(std::move(accepted), served.out);
    for (auto& program : programs) program->turn();
    return stack.settle();
}

void Engine::run() {
    for (;;) {
        u64 next;
        {
            std::lock_guard lock(mutex_);
            if (stop_) return;
            enter();
            next = turn();
            happened_.notify_all();
        }
        pollfd waited[] = {{link_.fd, POLLIN, 0}, {wake_.get(), POLLIN, 0}};
        const u64 now = clock_ns();
        const u64 left = next <= now ? 0 : std::min<u64>(next - now, 1'000'000'000);
        const timespec patience{static_cast<time_t>(left / 1'000'000'000),
                                static_cast<long>(left % 1'000'000'000)};
        ppoll(waited, 2, &patience, nullptr);
        eventfd_t count;
        if (waited[1].revents) (void)eventfd_read(wake_.get(), &count);
    }
}

bool Engine::wait(int seconds, const std::function<bool()>& done) {
    std::unique_lock lock(mutex_);
    return happened_.wait_for(lock, std::chrono::seconds(seconds), done);
}

Program& Engine::add(Ref<tcp::Connection> connection, std::vector<u8> out) {
    programs.push_back(std::make_unique<Program>());
    programs.back()->connection = std::move(connection);
    programs.back()->out = std::move(out);
    return *programs.back();
}

Program& Engine::connect(u16 port, std::vector<u8> out) {
    Program* program = nullptr;
    act([&] {
        program = &add(*make_ref<tcp::Connection>(stack, tcp::Settings{}), std::move(out));
        EXPECT_TRUE(program->connection->connect({IpAddress::v4(0x0a09'0102), port}));
    });
    return *program;
}

void Engine::listen(u16 port, std::vector<u8> out) {
    act([&] {
        served_.push_back({*make_ref<tcp::Listener>(stack, tcp::Settings{}), std::move(out)});
        served_.back().listener->backlog = 128;
        EXPECT_TRUE(stack.ports.bind(*served_.back().listener, {IpAddress::v4(0), port}, 0));
    });
}

}  // namespace astra::inet::test
