// Taking paths apart and putting them together.
#include "guest_runtime/path/path.hpp"

#include "guest_runtime/env/env.hpp"

namespace astra::path {

std::optional<std::string_view> Components::next() {
    bool first = std::exchange(first_, false);
    if (first && rest_.starts_with('/')) {
        std::string_view root = rest_.substr(0, 1);
        rest_.remove_prefix(1);
        return root;
    }
    for (;;) {
        while (rest_.starts_with('/')) rest_.remove_prefix(1);
        if (rest_.empty()) return {};
        std::string_view name = rest_.substr(0, rest_.find('/'));
        rest_.remove_prefix(name.size());
        if (name != "." || first) return name;
    }
}

namespace {

struct Last {
    std::string_view name, before;
};

/// The last component and what is before it, without the slashes between (a root slash stays).
std::optional<Last> last(std::string_view path) {
    Components c(path);
    std::string_view end, before;
    bool any = false, leading_root = false;
    const char* previous_end = path.data();
    while (auto name = c.next()) {
        before = {path.data(), static_cast<usize>(previous_end - path.data())};
        if (leading_root && before.empty()) before = path.substr(0, 1);
        end = *name;
        leading_root |= end == "/";
        previous_end = end.data() + end.size();
        any = true;
    }
    if (!any) return {};
    return Last{end, before};
}

}  // namespace

std::optional<std::string_view> file_name(std::string_view path) {
    auto l = last(path);
    if (!l || l->name == "/" || l->name == "..") return {};
    return l->name == "." ? std::nullopt : std::optional(l->name);
}

std::optional<std::string_view> parent(std::string_view path) {
    auto l = last(path);
    if (!l || l->name == "/") return {};
    return l->before;
}

std::optional<std::string_view> file_stem(std::string_view path) {
    auto name = file_name(path);
    if (!name) return {};
    usize dot = name->rfind('.');
    return dot == std::string_view::npos || dot == 0 ? *name : name->substr(0, dot);
}

std::optional<std::string_view> extension(std::string_view path) {
    auto name = file_name(path);
    if (!name) return {};
    usize dot = name->rfind('.');
    if (dot == std::string_view::npos || dot == 0) return {};
    return name->substr(dot + 1);
}

bool starts_with(std::string_view path, std::string_view prefix) {
    Components a(path), b(prefix);
    while (auto name = b.next())
        if (a.next() != name) return false;
    return true;
}

bool equal(std::string_view a, std::string_view b) {
    Components x(a), y(b);
    for (;;) {
        auto left = x.next(), right = y.next();
        if (left != right) return false;
        if (!left) return true;
    }
}

io::Result<String> join(std::string_view base, std::string_view path) {
    String joined;
    if (!is_absolute(path) && !base.empty()) {
        TRY(joined.append(base));
        if (!base.ends_with('/')) TRY(joined.push_back('/'));
    }
    TRY(joined.append(path));
    return joined;
}

io::Result<String> with_file_name(std::string_view path, std::string_view name) {
    auto l = last(path);
    return join(file_name(path) ? l->before : path, name);
}

io::Result<String> with_extension(std::string_view path, std::string_view extension) {
    auto stem = file_stem(path);
    if (!stem) return join("", path);
    String name;
    TRY(name.append(*stem));
    if (!extension.empty()) {
        TRY(name.push_back('.'));
        TRY(name.append(extension));
    }
    return with_file_name(path, name);
}

io::Result<String> normalize(std::string_view path) {
    Vector<std::string_view> parts;
    Components c(path);
    while (auto name = c.next()) {
        if (*name == ".") continue;
        bool above = parts.empty() || parts.back() == "..";
        if (*name == ".." && !above) {
            if (parts.back() != "/") parts.pop_back();
        } else {
            TRY(parts.push_back(*name));
        }
    }
    String result;
    for (std::string_view part : parts) {
        if (!result.empty() && !result.view().ends_with('/')) TRY(result.push_back('/'));
        TRY(result.append(part));
    }
    if (result.empty()) TRY(result.push_back('.'));
    return result;
}

io::Result<String> absolute(std::string_view path) {
    if (path.empty()) return io::failure(io::ErrorKind::InvalidInput, "cannot make an empty path absolute");
    if (is_absolute(path)) return normalize(path);
    String base = TRY(env::current_dir());
    String whole = TRY(join(base, path));
    return normalize(whole);
}

}  // namespace astra::path
