// Everything that starting a program needs, made before the child exists: between clone and execve it shares
// this process's memory and must not change it.
#pragma once
#include "guest_runtime/process/command.hpp"

namespace astra::process {

struct Command::Prepared {
    Vector<u64> argv, envp;          // pointers, 0 at the end
    Vector<const char*> candidates;  // paths to try
    Vector<String> strings;          // what the pointers point at
    const char* directory = nullptr;
    os::OwnedFd opened[3];          // what the streams of the child are until it has them
    int streams[3] = {-1, -1, -1};  // descriptors for 0, 1, 2; -1: inherit
    u64 mask = 0;                   // blocked signals to go back to
    int error = 0;                  // errno of the child's failure

    /// In the child (or before exec): streams, directory, signals, execve. Answers when it failed.
    void become();
};

}  // namespace astra::process
