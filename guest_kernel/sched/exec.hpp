// Executing programs: execve(2), and what spawn() shares with it.
#pragma once
#include "guest_kernel/sched/process.hpp"

namespace astra::sched {

/// Strings one after the other, each with its terminator: arguments or environment.
class StringBlock {
  public:
    /// Errors: ENOMEM.
    Result<void> add(std::string_view text);
    /// Replaces the first string (if any) by `strings`.
    Result<void> replace_first(std::span<const std::string_view> strings);
    [[nodiscard]] std::string_view first() const;
    [[nodiscard]] u32 count() const { return count_; }
    [[nodiscard]] std::span<const char> bytes() const { return {bytes_.data(), bytes_.size()}; }

  private:
    Vector<char> bytes_;
    u32 count_ = 0;
};

struct ExecRequest {
    String path;             // as the program was named: AT_EXECFN and, without directories, its name
    Ref<fs::File> file;      // execveat(2) of a descriptor: what to run; `path` is only its name
    bool no_follow = false;  // a symbolic link at the end of `path` is refused (ELOOP)
    StringBlock arguments, environment;
};

/// Longest single argument or variable, terminator included (MAX_ARG_STRLEN).
inline constexpr usize kMostArgument = 128 * 1024;
/// How much arguments and environment may take in all, pointers included: a quarter of the stack's limit,
/// within bounds (execve(2), "Limits on size of arguments and environment").
u64 argument_limit(u64 stack_limit);

/// Replaces the current process's program by the one at `request.path`, seen from `base`: the other threads
/// end, the current thread's registers point at the new program's first instruction. Errors leave everything
/// as it was: ENOENT, EACCES, ENOEXEC, E2BIG, ELOOP, ENOMEM, …
Result<void> execute(const fs::Path& base, ExecRequest request);

}  // namespace astra::sched
