// The samples do what they show: each is run as a child.
#include "guest_runtime/fs/fs.hpp"
#include "guest_runtime/http/client.hpp"
#include "guest_runtime/process/command.hpp"
#include "guest_runtime/thread/thread.hpp"
#include "tests/guest/runtime/check.hpp"

using namespace astra;
using namespace astra::test;
using process::Command;

namespace {

io::Result<void> specification() {
    auto out = TRY(Command("/bin/read_file").output());
    check("read_file", out.status.success() &&
                           out.stdout_text().find("Content: <!DOCTYPE html>") != std::string_view::npos);
    out = TRY(Command("/bin/read_file").arg("/none").output());
    check("read_file of nothing", out.status.code() == 1);
    equal("says why", out.stderr_text(), "Error: No such file or directory (os error 2)\n");
    equal("counter", TRY(Command("/bin/counter").output()).stdout_text(), "Result: 400\n");
    out = TRY(Command("/bin/measure_time").output());
    check("measure_time",
          out.status.success() && out.stdout_text().find("Slept 1") != std::string_view::npos);
    equal("hello", TRY(Command("/bin/hello").output()).stdout_text(), "hello, world\n");
    equal("hello, position independent", TRY(Command("/bin/hello_pie").output()).stdout_text(),
          "hello, world\n");
    constexpr usize kElfType = 16;
    auto elf = TRY(fs::read("/bin/hello_pie"));
    check("which it is (ET_DYN)", elf[kElfType] == 3);
    out = TRY(Command("/bin/parity").output());
    check("parity",
          out.stdout_text().find("Mutex::lock()") != std::string_view::npos && out.status.success());
    return {};
}

io::Result<void> shell() {
    auto sh = [](std::string_view line) -> io::Result<String> {
        auto out = TRY(Command("/bin/shell").args({"-c", line}).output());
        return format("{}{}{}", out.stdout_text(), out.stderr_text(), out.status.code().value_or(-1));
    };
    equal("a command", TRY(sh("hello")).view(), "hello, world\n0");
    equal("a pipeline to a file and back", TRY(sh("hello | rt_process cat > /tmp/rt_sh")).view(), "0");
    equal("the file", TRY(sh("rt_process cat < /tmp/rt_sh | rt_process cat")).view(), "hello, world\n0");
    equal("appending", TRY(sh("hello >> /tmp/rt_sh")).view(), "0");
    equal("both lines", TRY(fs::read_to_string("/tmp/rt_sh")).view(), "hello, world\nhello, world\n");
    TRY(fs::remove_file("/tmp/rt_sh"));
    equal("quotes and variables", TRY(sh("rt_process echo-arguments 'a $b' \"$NONE-$?\" # c")).view(),
          "\"rt_process\"\n\"echo-arguments\"\n\"a $b\"\n\"-0\"\n0");
    equal("the status", TRY(sh("rt_process exit 9")).view(), "9");
    check("what is not there", TRY(sh("nonesuch")).view().ends_with("127"));
    equal("a quote left open", TRY(sh("hello 'x")).view(), "shell: a quote is not closed\n1");
    return {};
}

io::Result<void> server() {
    auto server = TRY(
        Command("/bin/http_server").args({"127.0.0.1:8098", "/"}).stdout_(process::Stdio::piped()).spawn());
    u8 first[7];
    TRY(server.stdout_pipe->read_exact(first));  // it listens
    auto out = TRY(Command("/bin/http_get").arg("http://127.0.0.1:8098/index.html").output());
    check("http_get",
          out.stdout_text().starts_with("<!DOCTYPE html>") && out.stderr_text().starts_with("200 OK"));
    http::Client client;
    auto get = [&](std::string_view path) -> io::Result<http::Response> {
        String url = TRY(format("http://127.0.0.1:8098{}", path));
        return client.get(url);
    };
    check("its directory has an index", TRY(get("/")).text().starts_with("<!DOCTYPE html>"));
    check("a list of a directory", TRY(get("/etc")).text().find("hosts") != std::string_view::npos);
    equal("nothing above the root", TRY(get("/../../../etc/none")).status, 404);
    equal("a bad name", TRY(get("/%zz")).status, 400);
    equal("HEAD", TRY(client.send("http://127.0.0.1:8098/", {.method = "HEAD", .headers = {}})).body.size(),
          0u);
    equal("another method",
          TRY(client.send("http://127.0.0.1:8098/", {.method = "PUT", .headers = {}})).status, 405);
    TRY(server.kill());
    TRY(server.wait());
    return {};
}

}  // namespace

int main() {
    run("specification", specification);
    run("shell", shell);
    run("server", server);
    return finish("rt_samples");
}
