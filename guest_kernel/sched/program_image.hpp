// Building a program in a fresh address space: its segments, its interpreter, its first stack.
#pragma once
#include "guest_kernel/sched/elf.hpp"
#include "guest_kernel/sched/exec.hpp"

namespace astra::sched {

/// What a loaded program and its interpreter look like in memory.
struct LoadedProgram {
    UserAddr start;            // first instruction: the interpreter's when there is one
    UserAddr entry;            // AT_ENTRY: the program's own
    UserAddr program_headers;  // AT_PHDR
    u16 program_header_count = 0;
    UserAddr interpreter_base;  // AT_BASE; null without one
    UserAddr heap_start;
    Abi abi = Abi::Linux;
    bool executable_stack = false;
};

/// Maps the ELF file and, when it names one, its interpreter. Errors: ENOEXEC, ENOMEM, and what opening the
/// interpreter says.
Result<LoadedProgram> load_program(mm::AddressSpace& space, Ref<fs::File> file);
/// Opens a file for execution; nobody can write to it while the answer lives. Errors: EACCES (not regular,
/// not executable, a noexec mount), ETXTBSY (open for writing), as path_resolution(7); ELOOP for a link where
/// none is to be followed.
Result<Ref<fs::File>> open_program(const fs::Path& base, std::string_view path, bool no_follow = false);
/// The same for a file that some descriptor has open already.
Result<Ref<fs::File>> reopen_program(fs::File& file);
/// Reads exactly to.size() bytes at `offset`. Errors: ENOEXEC when the file ends before.
Result<void> read_program(fs::File& file, u64 offset, std::span<u8> to);

/// Identity of the new program, for the auxiliary vector.
struct StackFacts {
    Credentials credentials;
    bool secure = false;  // AT_SECURE: set-user-ID or set-group-ID
    u64 limit = 0;        // RLIMIT_STACK
    UserAddr vdso;        // null: none
};
/// Maps the stack and puts arguments, environment and auxiliary vector there (psABI 3.4.1). Returns the stack
/// pointer. Errors: E2BIG, ENOMEM.
Result<UserAddr> build_stack(mm::AddressSpace& space, const LoadedProgram& program,
                             const ExecRequest& request, const StackFacts& facts);

}  // namespace astra::sched
