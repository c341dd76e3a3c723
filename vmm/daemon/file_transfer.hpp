// Whole trees into and out of a running guest, as TARs.
#pragma once
#include "vmm/daemon/file_channel.hpp"
#include "vmm/image/tar_reader.hpp"

namespace astra::vmm::daemon {

/// The file or tree at `path` as a TAR, whose first member is called as path's last component ("." for "/").
/// Errors: FileChannel's; the sink's.
[[nodiscard]] Result<void> copy_out(FileChannel& files, const std::string& path, const image::ByteSink& sink,
                                    const FileChannel::Wanted& wanted);

/// Unpacks the `size` bytes of TAR in `archive` below `directory`; yields how many members there were.
/// Directories that no member makes are made with mode 0755. Errors: InvalidArgument, Corrupt (the archive),
/// FileChannel's. What was unpacked before an error stays.
[[nodiscard]] Result<u64> copy_in(FileChannel& files, const std::string& directory, int archive, u64 size,
                                  const FileChannel::Wanted& wanted);

/// What the guest's root file system has that the image (an aligned TAR) at `image_path` has not, as a
/// container layer: what was made or changed, and ".wh.NAME" for names that are gone (OCI image
/// specification, "Image Layer Filesystem Changeset"). Errors: as copy_out(); Corrupt when the image is
/// damaged.
[[nodiscard]] Result<void> export_changes(FileChannel& files, const std::string& image_path,
                                          const image::ByteSink& sink, const FileChannel::Wanted& wanted);

}  // namespace astra::vmm::daemon
