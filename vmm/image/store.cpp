// The image store on a file system.
#include "vmm/image/store.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <time.h>

#include <memory>

#include "guest_kernel/abi/image.hpp"
#include "vmm/base/io.hpp"
#include "vmm/base/sha256.hpp"
#include "vmm/base/state_dir.hpp"

namespace astra::vmm::image {

namespace {

// A change within one tick of the kernel's coarse clock (4 ms at 250 Hz, 10 ms at 100 Hz) of the one before
// can leave the time stamps as they were.
constexpr i64 kRacyNs = 20'000'000;

i64 nanoseconds(const timespec& t) { return t.tv_sec * 1'000'000'000 + t.tv_nsec; }

Result<void> sync_directory(const std::string& path) {
    Fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd.valid() || ::fsync(fd.get()) < 0) return fail_errno(path);
    return {};
}

}  // namespace

PendingImage::~PendingImage() {
    if (fd_.valid()) ::unlink(path_.c_str());
}

Result<Store> Store::open(std::string path) {
    if (path.empty()) path = TRY(state_dir()) + "/images";
    Store store(std::move(path));
    TRY(make_directories(store.path_ + "/sources"));
    TRY(make_directories(store.scratch_directory()));
    store.sweep();
    return store;
}

// A writer holds a lock on its file; one that can be locked has lost its writer. Failing to remove one is not
// worth failing an import for: the next import tries again.
void Store::sweep() const {
    std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(scratch_directory().c_str()), ::closedir);
    if (!directory) return;
    while (const dirent* entry = ::readdir(directory.get())) {
        if (entry->d_name[0] == '.') continue;
        std::string path = scratch_directory() + '/' + entry->d_name;
        Fd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
        if (fd.valid() && ::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) ::unlink(path.c_str());
    }
}

std::optional<std::string> Store::source_key(const std::string& path, const struct stat& status) {
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    i64 changed = nanoseconds(status.st_ctim);
    if (!S_ISREG(status.st_mode) || std::abs(nanoseconds(now) - changed) < kRacyNs) return std::nullopt;
    // The index version is part of it: an image of an older format must be made anew.
    auto text = fmt::format("{}\n{}\n{}\n{}\n{}\n{}\n{}\n", abi::image::kVersion, path, status.st_dev,
                            status.st_ino, status.st_size, nanoseconds(status.st_mtim), changed);
    Sha256 digest;
    digest.update({reinterpret_cast<const u8*>(text.data()), text.size()});
    auto key = digest.finish();
    return key ? std::optional(*key) : std::nullopt;
}

std::optional<ImportedImage> Store::find_source(const std::string& key) const {
    Fd fd(::open((path_ + "/sources/" + key).c_str(), O_RDONLY | O_CLOEXEC));
    std::string sha256(64, '\0');
    if (!fd.valid() || !read_at(fd.get(), 0, {reinterpret_cast<u8*>(sha256.data()), sha256.size()}))
        return std::nullopt;
    auto image = find(sha256);
    return image ? std::optional(*std::move(image)) : std::nullopt;
}

Result<ImportedImage> Store::find(const std::string& sha256) const {
    std::string path = path_ + '/' + sha256 + ".tar";
    Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    struct stat status {};
    if (!fd.valid() || ::fstat(fd.get(), &status) < 0) return fail_errno(path);
    abi::image::Header header{};
    TRY(read_at(fd.get(), abi::image::kIndexOffset, {reinterpret_cast<u8*>(&header), sizeof header}));
    if (header.magic != abi::image::kMagic || header.version != abi::image::kVersion ||
        header.image_bytes != static_cast<u64>(status.st_size))
        return fail(Code::Corrupt, path + ": not an image of this version", "remove it and import it again");
    return ImportedImage{
        .path = path, .sha256 = sha256, .bytes = header.image_bytes, .inodes = header.inodes};
}

Result<PendingImage> Store::begin() const {
    for (;;) {
        std::string path = scratch_directory() + "/new.XXXXXX";
        Fd fd(::mkostemp(path.data(), O_CLOEXEC));
        if (!fd.valid()) return fail_errno(path);
        PendingImage pending(path, std::move(fd));
        struct stat status {};
        if (::flock(pending.fd(), LOCK_EX) < 0 || ::fstat(pending.fd(), &status) < 0) return fail_errno(path);
        // Another importer may have swept the file away before it was locked.
        if (status.st_nlink > 0) return pending;
    }
}

Result<ImportedImage> Store::commit(PendingImage pending, const Normalised& image) const {
    std::string path = path_ + '/' + image.sha256 + ".tar";
    if (::fchmod(pending.fd(), 0444) < 0 || ::fsync(pending.fd()) < 0) return fail_errno(pending.path_);
    if (::rename(pending.path_.c_str(), path.c_str()) < 0) return fail_errno(path);
    pending.fd_.reset();
    TRY(sync_directory(path_));
    return ImportedImage{.path = path, .sha256 = image.sha256, .bytes = image.bytes, .inodes = image.inodes};
}

Result<void> Store::remember(const std::string& key, const std::string& sha256) const {
    PendingImage pending = TRY(begin());
    TRY(write_all(pending.fd(), {reinterpret_cast<const u8*>(sha256.data()), sha256.size()}));
    std::string path = path_ + "/sources/" + key;
    if (::rename(pending.path_.c_str(), path.c_str()) < 0) return fail_errno(path);
    pending.fd_.reset();
    return {};
}

}  // namespace astra::vmm::image
