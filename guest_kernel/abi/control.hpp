// The control port: what host and guest kernel say to each other over virtio-console port
// "org.astra.control".
//
// Little-endian, a stream of frames: Header, then `length` payload bytes. The payload is one of the structs
// below, then its variable part. Both sides treat the other's bytes as hostile: a length above kMaxPayload,
// an unknown type or a short payload ends the session (host) or panics (guest).
#pragma once
#include "guest_kernel/base/types.hpp"

namespace astra::abi::control {

inline constexpr char kPortName[] = "org.astra.control";
inline constexpr u32 kVersion = 1;
inline constexpr u32 kMaxPayload = 64 * 1024;
/// Bytes of one stream's input the host may have sent but not yet been credited for.
inline constexpr u32 kStreamWindow = 64 * 1024;

enum class Type : u32 {
    // guest → host
    Hello = 1,        // HelloMessage: first frame, once the kernel can spawn
    Started = 2,      // StartedMessage: answer to Spawn
    SpawnFailed = 3,  // SpawnFailedMessage: answer to Spawn
    Exited = 4,       // ExitedMessage: the spawned program ended (all its output was sent before)
    Panicked = 5,  // PanickedMessage, then text: the report a person reads (registers, backtrace, last calls)
    OutOfMemory = 6,  // OutOfMemoryMessage, then the victim's name
    Output = 7,       // StreamMessage, then bytes
    Credit = 8,       // CreditMessage: the program consumed input
    WrongBuild = 9,   // WrongBuildMessage: this kernel build cannot run on this host
    FileReply = 10,   // FileReplyMessage, then what was asked for: answer to FileCall, in the calls' order
    // host → guest
    Spawn = 64,     // SpawnMessage, then its strings
    Input = 65,     // StreamMessage, then bytes; no bytes: end of file
    Signal = 66,    // SignalMessage
    Resize = 67,    // ResizeMessage
    Shutdown = 68,  // no payload: sync, end every program, leave through the exit doorbell
    FileCall = 69,  // FileCallMessage, then its path (not NUL-terminated), then data
};

struct Header {
    u32 length;  // payload bytes that follow
    Type type;
    u64 tag;  // Spawn's tag comes back in every frame about that program
};

struct HelloMessage {
    u32 version;        // kVersion
    u32 build;          // Build
    u64 counters_phys;  // guest-physical address of the counters region (abi/counters.hpp)
    u64 counters_size;  // bytes
    u64 boot_ns;        // kernel entry → now
    u32 cpus_online;
    u32 reserved;
};

enum class Build : u32 { Isolated = 1, Flat = 2 };

enum class StdioMode : u32 {
    Streams = 0,   // fds 0,1,2 are control-port streams 0,1,2: binary clean, stdout and stderr apart
    Console = 1,   // fds 0,1,2 are /dev/console, a terminal; data goes over stream 0 (in) and 1 (out)
    Terminal = 2,  // the same with a terminal of its own in /dev/pts, which goes with the program
};

struct SpawnMessage {
    StdioMode stdio;
    u16 rows, columns;  // initial window size of a terminal; 0: 24x80
    u32 argc;           // strings follow, each NUL-terminated: cwd, then argc arguments, then envc variables
    u32 envc;
};
struct StartedMessage {
    u32 pid;
    u32 reserved;
    u64 boot_ns;
};
struct SpawnFailedMessage {
    u32 error;
    u32 reserved;
};  // errno
struct ExitedMessage {
    u32 pid;
    u32 wait_status;  // as wait4(2) reports it
    u64 boot_ns;
};
struct PanickedMessage {
    u64 rip;
    u64 boot_ns;
};
struct OutOfMemoryMessage {
    u32 pid;
    u32 reserved;
    u64 resident_bytes;
};
struct StreamMessage {
    u32 stream;
    u32 reserved;
};
struct CreditMessage {
    u32 stream;
    u32 bytes;
};
struct WrongBuildMessage {
    u32 build;
    u32 needed;
};
struct SignalMessage {
    u32 signal;
    u32 reserved;
};  // to the spawned program (its process group on a terminal)
struct ResizeMessage {
    u16 rows, columns;
    u32 reserved;
};

/// What the host may do with the guest's files. Paths are absolute in the kernel's own tree; a symbolic link
/// in the last place is not followed. Files are read and written by offset: there is nothing to open or
/// close.
enum class FileOperation : u32 {
    Look = 0,  // yields FileAttributes, then a symbolic link's target
    List = 1,  // of a directory, from cursor `offset` (0: the start): FileEntry and name, again and again;
               // `next` of the reply is the cursor to go on with; no entries: the end
    Read = 2,  // of a regular file, up to `length` bytes at `offset`; none: the end
    Make = 3,  // what attributes.mode says: a directory, which may be there already, or anything else, which
               // replaces what is there; data: a symbolic link's target. Mode of type 0: another name for the
               // file that the data names
    Write = 4,  // the data at `offset` of a regular file
    Set = 5,    // mode (not of symbolic links), owner and mtime
};
struct FileAttributes {
    u32 mode, uid, gid, links;
    u64 size, inode, device, rdev;  // as stat(2) has them
    i64 mtime_sec;
    u32 mtime_nsec;
    u32 changed;  // 1: it is not as in the image the guest was started from
};
struct FileCallMessage {
    FileOperation operation;
    u32 path_bytes;
    u64 offset;
    u32 length;
    u32 reserved;
    FileAttributes attributes;
};
struct FileReplyMessage {
    u32 error;  // errno; 0: done
    u32 reserved;
    u64 next;
};
struct FileEntry {
    FileAttributes attributes;
    u32 name_bytes;  // that follow
    u32 reserved;
};

static_assert(sizeof(FileAttributes) == 64 && sizeof(FileCallMessage) == 88 && sizeof(FileEntry) == 72);
static_assert(sizeof(Header) == 16 && sizeof(HelloMessage) == 40 && sizeof(SpawnMessage) == 16);

}  // namespace astra::abi::control
