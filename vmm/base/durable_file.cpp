// Writing beside the file and renaming over it.
#include "vmm/base/durable_file.hpp"

#include <fcntl.h>

#include <array>

#include "vmm/base/fd.hpp"
#include "vmm/base/io.hpp"

namespace astra::vmm {

Result<void> write_durably(const std::string& path, std::string_view content) {
    std::string scratch = path + ".new";
    Fd file(::open(scratch.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file.valid()) return fail_errno(scratch);
    TRY(write_all(file.get(), {reinterpret_cast<const u8*>(content.data()), content.size()}));
    if (::fsync(file.get()) < 0) return fail_errno(scratch);
    if (::rename(scratch.c_str(), path.c_str()) < 0) return fail_errno(path);
    std::string folder = path.substr(0, path.rfind('/'));
    Fd directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory.valid() || ::fsync(directory.get()) < 0) return fail_errno(folder);
    return {};
}

Result<std::string> read_file(const std::string& path, usize limit) {
    Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.valid()) return fail_errno(path);
    std::string content;
    std::array<char, 16384> buffer;
    for (;;) {
        ssize_t got = ::read(file.get(), buffer.data(), buffer.size());
        if (got == 0) return content;
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail_errno(path);
        content.append(buffer.data(), static_cast<usize>(got));
        if (content.size() > limit) return fail(Code::Corrupt, path + ": is unreasonably long");
    }
}

}  // namespace astra::vmm
