// What the daemon and a guest's supervisor say to each other over the guest's socket.
//
// Frames as on the control port (guest_kernel/abi/control.hpp), so that what concerns programs is passed on
// as it is: Spawn, Input, Signal, Resize, FileCall one way, Started, SpawnFailed, Output, Credit, Exited,
// FileReply the other. Tag kMainTag is the guest's own program, other tags are the daemon's. The types below
// are added. When the supervisor closes the socket the guest has ended and its exit record is there. One
// daemon at a time: a new connection replaces the last.
#pragma once
#include <array>

#include "vmm/control/frame.hpp"

namespace astra::vmm::supervisor {

using abi::control::Type;

inline constexpr u64 kMainTag = 1;

// supervisor → daemon
inline constexpr Type kStatus{128};   // StatusMessage, then "engine\0kernel\0"; first, and at every change
inline constexpr Type kConsole{129};  // ConsoleMessage: the console log has grown
inline constexpr Type kWarning{130};  // text
// daemon → supervisor
inline constexpr Type kStop{192};    // StopMessage
inline constexpr Type kKill{193};    // no payload
inline constexpr Type kPause{194};   // no payload
inline constexpr Type kResume{195};  // no payload

struct StatusMessage {
    u32 running;  // the guest's own program has been started
    u32 paused;
    i32 supervisor_pid, machine_pid;
    u64 boot_ns;       // 0: the kernel is not up yet
    i32 counters_fd;   // the supervisor's descriptor of the memfd with the counters; -1: none yet
    u32 input_window;  // bytes of input the guest's own program takes
    u64 counters_offset, counters_length;
};
struct ConsoleMessage {
    u64 end;
};
struct StopMessage {
    u64 grace_ms;
};

/// What a supervisor may send.
inline constexpr std::array kSupervisorRules{
    FrameRule{kStatus, sizeof(StatusMessage), true},
    FrameRule{kConsole, sizeof(ConsoleMessage), false},
    FrameRule{kWarning, 0, true},
    FrameRule{Type::Started, sizeof(abi::control::StartedMessage), false},
    FrameRule{Type::SpawnFailed, sizeof(abi::control::SpawnFailedMessage), false},
    FrameRule{Type::Exited, sizeof(abi::control::ExitedMessage), false},
    FrameRule{Type::Output, sizeof(abi::control::StreamMessage), true},
    FrameRule{Type::Credit, sizeof(abi::control::CreditMessage), false},
    FrameRule{Type::FileReply, sizeof(abi::control::FileReplyMessage), true},
};
/// What a daemon may send.
inline constexpr std::array kDaemonRules{
    FrameRule{Type::Spawn, sizeof(abi::control::SpawnMessage), true},
    FrameRule{Type::Input, sizeof(abi::control::StreamMessage), true},
    FrameRule{Type::Signal, sizeof(abi::control::SignalMessage), false},
    FrameRule{Type::Resize, sizeof(abi::control::ResizeMessage), false},
    FrameRule{Type::FileCall, sizeof(abi::control::FileCallMessage), true},
    FrameRule{kStop, sizeof(StopMessage), false},
    FrameRule{kKill, 0, false},
    FrameRule{kPause, 0, false},
    FrameRule{kResume, 0, false},
};

}  // namespace astra::vmm::supervisor
