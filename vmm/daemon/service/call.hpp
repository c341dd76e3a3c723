// What every call of the service does the same way: roles, deadlines, errors.
#pragma once
#include <chrono>
#include <future>

#include "vmm/daemon/service/convert.hpp"

namespace astra::vmm::daemon {

/// Whose socket a call came over.
enum class Role { Admin, ReadOnly };

/// How long a call waits before it looks whether its client is still there.
inline constexpr std::chrono::milliseconds kSlice{100};

/// Fails a call that changes something for clients that may not.
inline Result<void> may_change(Role role) {
    if (role == Role::Admin) return {};
    return fail(Code::PermissionDenied, "this socket only answers questions", "use the daemon's admin socket",
                "READ_ONLY");
}

/// Runs `body`, which yields a Result<void>, and answers with its error.
template <class Body>
grpc::Status answer(Body body) {
    Result<void> result = body();
    return result ? grpc::Status::OK : to_status(result.error());
}

/// Whether the client has gone away, or its deadline passed.
inline Result<void> still_wanted(const grpc::ServerContext& context) {
    if (!context.IsCancelled()) return {};
    bool late = context.deadline() <= std::chrono::system_clock::now();
    return late ? fail(Code::DeadlineExceeded, "the deadline passed", "give it more time", "DEADLINE")
                : fail(Code::Cancelled, "the client went away");
}

/// Waits, as long as the client does, until `done` holds for the guest.
inline Result<void> wait_for(const grpc::ServerContext& context, const Guest& guest,
                             const std::function<bool(const GuestInfo&)>& done) {
    while (!guest.wait(kSlice, done)) TRY(still_wanted(context));
    return {};
}

/// Ends a call both sides of which stream: `input`, which reads from the client, ends when the client closes
/// its side after our last message. One that does not do so in time is cut off.
inline void finish_reading(grpc::ServerContext& context, std::future<void>& input) {
    if (input.wait_for(std::chrono::seconds(5)) != std::future_status::ready) context.TryCancel();
    input.get();
}

/// Passes on what a request of Exec.Run or Console.Attach says besides input, waiting a slice for room. False
/// when there was none: the client waits with us.
template <class Request>
bool steer(Program& program, const Request& request) {
    if (request.has_end_of_input()) return program.end_input(kSlice);
    if (request.has_signal()) return program.signal(request.signal(), kSlice);
    if (!request.has_resize()) return true;
    return program.resize(static_cast<u16>(request.resize().rows()),
                          static_cast<u16>(request.resize().columns()), kSlice);
}

inline bool has_ended(const GuestInfo& info) {
    return info.state == GuestState::Ended || info.state == GuestState::Broken;
}

}  // namespace astra::vmm::daemon
