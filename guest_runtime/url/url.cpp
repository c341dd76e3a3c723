// URLs (RFC 3986).
#include "guest_runtime/url/url.hpp"

#include "guest_runtime/fmt/format.hpp"
#include "guest_runtime/net/ip.hpp"
#include "guest_runtime/text/text.hpp"

namespace astra::url {

namespace {

std::unexpected<io::Error> invalid(const char* why) { return io::failure(io::ErrorKind::InvalidInput, why); }

bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_unreserved(char c) {
    return is_alpha(c) || is_digit(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

/// The scheme before the first ':', when what is there is one (RFC 3986, 3.1).
std::optional<text::Halves> split_scheme(std::string_view text) {
    auto halves = text::split_once(text, ":");
    if (!halves || halves->before.empty() || !is_alpha(halves->before[0])) return {};
    for (char c : halves->before)
        if (!is_alpha(c) && !is_digit(c) && c != '+' && c != '-' && c != '.') return {};
    return halves;
}

io::Result<void> append_lower(String& to, std::string_view text) {
    for (char c : text) TRY(to.push_back(text::to_lower(c)));
    return {};
}

/// RFC 3986, 5.2.4, on a path that begins with '/'.
io::Result<String> remove_dot_segments(std::string_view path) {
    String out;
    for (usize at = 0; at < path.size();) {
        usize end = std::min(path.find('/', at + 1), path.size());
        std::string_view segment = path.substr(at, end - at);  // with its leading slash
        bool last = end == path.size();
        if (segment == "/." || segment == "/..") {
            if (segment == "/..") TRY(out.resize(out.empty() ? 0 : out.view().rfind('/')));
            if (last) TRY(out.push_back('/'));
        } else {
            TRY(out.append(segment));
        }
        at = end;
    }
    return out;
}

}  // namespace

u16 Url::default_port() const { return scheme_.view() == "http" ? 80 : scheme_.view() == "https" ? 443 : 0; }

std::optional<u16> Url::port() const {
    if (port_) return port_;
    return default_port() ? std::optional(default_port()) : std::nullopt;
}

io::Result<void> Url::set_authority(std::string_view authority) {
    userinfo_.clear(), host_.clear(), port_.reset();
    if (auto at = text::rsplit_once(authority, "@")) {
        TRY(userinfo_.append(at->before));
        authority = at->after;
    }
    std::string_view port;
    if (authority.starts_with('[')) {
        auto bracket = text::split_once(authority.substr(1), "]");
        if (!bracket || !net::parse_ipv6(bracket->before)) return invalid("invalid IPv6 address in a URL");
        if (!bracket->after.empty() && !bracket->after.starts_with(':'))
            return invalid("invalid port in a URL");
        port = bracket->after.substr(bracket->after.empty() ? 0 : 1);
        authority = bracket->before;
    } else if (auto colon = text::split_once(authority, ":")) {
        port = colon->after;
        authority = colon->before;
    }
    if (authority.empty()) return invalid("a URL without a host");
    for (char c : authority)
        if (!is_unreserved(c) && c != '%' && c != ':') return invalid("invalid host in a URL");
    TRY(append_lower(host_, authority));
    if (!port.empty()) {
        for (char c : port)
            if (!is_digit(c)) return invalid("invalid port in a URL");
        port_ = TRY(text::parse<u16>(port));
    }
    return {};
}

io::Result<void> Url::set_rest(std::string_view rest, std::string_view base_path) {
    fragment_.reset();
    if (auto hash = text::split_once(rest, "#")) {
        fragment_.emplace();
        TRY(fragment_->append(hash->after));
        rest = hash->before;
    }
    std::optional<String> query;
    if (auto mark = text::split_once(rest, "?")) {
        query.emplace();
        TRY(query->append(mark->after));
        rest = mark->before;
    }
    if (rest.empty() && !base_path.empty()) {  // the same document, maybe with another query
        if (query) query_ = std::move(query);
        return {};
    }
    query_ = std::move(query);
    String merged;
    if (!rest.starts_with('/')) {
        TRY(merged.append(base_path.substr(0, base_path.rfind('/') + 1)));
        if (merged.empty()) TRY(merged.push_back('/'));
    }
    TRY(merged.append(rest));
    path_ = TRY(remove_dot_segments(merged));
    return {};
}

io::Result<Url> Url::parse(std::string_view text) {
    for (char c : text)
        if (static_cast<u8>(c) <= 0x20 || c == 0x7f) return invalid("a space or control character in a URL");
    auto scheme = split_scheme(text);
    if (!scheme) return invalid("a URL without a scheme");
    if (!scheme->after.starts_with("//")) return invalid("a URL without a host");
    Url url;
    TRY(append_lower(url.scheme_, scheme->before));
    std::string_view rest = scheme->after.substr(2);
    usize end = std::min(rest.find_first_of("/?#"), rest.size());
    TRY(url.set_authority(rest.substr(0, end)));
    TRY(url.set_rest(rest.substr(end), ""));
    return url;
}

io::Result<Url> Url::join(std::string_view reference) const {
    if (split_scheme(reference)) return parse(reference);
    if (reference.starts_with("//")) {
        String whole = TRY(format("{}:{}", scheme_, reference));
        return parse(whole);
    }
    for (char c : reference)
        if (static_cast<u8>(c) <= 0x20 || c == 0x7f) return invalid("a space or control character in a URL");
    Url url;
    TRY(url.scheme_.append(scheme_));
    TRY(url.userinfo_.append(userinfo_));
    TRY(url.host_.append(host_));
    TRY(url.path_.append(path_));
    url.port_ = port_;
    if (query_) {
        url.query_.emplace();
        TRY(url.query_->append(*query_));
    }
    TRY(url.set_rest(reference, path_));
    return url;
}

io::Result<String> Url::authority() const {
    bool v6 = host_.view().find(':') != std::string_view::npos;
    String text = TRY(format("{}{}{}", v6 ? "[" : "", host_, v6 ? "]" : ""));
    if (port_ && *port_ != default_port()) {
        String port = TRY(format(":{}", *port_));
        TRY(text.append(port));
    }
    return text;
}

io::Result<String> Url::target() const {
    if (query_) return format("{}?{}", path_, *query_);
    return format("{}", path_);
}

void display(fmt::Formatter& out, const Url& url) {
    out.print("{}://", url.scheme());
    if (!url.userinfo().empty()) out.print("{}@", url.userinfo());
    auto authority = url.authority();
    auto target = url.target();
    if (!authority || !target) return;  // no memory
    out.print("{}{}", *authority, *target);
    if (url.fragment()) out.print("#{}", *url.fragment());
}

io::Result<String> percent_encode(std::string_view text) {
    String out;
    for (char c : text) {
        if (is_unreserved(c)) {
            TRY(out.push_back(c));
        } else {
            constexpr char kHex[] = "0123456789ABCDEF";
            const char escape[] = {'%', kHex[static_cast<u8>(c) >> 4], kHex[static_cast<u8>(c) & 15]};
            TRY(out.append({escape, 3}));
        }
    }
    return out;
}

io::Result<String> percent_decode(std::string_view text) {
    String out;
    for (usize i = 0; i < text.size(); i++) {
        char c = text[i];
        if (c == '%') {
            int high = i + 1 < text.size() ? text::hex_value(text[i + 1]) : -1;
            int low = i + 2 < text.size() ? text::hex_value(text[i + 2]) : -1;
            if (high < 0 || low < 0) return invalid("'%' without two hex digits");
            c = static_cast<char>(high << 4 | low);
            i += 2;
        }
        TRY(out.push_back(c));
    }
    return out;
}

}  // namespace astra::url
