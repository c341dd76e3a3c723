// HTTP/1.1 messages (RFC 9110, RFC 9112): header fields, requests, responses and their bodies, from anything
// that reads.
#pragma once
#include <optional>

#include "guest_runtime/io/buffered.hpp"
#include "guest_runtime/text/text.hpp"

namespace astra::http {

/// Header fields in their order; names are compared without regard to case.
class Headers {
  public:
    struct Field {
        String name, value;
    };
    /// Adds a field. InvalidInput when name or value cannot be sent as they are (line ends, a name that is no
    /// token).
    io::Result<void> append(std::string_view name, std::string_view value);
    /// The first field of that name.
    [[nodiscard]] std::optional<std::string_view> get(std::string_view name) const;
    /// Whether one of the comma-separated words of any such field is `token`.
    [[nodiscard]] bool has_token(std::string_view name, std::string_view token) const;
    [[nodiscard]] const Vector<Field>& fields() const { return fields_; }

  private:
    Vector<Field> fields_;
};

/// What bounds a message that a peer sends.
inline constexpr usize kMaxLine = 16 * 1024, kMaxFields = 256, kMaxBody = 256 * 1024 * 1024;

struct RequestHead {
    String method, target;
    int minor_version = 1;  // HTTP/1.0 or 1.1
    Headers headers;
    /// Whether the connection is kept after this (RFC 9112, 9.3).
    [[nodiscard]] bool keep_alive() const;
};
struct Response {
    int status = 0;
    int minor_version = 1;
    String reason;
    Headers headers;
    Vector<u8> body;
    [[nodiscard]] std::string_view text() const { return io::as_text(body); }
    [[nodiscard]] bool keep_alive() const;
};

/// "GET /x HTTP/1.1". InvalidData for anything else.
io::Result<RequestHead> parse_request_line(std::string_view line);
/// "HTTP/1.1 200 OK".
io::Result<Response> parse_status_line(std::string_view line);
/// "name: value" into `headers`. InvalidData for white space before the colon and continued lines (RFC
/// 9112, 5.1, 5.2).
io::Result<void> parse_field(std::string_view line, Headers& headers);
/// How the body ends (RFC 9112, 6.3): chunked, a length, or neither. InvalidData for lengths that contradict
/// each other and for both at once, which smuggles requests.
struct BodyLength {
    bool chunked = false;
    std::optional<u64> bytes;
};
io::Result<BodyLength> body_length(const Headers& headers);
/// A chunk's size line; extensions are ignored.
io::Result<u64> parse_chunk_size(std::string_view line);

/// A line without its end; none when the stream ended before its first byte. InvalidData above kMaxLine.
template <class R>
io::Result<std::optional<String>> read_head_line(io::BufReader<R>& in) {
    Vector<u8> bytes;
    for (u8 last = 0; last != '\n';) {
        auto ready = TRY(io::retry([&] { return in.fill_buf(); }));
        if (ready.empty()) {
            if (bytes.empty()) return std::nullopt;
            return io::failure(io::ErrorKind::UnexpectedEof, "an HTTP message ended in its head");
        }
        usize end = io::as_text(ready).find('\n');
        usize count = end == std::string_view::npos ? ready.size() : end + 1;
        if (bytes.size() + count > kMaxLine)
            return io::failure(io::ErrorKind::InvalidData, "an HTTP line is too long");
        last = ready[count - 1];
        TRY(bytes.append(ready.first(count)));
        in.consume(count);
    }
    std::string_view line = io::as_text(bytes).substr(0, bytes.size() - 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    String text;
    TRY(text.append(line));
    return std::optional<String>(std::move(text));
}

/// Header fields (or a chunked body's trailers) up to the empty line.
template <class R>
io::Result<void> read_fields(io::BufReader<R>& in, Headers& headers) {
    for (usize count = 0;; count++) {
        auto line = TRY(read_head_line(in));
        if (!line) return io::failure(io::ErrorKind::UnexpectedEof, "an HTTP message ended in its head");
        if (line->empty()) return {};
        if (count == kMaxFields)
            return io::failure(io::ErrorKind::InvalidData, "too many HTTP header fields");
        TRY(parse_field(*line, headers));
    }
}

/// A body of a known length.
template <class R>
io::Result<void> read_exactly(io::BufReader<R>& in, u64 count, Vector<u8>& to) {
    if (count > kMaxBody || to.size() + count > kMaxBody)
        return io::failure(io::ErrorKind::InvalidData, "an HTTP body is too long");
    while (count > 0) {
        auto ready = TRY(io::retry([&] { return in.fill_buf(); }));
        if (ready.empty()) return io::failure(io::ErrorKind::UnexpectedEof, "an HTTP body ended early");
        usize part = std::min<u64>(count, ready.size());
        TRY(to.append(ready.first(part)));
        in.consume(part);
        count -= part;
    }
    return {};
}

/// A message's body. Without a length it is empty, or for a response (`to_end`) everything up to the end.
template <class R>
io::Result<void> read_body(io::BufReader<R>& in, Headers& headers, bool to_end, Vector<u8>& to) {
    auto length = TRY(body_length(headers));
    if (length.bytes) return read_exactly(in, *length.bytes, to);
    if (!length.chunked) {
        if (to_end) TRY(in.read_to_end(to));
        return {};
    }
    for (;;) {
        auto line = TRY(read_head_line(in));
        if (!line) return io::failure(io::ErrorKind::UnexpectedEof, "an HTTP body ended early");
        u64 size = TRY(parse_chunk_size(*line));
        if (size == 0) break;
        TRY(read_exactly(in, size, to));
        auto end = TRY(read_head_line(in));
        if (!end || !end->empty()) return io::failure(io::ErrorKind::InvalidData, "malformed HTTP chunk");
    }
    Headers trailers;  // read, and not used
    return read_fields(in, trailers);
}

/// A response to a request with this method; interim (1xx) ones are passed over. None when the connection was
/// closed before the first byte.
template <class R>
io::Result<std::optional<Response>> read_response(io::BufReader<R>& in, std::string_view method) {
    for (;;) {
        auto line = TRY(read_head_line(in));
        if (!line) return std::nullopt;
        Response response = TRY(parse_status_line(*line));
        TRY(read_fields(in, response.headers));
        if (response.status / 100 == 1) continue;
        bool none = method == "HEAD" || response.status == 204 || response.status == 304;
        if (!none) TRY(read_body(in, response.headers, true, response.body));
        return std::optional<Response>(std::move(response));
    }
}

/// A request's head; none when the connection was closed before the first byte.
template <class R>
io::Result<std::optional<RequestHead>> read_request(io::BufReader<R>& in) {
    auto line = TRY(read_head_line(in));
    if (!line) return std::nullopt;
    RequestHead request = TRY(parse_request_line(*line));
    TRY(read_fields(in, request.headers));
    return std::optional<RequestHead>(std::move(request));
}

}  // namespace astra::http
