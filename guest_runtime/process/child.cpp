// Waiting for children and listening to them.
#include "guest_runtime/fmt/formatter.hpp"
#include "guest_runtime/process/command.hpp"
#include "guest_runtime/sys/constants.hpp"

namespace astra::process {

void display(fmt::Formatter& out, ExitStatus status) {
    if (auto code = status.code()) return out.print("exit status: {}", *code);
    if (auto signal = status.signal()) return out.print("signal: {}", *signal);
    out.print("wait status: {:#x}", status.into_raw());
}

io::Result<Pipe> pipe() {
    int ends[2];
    TRY(os::check(sys::pipe2(ends, sys::kCloseOnExec)));
    return Pipe{PipeReader(os::OwnedFd(ends[0])), PipeWriter(os::OwnedFd(ends[1]))};
}

io::Result<std::optional<ExitStatus>> Child::wait_for(int options) {
    if (status_) return status_;
    int status = 0;
    i64 pid = TRY(io::retry([&] { return os::check(sys::wait4(pid_, &status, options, nullptr)); }));
    if (pid != 0) status_.emplace(status);
    return status_;
}

io::Result<ExitStatus> Child::wait() {
    stdin_pipe.reset();
    auto status = TRY(wait_for(0));
    return *status;
}

io::Result<std::optional<ExitStatus>> Child::try_wait() { return wait_for(sys::kWaitNoHang); }

io::Result<void> Child::kill() { return signal(sys::kSigKill); }

io::Result<void> Child::signal(int signal) {
    if (status_) return io::failure(io::ErrorKind::InvalidInput, "can't signal an exited process");
    return os::check_done(sys::kill(pid_, signal));
}

io::Result<Output> Child::wait_with_output() {
    stdin_pipe.reset();
    struct Stream {
        std::optional<PipeReader>& pipe;
        Vector<u8> bytes;
    } streams[] = {{stdout_pipe, {}}, {stderr_pipe, {}}};
    while (stdout_pipe || stderr_pipe) {
        abi::PollFd fds[2];
        for (usize i = 0; i < 2; i++)
            fds[i] = {streams[i].pipe ? streams[i].pipe->fd().raw() : -1, sys::kPollIn, 0};
        TRY(io::retry([&] { return os::check(sys::poll(fds, 2, -1)); }));
        for (usize i = 0; i < 2; i++) {
            if (fds[i].revents == 0) continue;
            u8 buffer[4096];
            usize count = TRY(io::retry([&] { return streams[i].pipe->read(buffer); }));
            if (count == 0) streams[i].pipe.reset();
            TRY(streams[i].bytes.append({buffer, count}));
        }
    }
    auto status = TRY(wait());
    return Output{status, std::move(streams[0].bytes), std::move(streams[1].bytes)};
}

}  // namespace astra::process
