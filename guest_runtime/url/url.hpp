// URLs (RFC 3986): taking them apart, resolving references, percent-encoding.
#pragma once
#include <optional>

#include "guest_kernel/base/vector.hpp"
#include "guest_runtime/io/error.hpp"

namespace astra::fmt {
class Formatter;
}

namespace astra::url {

/// An absolute URL with an authority: scheme://[userinfo@]host[:port]/path[?query][#fragment]. Scheme and
/// host are lower case; the path is at least "/", without "." and ".." segments.
///     auto url = TRY(url::Url::parse("http://example.com:8080/a?b#c"));
class Url {
  public:
    /// InvalidInput for text that is no such URL: a missing scheme or host, a port above 65535, spaces,
    /// control characters.
    static io::Result<Url> parse(std::string_view text);
    /// The URL that a reference ("../x", "//host/y", "?q", "http://…") means here (RFC 3986, 5.2).
    [[nodiscard]] io::Result<Url> join(std::string_view reference) const;

    [[nodiscard]] std::string_view scheme() const { return scheme_; }
    [[nodiscard]] std::string_view userinfo() const { return userinfo_; }
    /// Without the brackets of an IPv6 address.
    [[nodiscard]] std::string_view host() const { return host_; }
    /// The one that is written, or the scheme's (http 80, https 443), or none.
    [[nodiscard]] std::optional<u16> port() const;
    [[nodiscard]] std::string_view path() const { return path_; }
    [[nodiscard]] std::optional<std::string_view> query() const { return view(query_); }
    [[nodiscard]] std::optional<std::string_view> fragment() const { return view(fragment_); }
    /// "host" or "host:port", as the Host header has it: without the scheme's own port.
    [[nodiscard]] io::Result<String> authority() const;
    /// Path and query, as a request line has them.
    [[nodiscard]] io::Result<String> target() const;

  private:
    static std::optional<std::string_view> view(const std::optional<String>& text) {
        return text ? std::optional(text->view()) : std::nullopt;
    }
    io::Result<void> set_authority(std::string_view authority);
    io::Result<void> set_rest(std::string_view rest, std::string_view base_path);
    [[nodiscard]] u16 default_port() const;
    String scheme_, userinfo_, host_, path_;
    std::optional<u16> port_;
    std::optional<String> query_, fragment_;
};

/// The whole URL.
void display(fmt::Formatter& out, const Url& url);

/// Everything but letters, digits and "-._~" as %XX (RFC 3986, 2.1).
io::Result<String> percent_encode(std::string_view text);
/// %XX back to bytes; InvalidInput when two hex digits are missing after a '%'.
io::Result<String> percent_decode(std::string_view text);

}  // namespace astra::url
