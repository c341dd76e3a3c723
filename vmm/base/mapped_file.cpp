// MappedFile: open, fstat, mmap.
#include "vmm/base/mapped_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>

namespace astra::vmm {

Result<MappedFile> MappedFile::open(const std::string& path) {
    Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!fd.valid()) return fail_errno(path);
    struct stat status;
    if (::fstat(fd.get(), &status) < 0) return fail_errno(path);
    if (!S_ISREG(status.st_mode)) return fail(Code::InvalidArgument, path + ": not a regular file");
    if (status.st_size == 0) return fail(Code::InvalidArgument, path + ": is empty");
    usize size = static_cast<usize>(status.st_size);
    usize mapped = align_up(size, kPageSize);
    void* base = ::mmap(nullptr, mapped, PROT_READ, MAP_SHARED, fd.get(), 0);
    if (base == MAP_FAILED) return fail_errno(path);
    return MappedFile(Mapping(base, mapped), size);
}

}  // namespace astra::vmm
