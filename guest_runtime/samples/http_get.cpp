// The specification's example 2: an HTTP request by hand, then the same by the client. http_get [URL]
#include "guest_runtime/env/args.hpp"
#include "guest_runtime/http/client.hpp"
#include "guest_runtime/process/exit.hpp"
#include "guest_runtime/stdio/stdio.hpp"

using namespace astra;

static io::Result<String> fetch(std::string_view host, std::string_view address) {
    auto stream = TRY(net::TcpStream::connect(address));
    TRY(stream.write_fmt("GET / HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", host));
    String response;
    TRY(stream.read_to_string(response));
    return response;
}

static io::Result<void> run() {
    if (args::count() > 1) {
        auto response = TRY(http::get(args::at(1)));
        eprintln("{} {}, {} bytes", response.status, response.reason, response.body.size());
        return stdio::stdout_().write_all(std::span<const u8>(response.body));
    }
    println("{}", TRY(fetch("example.com", "example.com:80")));
    return {};
}

int main() { return process::report(run()); }
