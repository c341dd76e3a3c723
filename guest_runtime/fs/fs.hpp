// Whole files, names and directories (Rust's std::fs functions).
#pragma once
#include "guest_runtime/fs/file.hpp"
#include "guest_runtime/fs/read_dir.hpp"

namespace astra::fs {

/// All bytes of a file; all of its text (InvalidData when it is not UTF-8).
io::Result<Vector<u8>> read(std::string_view path);
io::Result<String> read_to_string(std::string_view path);
/// Makes or replaces a file's contents.
io::Result<void> write(std::string_view path, std::span<const u8> contents);
io::Result<void> write(std::string_view path, std::string_view contents);
/// Copies contents and permissions of a regular file; answers how many bytes. InvalidInput when `from` is
/// none.
io::Result<u64> copy(std::string_view from, std::string_view to);

/// Gives a file another name, replacing a file of that name (rename(2)). CrossesDevices between file systems.
io::Result<void> rename(std::string_view from, std::string_view to);
/// Removes a file's name (unlink(2)); IsADirectory for directories.
io::Result<void> remove_file(std::string_view path);
/// A second name for a file (link(2)).
io::Result<void> hard_link(std::string_view original, std::string_view link);
/// A symbolic link at `link` that says `target` (symlink(2)).
io::Result<void> symlink(std::string_view target, std::string_view link);
/// What a symbolic link says (readlink(2)); InvalidInput when it is none.
io::Result<String> read_link(std::string_view path);
/// The absolute path without links, "." or ".."; NotFound when it leads nowhere.
io::Result<String> canonicalize(std::string_view path);
/// Sets the permission bits (chmod(2)).
io::Result<void> set_permissions(std::string_view path, Permissions permissions);

/// Makes a directory; AlreadyExists when there is something (mkdir(2)).
io::Result<void> create_dir(std::string_view path);
/// Makes a directory and all above it that are missing.
io::Result<void> create_dir_all(std::string_view path);
/// Removes an empty directory (rmdir(2)); DirectoryNotEmpty otherwise.
io::Result<void> remove_dir(std::string_view path);
/// Removes a directory with everything in it. Symbolic links are removed, not followed.
io::Result<void> remove_dir_all(std::string_view path);

}  // namespace astra::fs
