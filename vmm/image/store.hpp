// The image store: aligned TARs named by their SHA-256, and which file each was imported from.
//
//   <store>/<sha256>.tar        an image, read-only
//   <store>/sources/<key>       a file once imported: the SHA-256 of its image
//   <store>/tmp/                images being written, each locked by its writer
#pragma once
#include <sys/stat.h>

#include <optional>
#include <string>

#include "vmm/base/fd.hpp"
#include "vmm/image/import.hpp"
#include "vmm/image/normalise.hpp"

namespace astra::vmm::image {

/// An image on its way into the store; its file vanishes with it unless it was committed.
class PendingImage {
  public:
    PendingImage(std::string path, Fd fd) : path_(std::move(path)), fd_(std::move(fd)) {}
    PendingImage(PendingImage&&) = default;
    PendingImage& operator=(PendingImage&&) = delete;
    ~PendingImage();
    [[nodiscard]] int fd() const { return fd_.get(); }

  private:
    friend class Store;
    std::string path_;
    Fd fd_;
};

class Store {
  public:
    /// Opens the store at `path` (absolute; empty: state_dir() + "/images"), making it if it is not there,
    /// and removes what importers that died left in it. Errors: those of state_dir() and mkdir(2).
    static Result<Store> open(std::string path);

    /// A key for the file with that path and status: it changes whenever the file may have changed. Nothing
    /// when the file was changed so recently that its time stamps could not tell the next change, or is no
    /// regular file.
    static std::optional<std::string> source_key(const std::string& path, const struct stat& status);

    /// The image imported from the source with that key, if the store has it.
    [[nodiscard]] std::optional<ImportedImage> find_source(const std::string& key) const;
    /// The image with that SHA-256. Errors: NotFound, Corrupt (not an image this version writes).
    [[nodiscard]] Result<ImportedImage> find(const std::string& sha256) const;

    /// A new empty file to write an image to. Errors: those of open(2).
    [[nodiscard]] Result<PendingImage> begin() const;
    /// Makes the written image durable and gives it its name. Errors: those of fsync(2), rename(2).
    [[nodiscard]] Result<ImportedImage> commit(PendingImage pending, const Normalised& image) const;
    /// Notes which image a source gave. Errors: those of writing a file.
    [[nodiscard]] Result<void> remember(const std::string& key, const std::string& sha256) const;

    [[nodiscard]] std::string scratch_directory() const { return path_ + "/tmp"; }

  private:
    explicit Store(std::string path) : path_(std::move(path)) {}
    void sweep() const;
    std::string path_;
};

}  // namespace astra::vmm::image
