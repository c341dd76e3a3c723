// Engine "libvirt": a transient domain per guest, watched by a child process, astra-libvirt, whose end is the
// domain's. QEMU connects to sockets of ours; its RAM is reached through its process.
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <array>
#include <filesystem>
#include <random>

#include "control_proto/names.hpp"
#include "vmm/engines/domain_xml.hpp"
#include "vmm/engines/qemu_machine.hpp"
#include "vmm/engines/wiring.hpp"

namespace astra::vmm {
namespace {

namespace fs = std::filesystem;

/// libvirt has to answer, and QEMU to start, within this.
constexpr int kStartLimitMs = 60'000;

/// A folder that QEMU, perhaps another user's process, can reach by a name that nobody can guess: sockets,
/// and copies of what QEMU reads while it starts. It goes with its owner: connections stay.
class MeetingFolder {
  public:
    static Result<MeetingFolder> create() {
        std::string path = "/tmp/astra-libvirt-XXXXXX";
        if (!::mkdtemp(path.data())) return fail_errno("mkdtemp " + path);
        MeetingFolder folder(std::move(path));
        if (::chmod(folder.path_.c_str(), 0711) != 0) return fail_errno(folder.path_);
        return folder;
    }
    MeetingFolder(MeetingFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
    MeetingFolder& operator=(MeetingFolder&&) = delete;
    ~MeetingFolder() {
        std::error_code ignored;  // it is a temporary folder
        if (!path_.empty()) fs::remove_all(path_, ignored);
    }
    [[nodiscard]] const std::string& path() const { return path_; }

    [[nodiscard]] Result<Fd> listen(const char* name) const {
        Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        if (!fd.valid()) return fail_errno("socket");
        sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
        const std::string path = path_ + "/" + name;
        path.copy(address.sun_path, sizeof address.sun_path - 1);
        if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
            ::chmod(path.c_str(), 0666) != 0 || ::listen(fd.get(), 1) != 0)
            return fail_errno(path);
        return fd;
    }

    /// A copy of `file` that any user may read, and whose owner libvirt may change as it does. Its path.
    [[nodiscard]] Result<std::string> place(const std::string& file, const char* name) const {
        const fs::path copy = fs::path(path_) / name;
        std::error_code error;
        if (fs::copy_file(file, copy, error); !error) fs::permissions(copy, fs::perms(0444), error);
        if (error) return fail_errno(file, error.value());
        return copy.string();
    }

  private:
    explicit MeetingFolder(std::string path) : path_(std::move(path)) {}
    std::string path_;
};

/// The connection that QEMU made when it started.
Result<Fd> accept(const Fd& listener) {
    Fd fd(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!fd.valid()) return fail_errno("QEMU did not connect: accept");
    return fd;
}

/// The memfd of `bytes` that is the RAM of the QEMU at the other end of `connection`, sealed against
/// shrinking (or else a mapping could fault). Invalid when this process may not look into QEMU's.
Fd find_ram(const Fd& connection, u64 bytes) {
    ucred peer{};
    socklen_t length = sizeof peer;
    if (::getsockopt(connection.get(), SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) return {};
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(fmt::format("/proc/{}/fd", peer.pid), error)) {
        if (!fs::read_symlink(entry.path(), error).string().starts_with("/memfd:")) continue;
        Fd fd(::open(entry.path().c_str(), O_RDWR | O_CLOEXEC));
        struct stat status {};
        if (fd.valid() && ::fstat(fd.get(), &status) == 0 && static_cast<u64>(status.st_size) == bytes &&
            (::fcntl(fd.get(), F_GET_SEALS) & F_SEAL_SHRINK))
            return fd;
    }
    return {};
}

/// What the child said on stderr before it ended.
Error complaint(const Fd& errors) {
    std::string text(4096, '\0');
    const ssize_t got = ::read(errors.get(), text.data(), text.size());
    text.resize(got > 0 ? static_cast<usize>(got) : 0);
    Error error{Code::Unavailable, "", ""};
    for (usize at = 0; at < text.size();) {
        const usize end = std::min(text.find('\n', at), text.size());
        std::string line = text.substr(at, end - at);
        at = end + 1;
        if (line.starts_with("hint: "))
            error.hint = line.substr(6);
        else if (!line.empty())
            error.message = line;
    }
    if (error.message.empty()) error.message = "astra-libvirt ended before the domain ran";
    return error;
}

std::string make_name() { return fmt::format("astra-{:08x}", std::random_device()()); }

class LibvirtEngine : public Engine {
  public:
    LibvirtEngine(std::string helper, std::string uri, Accelerator accelerator)
        : helper_(std::move(helper)), uri_(std::move(uri)), accelerator_(accelerator) {}
    [[nodiscard]] std::string_view name() const override { return "libvirt"; }
    [[nodiscard]] std::string_view program() const override { return "astra-libvirt"; }
    [[nodiscard]] Result<Machine> launch(const MachineSpec& spec) const override;
    [[nodiscard]] MachineEnd end_of(int wait_status) const override;
    void suspend(const Process& process, bool stopped) const override {
        process.send(stopped ? SIGUSR1 : SIGUSR2);
    }

