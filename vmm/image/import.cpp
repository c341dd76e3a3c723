// Import: from the user's file to the store.
#include "vmm/image/import.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <cstdlib>
#include <memory>

#include "vmm/image/store.hpp"

namespace astra::vmm::image {

namespace {

struct Input {
    Fd fd;
    struct stat status {};
    std::string real_path;
};

Result<Input> open_input(const std::string& path) {
    Input input;
    input.fd.reset(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
    if (!input.fd.valid() || ::fstat(input.fd.get(), &input.status) < 0) return fail_errno(path);
    if (S_ISDIR(input.status.st_mode))
        return fail(Code::InvalidArgument, path + ": is a directory",
                    "pack it first: tar -C " + path + " -cf rootfs.tar .");
    if (S_ISREG(input.status.st_mode) && input.status.st_size == 0)
        return fail(Code::InvalidArgument, path + ": is empty");
    std::unique_ptr<char, decltype(&std::free)> real(::realpath(path.c_str(), nullptr), std::free);
    input.real_path = real ? real.get() : path;
    return input;
}

/// Whether a file was left alone between two looks at it. A pipe always changes.
bool unchanged(const struct stat& a, const struct stat& b) {
    if (!S_ISREG(a.st_mode)) return true;
    return a.st_size == b.st_size && a.st_mtim.tv_sec == b.st_mtim.tv_sec &&
           a.st_mtim.tv_nsec == b.st_mtim.tv_nsec;
}

}  // namespace

Result<ImportedImage> import_image(const std::string& path, const ImportOptions& options) {
    Input input = TRY(open_input(path));
    Store store = TRY(Store::open(options.store));
    auto key = Store::source_key(input.real_path, input.status);
    if (key && options.use_cache)
        if (auto known = store.find_source(*key)) return *known;

    PendingImage pending = TRY(store.begin());
    u64 bytes = S_ISREG(input.status.st_mode) ? static_cast<u64>(input.status.st_size) : 0;
    auto image = normalise(input.fd.get(), bytes, pending.fd(), store.scratch_directory(), options.limits,
                           options.progress);
    if (!image) {
        image.error().message = path + ": " + image.error().message;
        return std::unexpected(std::move(image.error()));
    }
    struct stat after {};
    if (::fstat(input.fd.get(), &after) < 0) return fail_errno(path);
    if (!unchanged(input.status, after))
        return fail(Code::Corrupt, path + ": changed while it was being imported");
    auto imported = TRY(store.commit(std::move(pending), *image));
    if (key) TRY(store.remember(*key, imported.sha256));
    return imported;
}

}  // namespace astra::vmm::image
