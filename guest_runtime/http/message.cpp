// HTTP/1.1 messages. What a peer sends is not trusted.
#include "guest_runtime/http/message.hpp"

namespace astra::http {

namespace {

std::unexpected<io::Error> malformed(const char* what) {
    return io::failure(io::ErrorKind::InvalidData, what);
}

/// RFC 9110, 5.6.2: what names of methods and fields consist of.
bool is_token(std::string_view text) {
    constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
    for (char c : text) {
        bool alnum = (c >= '0' && c <= '9') || (text::to_lower(c) >= 'a' && text::to_lower(c) <= 'z');
        if (!alnum && kMarks.find(c) == std::string_view::npos) return false;
    }
    return !text.empty();
}

io::Result<int> parse_version(std::string_view text) {
    if (text == "HTTP/1.1") return 1;
    if (text == "HTTP/1.0") return 0;
    return malformed("not HTTP/1.0 or HTTP/1.1");
}

bool kept(int minor_version, const Headers& headers) {
    if (headers.has_token("connection", "close")) return false;
    return minor_version >= 1 || headers.has_token("connection", "keep-alive");
}

}  // namespace

io::Result<void> Headers::append(std::string_view name, std::string_view value) {
    if (!is_token(name))
        return io::failure(io::ErrorKind::InvalidInput, "invalid name of an HTTP header field");
    if (value.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos)
        return io::failure(io::ErrorKind::InvalidInput, "invalid value of an HTTP header field");
    Field field;
    TRY(field.name.append(name));
    TRY(field.value.append(text::trim(value)));
    TRY(fields_.push_back(std::move(field)));
    return {};
}

std::optional<std::string_view> Headers::get(std::string_view name) const {
    for (const Field& field : fields_)
        if (text::equal_ignoring_case(field.name, name)) return field.value.view();
    return {};
}

bool Headers::has_token(std::string_view name, std::string_view token) const {
    for (const Field& field : fields_) {
        if (!text::equal_ignoring_case(field.name, name)) continue;
        for (std::string_view word : text::Split(field.value, ','))
            if (text::equal_ignoring_case(text::trim(word), token)) return true;
    }
    return false;
}

bool RequestHead::keep_alive() const { return kept(minor_version, headers); }

bool Response::keep_alive() const {
    // A body that lasts to the end of the stream uses the connection up.
    bool bounded = headers.get("content-length") || headers.has_token("transfer-encoding", "chunked") ||
                   status == 204 || status == 304;
    return bounded && kept(minor_version, headers);
}

io::Result<RequestHead> parse_request_line(std::string_view line) {
    auto first = text::split_once(line, " ");
    auto last = text::rsplit_once(line, " ");
    if (!first || last->before.size() <= first->before.size())
        return malformed("malformed HTTP request line");
    std::string_view target = last->before.substr(first->before.size() + 1);
    if (!is_token(first->before) || target.empty() || target.find(' ') != std::string_view::npos)
        return malformed("malformed HTTP request line");
    RequestHead request;
    request.minor_version = TRY(parse_version(last->after));
    TRY(request.method.append(first->before));
    TRY(request.target.append(target));
    return request;
}

io::Result<Response> parse_status_line(std::string_view line) {
    auto version = text::split_once(line, " ");
    if (!version || version->after.size() < 3) return malformed("malformed HTTP status line");
    std::string_view code = version->after.substr(0, 3), reason = version->after.substr(3);
    if (!reason.empty() && reason[0] != ' ') return malformed("malformed HTTP status line");
    auto status = text::parse<u16>(code);
    if (!status || *status < 100) return malformed("malformed HTTP status line");
    Response response;
    response.minor_version = TRY(parse_version(version->before));
    response.status = *status;
    TRY(response.reason.append(text::trim(reason)));
    return response;
}

io::Result<void> parse_field(std::string_view line, Headers& headers) {
    auto halves = text::split_once(line, ":");
    if (!halves || !is_token(halves->before)) return malformed("malformed HTTP header field");
    auto added = headers.append(halves->before, halves->after);
    if (!added && added.error().kind() == io::ErrorKind::InvalidInput)
        return malformed("malformed HTTP header field");
    return added;
}

io::Result<BodyLength> body_length(const Headers& headers) {
    BodyLength length;
    if (auto coding = headers.get("transfer-encoding")) {
        if (!text::equal_ignoring_case(*coding, "chunked"))
            return malformed("unknown HTTP transfer encoding");
        length.chunked = true;
    }
    for (const Headers::Field& field : headers.fields()) {
        if (!text::equal_ignoring_case(field.name, "content-length")) continue;
        std::string_view digits = field.value;
        auto bytes = text::parse<u64>(digits);
        if (!bytes || digits.starts_with('+')) return malformed("malformed HTTP content length");
        if (length.chunked || (length.bytes && *length.bytes != *bytes))
            return malformed("contradicting lengths of an HTTP body");
        length.bytes = *bytes;
    }
    return length;
}

io::Result<u64> parse_chunk_size(std::string_view line) {
    std::string_view digits = text::trim(line.substr(0, line.find(';')));
    auto size = text::parse<u64>(digits, 16);
    if (!size || digits.starts_with('+')) return malformed("malformed HTTP chunk");
    return *size;
}

}  // namespace astra::http