  private:
    std::string helper_, uri_;
    Accelerator accelerator_;
};

Result<Machine> LibvirtEngine::launch(const MachineSpec& spec) const {
    const MeetingFolder folder = TRY(MeetingFolder::create());
    const Fd control = TRY(folder.listen("control")), console = TRY(folder.listen("console")),
             log = TRY(folder.listen("log"));
    const DomainSpec domain{
        .name = make_name(), .folder = folder.path(), .kvm = accelerator_ == Accelerator::Kvm};
    MachineSpec machine = spec;
    machine.kernel = TRY(folder.place(spec.kernel, "kernel"));
    if (!spec.image.empty()) machine.image = TRY(folder.place(spec.image, "image"));
    std::string xml = TRY(domain_xml(machine, domain));

    Ends started = TRY(make_pipe()), errors = TRY(make_pipe());
    ProcessSpec child{
        .program = helper_,
        .arguments = {uri_, domain.kvm ? "kvm" : "qemu",
                      std::string(control::name_in(control::kMachineNames, spec.type)), std::move(xml)},
        .inherited = {},
        .errors = std::move(errors.theirs)};
    (void)child.inherit(std::move(started.theirs));  // is descriptor 3
    Process process = TRY(Process::start(std::move(child)));

    pollfd wait{started.ours.get(), POLLIN, 0};
    int ready;
    do ready = ::poll(&wait, 1, kStartLimitMs);
    while (ready < 0 && errno == EINTR);
    char byte;
    if (ready == 0)
        return fail(Code::DeadlineExceeded,
                    fmt::format("libvirt did not start the domain within {} s", kStartLimitMs / 1000));
    if (::read(started.ours.get(), &byte, 1) != 1) return std::unexpected(complaint(errors.ours));

    Fd control_end = TRY(accept(control)), console_end = TRY(accept(console)), log_end = TRY(accept(log));
    const u64 ram_bytes = spec.memory_mib << 20;
    SharedMemory ram =
        SharedMemory::adopt(find_ram(control_end, ram_bytes), qemu::ram_segments(spec.type, ram_bytes));
    return Machine{.process = std::move(process),
                   .control = std::move(control_end),
                   .console = std::move(console_end),
                   .log = std::move(log_end),
                   .errors = std::move(errors.ours),
                   .shared = std::move(ram)};
}

MachineEnd LibvirtEngine::end_of(int wait_status) const {
    if (!WIFEXITED(wait_status)) return MachineEnd::Killed;
    // libvirt does not tell QEMU's status; why the guest left came over its control port, if it could.
    return WEXITSTATUS(wait_status) == 0 ? MachineEnd::Clean : MachineEnd::Failed;
}

}  // namespace

std::unique_ptr<Engine> make_libvirt_engine(std::string helper, std::string uri, Accelerator accelerator) {
    return std::make_unique<LibvirtEngine>(std::move(helper), std::move(uri), accelerator);
}

}  // namespace astra::vmm
