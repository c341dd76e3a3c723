// Local files to a TAR and back, through libarchive, in pieces that suit a stream.
#pragma once
#include <functional>
#include <span>
#include <string>

#include "control_proto/error.hpp"

namespace astra::cli {

/// Takes bytes of the archive; false ends the packing.
using PieceSink = std::function<bool(std::span<const char> bytes)>;
/// Yields the archive's next bytes; empty: its end.
using PieceSource = std::function<std::string()>;

/// Packs the file or tree at `path` as member `name`. Owners become root's unless `keep_owner`. Symbolic
/// links are packed as such. Errors: what cannot be read.
[[nodiscard]] control::Result<void> pack(const std::string& path, const std::string& name, bool keep_owner,
                                         const PieceSink& sink);

/// Unpacks an archive into `folder`, which becomes the current directory; its first member's first component
/// is called `name` there. Nothing leaves the folder, whatever the archive says. Owners, set-id bits and
/// devices are left out unless `keep_owner`. Errors: a damaged or malicious archive, and what cannot be
/// written.
[[nodiscard]] control::Result<void> unpack(const PieceSource& source, const std::string& folder,
                                           const std::string& name, bool keep_owner);

}  // namespace astra::cli
