// A guest's files as a TAR that is made while it is sent.
#pragma once
#include <map>

#include "vmm/daemon/file_channel.hpp"
#include "vmm/image/tar_reader.hpp"

namespace astra::vmm::daemon {

class TarStream {
  public:
    /// All of these must outlive the stream.
    TarStream(FileChannel& files, const image::ByteSink& sink, const FileChannel::Wanted& wanted)
        : files_(files), sink_(sink), wanted_(wanted) {}

    /// Writes the file at `path` of the guest as member `name`, data and all; a further name of one that was
    /// written becomes a hard link. Sockets have no place in a TAR: nothing is written. Errors:
    /// FileChannel's, the sink's.
    [[nodiscard]] Result<void> add(const std::string& path, const std::string& name,
                                   const FileChannel::Attributes& attributes);
    /// The same, then all that is below it on the same file system.
    [[nodiscard]] Result<void> add_tree(const std::string& path, const std::string& name,
                                        const FileChannel::Attributes& attributes);
    /// An empty file.
    [[nodiscard]] Result<void> add_marker(const std::string& name);
    /// The end of the archive.
    [[nodiscard]] Result<void> finish();

  private:
    [[nodiscard]] Result<void> put(const image::Member& member, const std::string& name);
    [[nodiscard]] Result<void> put_data(const std::string& path, u64 size);
    [[nodiscard]] Result<std::vector<u8>> read_unsized(const std::string& path);
    [[nodiscard]] Result<void> put_zeros(u64 count);

    FileChannel& files_;
    const image::ByteSink& sink_;
    const FileChannel::Wanted& wanted_;
    std::map<std::pair<u64, u64>, std::string>
        links_;  // device and inode of files with further names: the first
};

/// Joins a directory of the guest and a name in it.
[[nodiscard]] std::string join(const std::string& directory, const std::string& name);

}  // namespace astra::vmm::daemon
