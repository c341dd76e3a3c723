// Ways to end this process.
#pragma once
#include "guest_runtime/io/error.hpp"

namespace astra::process {

/// Runs what atexit and static objects left to do, then ends all threads with `status` & 0xff
/// (exit_group(2)). Destructors of automatic objects do not run, as with Rust's process::exit.
[[noreturn]] void exit(int status);

/// Ends the process by SIGABRT, nothing is run (abort(3)).
[[noreturn]] void abort();

/// This process's id (getpid(2)).
u32 id();

/// What main returns for the Result of a program's work: 0, or 1 after "Error: …" on stderr.
///     int main() { return astra::process::report(run()); }
int report(const io::Result<void>& result);

}  // namespace astra::process
