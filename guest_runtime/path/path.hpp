// Paths are text; these take them apart and put them together (Unix rules, as Rust's std::path).
#pragma once
#include <optional>
#include <string_view>

#include "guest_kernel/base/vector.hpp"
#include "guest_runtime/io/error.hpp"

namespace astra::path {

/// Begins at the root.
constexpr bool is_absolute(std::string_view path) { return path.starts_with('/'); }

/// Goes through a path's components: "/" for the root, then the names. Doubled slashes and "." in the middle
/// are left out; a leading "." stays, as does "..".
class Components {
  public:
    explicit Components(std::string_view path) : rest_(path) {}
    /// The next component; none at the end.
    std::optional<std::string_view> next();
    /// What has not been gone through.
    [[nodiscard]] std::string_view rest() const { return rest_; }

  private:
    std::string_view rest_;
    bool first_ = true;
};

/// The last component when it is a name: "c" of "/b/c/"; none of "/", "" or one that ends in "..".
std::optional<std::string_view> file_name(std::string_view path);
/// Without the last component: "/b" of "/b/c", "" of "c"; none of "/" and "".
std::optional<std::string_view> parent(std::string_view path);
/// The file name without its extension: "a.tar" of "a.tar.gz", ".profile" of ".profile".
std::optional<std::string_view> file_stem(std::string_view path);
/// What follows the file name's last dot: "gz" of "a.tar.gz"; none of ".profile" and "a".
std::optional<std::string_view> extension(std::string_view path);
/// Whether the components of `prefix` are the first of `path`.
bool starts_with(std::string_view path, std::string_view prefix);
/// Whether both have the same components ("/a//b/" and "/a/b").
bool equal(std::string_view a, std::string_view b);

/// `base` with `path` below it; `path` alone when it is absolute.
io::Result<String> join(std::string_view base, std::string_view path);
/// `path` with another file name or extension ("" removes it).
io::Result<String> with_file_name(std::string_view path, std::string_view name);
io::Result<String> with_extension(std::string_view path, std::string_view extension);
/// Components with one slash between them and ".." resolved by name alone (symbolic links are not looked at);
/// never above the root.
io::Result<String> normalize(std::string_view path);
/// `path` made absolute from the working directory, by name alone; links are not followed (fs::canonicalize
/// does).
io::Result<String> absolute(std::string_view path);

}  // namespace astra::path
