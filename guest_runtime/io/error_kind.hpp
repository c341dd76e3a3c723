// The kinds of input/output errors, after Rust's std::io::ErrorKind, and which errno is of which kind.
#pragma once
#include "guest_kernel/abi/errno.hpp"
#include "guest_kernel/base/types.hpp"

namespace astra::io {

// X(kind, description): Rust's names and descriptions.
#define ASTRA_ERROR_KIND_TABLE(X)                                   \
    X(NotFound, "entity not found")                                 \
    X(PermissionDenied, "permission denied")                        \
    X(ConnectionRefused, "connection refused")                      \
    X(ConnectionReset, "connection reset")                          \
    X(HostUnreachable, "host unreachable")                          \
    X(NetworkUnreachable, "network unreachable")                    \
    X(ConnectionAborted, "connection aborted")                      \
    X(NotConnected, "not connected")                                \
    X(AddrInUse, "address in use")                                  \
    X(AddrNotAvailable, "address not available")                    \
    X(NetworkDown, "network down")                                  \
    X(BrokenPipe, "broken pipe")                                    \
    X(AlreadyExists, "entity already exists")                       \
    X(WouldBlock, "operation would block")                          \
    X(NotADirectory, "not a directory")                             \
    X(IsADirectory, "is a directory")                               \
    X(DirectoryNotEmpty, "directory not empty")                     \
    X(ReadOnlyFilesystem, "read-only filesystem or storage medium") \
    X(FilesystemLoop, "filesystem loop or indirection limit")       \
    X(StaleNetworkFileHandle, "stale network file handle")          \
    X(InvalidInput, "invalid input parameter")                      \
    X(InvalidData, "invalid data")                                  \
    X(TimedOut, "timed out")                                        \
    X(WriteZero, "write zero")                                      \
    X(StorageFull, "no storage space")                              \
    X(NotSeekable, "seek on unseekable file")                       \
    X(QuotaExceeded, "quota exceeded")                              \
    X(FileTooLarge, "file too large")                               \
    X(ResourceBusy, "resource busy")                                \
    X(ExecutableFileBusy, "executable file busy")                   \
    X(Deadlock, "deadlock")                                         \
    X(CrossesDevices, "cross-device link or rename")                \
    X(TooManyLinks, "too many links")                               \
    X(InvalidFilename, "invalid filename")                          \
    X(ArgumentListTooLong, "argument list too long")                \
    X(Interrupted, "operation interrupted")                         \
    X(Unsupported, "unsupported")                                   \
    X(UnexpectedEof, "unexpected end of file")                      \
    X(OutOfMemory, "out of memory")                                 \
    X(InProgress, "in progress")                                    \
    X(Other, "other error")                                         \
    X(Uncategorized, "uncategorized error")

enum class ErrorKind : u8 {
#define ASTRA_ERROR_KIND_ENUM(name, text) name,
    ASTRA_ERROR_KIND_TABLE(ASTRA_ERROR_KIND_ENUM)
#undef ASTRA_ERROR_KIND_ENUM
};

/// Rust's description of `kind` ("entity not found").
const char* description(ErrorKind kind);

/// The name of `kind` ("NotFound").
const char* name(ErrorKind kind);

/// The kind of an errno value, as Rust's std decodes it on Unix (library/std/src/sys/pal/unix/mod.rs);
/// Uncategorized for those that have none.
ErrorKind decode_error_kind(int number);

}  // namespace astra::io
