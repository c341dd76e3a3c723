// An HTTP server for the files below a directory, a thread for every connection: http_server [HOST:PORT]
// [DIRECTORY]
#include "guest_runtime/env/args.hpp"
#include "guest_runtime/fmt/format.hpp"
#include "guest_runtime/fs/fs.hpp"
#include "guest_runtime/http/message.hpp"
#include "guest_runtime/net/tcp.hpp"
#include "guest_runtime/path/path.hpp"
#include "guest_runtime/process/exit.hpp"
#include "guest_runtime/stdio/print.hpp"
#include "guest_runtime/thread/thread.hpp"
#include "guest_runtime/url/url.hpp"

using namespace astra;

namespace {

struct Type {
    std::string_view extension, type;
};
constexpr Type kTypes[] = {{"html", "text/html"},     {"txt", "text/plain"}, {"css", "text/css"},
                           {"js", "text/javascript"}, {"png", "image/png"},  {"json", "application/json"}};

std::string_view type_of(std::string_view path) {
    auto extension = path::extension(path).value_or("");
    for (const Type& t : kTypes)
        if (t.extension == extension) return t.type;
    return "application/octet-stream";
}

io::Result<void> refuse(net::TcpStream& out, int status, std::string_view reason) {
    return out.write_fmt("HTTP/1.1 {} {}\r\nContent-Length: {}\r\nContent-Type: text/plain\r\n\r\n{}\n",
                         status, reason, reason.size() + 1, reason);
}

/// A page of links to what is in a directory.
io::Result<void> list(net::TcpStream& out, std::string_view path) {
    String page;
    auto directory = TRY(fs::read_dir(path));
    while (auto entry = TRY(directory.next())) {
        auto type = TRY(entry->file_type());
        String name = TRY(url::percent_encode(entry->file_name()));
        std::string_view slash = type.is_dir() ? "/" : "";
        String line = TRY(format("<a href=\"{}{}\">{}{}</a><br>\n", name, slash, name, slash));
        TRY(page.append(line));
    }
    TRY(out.write_fmt("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nContent-Type: text/html\r\n\r\n",
                      page.size()));
    return out.write_all(page);
}

io::Result<void> answer(net::TcpStream& out, const http::RequestHead& request, std::string_view root) {
    bool head = request.method.view() == "HEAD";
    if (!head && request.method.view() != "GET") return refuse(out, 405, "Method Not Allowed");
    std::string_view target = request.target;
    auto decoded = url::percent_decode(target.substr(0, target.find('?')));
    if (!decoded || !path::is_absolute(*decoded) || decoded->view().find('\0') != std::string_view::npos)
        return refuse(out, 400, "Bad Request");
    String below = TRY(path::normalize(*decoded));  // ".." cannot lead above the root
    String path = TRY(path::join(root, below.view().substr(1)));
    auto status = fs::metadata(path);
    if (!status) return refuse(out, 404, "Not Found");
    if (status->is_dir()) {
        if (!target.ends_with('/'))
            return out.write_fmt(
                "HTTP/1.1 301 Moved Permanently\r\nLocation: {}/\r\nContent-Length: 0\r\n\r\n", target);
        String index = TRY(path::join(path, "index.html"));
        if (!TRY(fs::exists(index))) return list(out, path);
        path = std::move(index);
        status = fs::metadata(path);
    }
    auto file = fs::File::open(path);
    if (!file || !status || !status->is_file()) return refuse(out, 403, "Forbidden");
    TRY(out.write_fmt("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nContent-Type: {}\r\n\r\n", status->len(),
                      type_of(path)));
    if (!head) TRY(io::copy(*file, out));
    return {};
}

io::Result<void> serve(net::TcpStream stream, std::string_view root) {
    TRY(stream.set_read_timeout(time::Duration::from_secs(30)));
    auto out = TRY(stream.try_clone());
    io::BufReader in(std::move(stream));
    for (;;) {
        auto request = http::read_request(in);
        if (!request) return refuse(out, 400, "Bad Request");
        if (!*request) return {};
        auto length = TRY(http::body_length((*request)->headers));
        if (length.chunked || length.bytes.value_or(0) > 0) return refuse(out, 413, "Content Too Large");
        TRY(answer(out, **request, root));
        if (!(*request)->keep_alive()) return {};
    }
}

io::Result<void> run() {
    std::string_view address = args::count() > 1 ? args::at(1) : "0.0.0.0:8080";
    std::string_view root = args::count() > 2 ? args::at(2) : "/";
    auto listener = TRY(net::TcpListener::bind(address));
    println("serving {} on {}", root, TRY(listener.local_addr()));
    for (;;) {
        auto accepted = TRY(listener.accept());
        auto shared = TRY(Arc<net::TcpStream>::make(std::move(accepted.stream)));
        auto handle = thread::Builder().name("connection").stack_size(128 * 1024).spawn([shared, root] {
            auto done = serve(std::move(*shared), root);
            if (!done) eprintln("connection: {}", done.error());
        });
        if (!handle) eprintln("no thread for a connection: {}", handle.error());
    }
}

}  // namespace

int main() { return process::report(run()); }
