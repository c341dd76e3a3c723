// A guest's files as the daemon reaches them: calls over the control port (abi/control.hpp, FileOperation),
// one after the other. What comes back is the guest's word, and trusted as little as all it says.
#pragma once
#include <deque>
#include <functional>
#include <string>

#include "vmm/daemon/program.hpp"

namespace astra::vmm::daemon {

class FileChannel {
  public:
    using Attributes = abi::control::FileAttributes;
    struct File {
        Attributes attributes{};
        std::string target;  // of a symbolic link
    };
    struct Entry {
        std::string name;  // one component, never "." or ".."
        Attributes attributes{};
    };
    /// Asked while an answer is waited for; an error ends the waiting.
    using Wanted = std::function<Result<void>()>;

    FileChannel(std::shared_ptr<ProgramHost> host, u64 tag) : host_(std::move(host)), tag_(tag) {}
    ~FileChannel() { host_->forget(tag_, false); }
    FileChannel(const FileChannel&) = delete;
    FileChannel& operator=(const FileChannel&) = delete;

    // Paths are absolute in the guest. Errors of all: the guest's own error with the path in front, NotFound
    // and the like; FailedPrecondition when the guest has ended; Corrupt when its answer makes no sense;
    // `wanted`'s.
    [[nodiscard]] Result<File> look(const std::string& path, const Wanted& wanted);
    /// All entries of a directory. Errors: ResourceExhausted above a million.
    [[nodiscard]] Result<std::vector<Entry>> list(const std::string& path, const Wanted& wanted);
    /// Some bytes of a regular file from `offset` on; none at its end.
    [[nodiscard]] Result<std::vector<u8>> read(const std::string& path, u64 offset, const Wanted& wanted);
    /// Makes what attributes.mode says; `data`: a symbolic link's target, or, with a mode without a type, the
    /// path of the file to make another name for.
    [[nodiscard]] Result<void> make(const std::string& path, const Attributes& attributes,
                                    std::string_view data, const Wanted& wanted);
    [[nodiscard]] Result<void> write(const std::string& path, u64 offset, std::span<const u8> bytes,
                                     const Wanted& wanted);
    /// Gives it the mode, owner and mtime.
    [[nodiscard]] Result<void> set(const std::string& path, const Attributes& attributes,
                                   const Wanted& wanted);

    // From the guest.
    void deliver(std::span<const u8> reply);
    void lose();

  private:
    struct Reply {
        u64 next = 0;
        std::vector<u8> bytes;
    };
    [[nodiscard]] Result<Reply> call(abi::control::FileCallMessage message, const std::string& path,
                                     std::span<const u8> data, const Wanted& wanted);

    const std::shared_ptr<ProgramHost> host_;
    const u64 tag_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<std::vector<u8>> replies_;
    bool lost_ = false;
};

}  // namespace astra::vmm::daemon
