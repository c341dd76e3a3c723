// process: children with arguments, environment, directories and pipes. The program is also its own child:
// the first argument says what it shall do then.
#include "guest_runtime/env/args.hpp"
#include "guest_runtime/env/env.hpp"
#include "guest_runtime/fs/fs.hpp"
#include "guest_runtime/process/command.hpp"
#include "guest_runtime/stdio/stdio.hpp"
#include "guest_runtime/sys/constants.hpp"
#include "guest_runtime/text/text.hpp"
#include "guest_runtime/thread/thread.hpp"
#include "guest_runtime/time/time.hpp"
#include "tests/guest/runtime/check.hpp"

using namespace astra;
using namespace astra::test;
using io::ErrorKind;
using process::Command;
using process::Stdio;

namespace {

io::Result<void> play_child(std::string_view role) {
    if (role == "echo-arguments") {
        for (std::string_view a : args::all()) println("{:?}", a);
    } else if (role == "exit") {
        process::exit(static_cast<int>(TRY(text::parse<i32>(args::at(2)))));
    } else if (role == "environment") {
        auto vars = TRY(env::vars());
        for (auto& v : vars) println("{}={}", v.name, v.value);
        println("cwd {}", TRY(env::current_dir()));
    } else if (role == "cat") {
        auto in = stdio::stdin_();
        auto out = stdio::stdout_();
        TRY(io::copy(in, out));
    } else if (role == "noise") {
        for (int i = 0; i < 3000; i++) println("out {:>50}", i), eprintln("err {:>50}", i);
    } else if (role == "sleep") {
        thread::sleep(time::Duration::from_secs(20));
    } else if (role == "abort") {
        process::abort();
    } else if (role == "become") {
        Command next(TRY(env::current_exe()));
        return std::unexpected(next.args({"exit", "5"}).stdin_(Stdio::null()).exec());
    } else if (role == "sigpipe") {
        auto result = stdio::stdout_().write(io::as_bytes("x"));
        eprintln("{}", io::name(result ? ErrorKind::Other : result.error().kind()));
    }
    return {};
}

String self;

Command child(std::string_view role) {
    Command c(self);
    c.arg(role);
    return c;
}

io::Result<void> endings() {
    auto status = TRY(child("exit").arg("0").status());
    check("exit 0 is success", status.success() && status.code() == 0);
    status = TRY(child("exit").arg("7").status());
    check("exit 7 is not", !status.success() && status.code() == 7 && !status.signal());
    status = TRY(child("abort").stderr_(Stdio::null()).status());
    check("abort is signal 6", status.signal() == 6 && !status.code());
    String shown = TRY(format("{}", status));
    equal("an exit status prints", shown.view(), "signal: 6");

    check("exec becomes another program", TRY(child("become").status()).code() == 5);
    fails("exec of nothing", io::Result<void>(std::unexpected(Command("/none").exec())), ErrorKind::NotFound);

    auto sleeper = TRY(child("sleep").spawn());
    check("id", sleeper.id() != process::id() && sleeper.id() > 0);
    check("try_wait of a running one", !TRY(sleeper.try_wait()));
    TRY(sleeper.kill());
    check("kill", TRY(sleeper.wait()).signal() == sys::kSigKill);
    check("wait again answers the same", TRY(sleeper.wait()).signal() == sys::kSigKill);
    fails("kill after wait", sleeper.kill(), ErrorKind::InvalidInput);
    return {};
}

io::Result<void> errors() {
    fails("a program that is not there", Command("/nonexistent").spawn(), ErrorKind::NotFound);
    fails("one that is nowhere in PATH", Command("nonexistent").spawn(), ErrorKind::NotFound);
    fails("a file that is no program", Command("/index.html").spawn(), ErrorKind::PermissionDenied);
    fails("a directory", Command("/tmp").spawn(), ErrorKind::PermissionDenied);
    fails("a working directory that is not there", child("exit").current_dir("/none").spawn(),
          ErrorKind::NotFound);
    fails("an argument with NUL", child("exit").arg(std::string_view("a\0b", 3)).spawn(),
          ErrorKind::InvalidInput);
    check("failed starts leave no children", sys::wait4(-1, nullptr, 0, nullptr) == -10);
    return {};
}

io::Result<void> arguments() {
    auto out = TRY(child("echo-arguments").args({"two words", "", "\xc3\xa4\""}).output());
    String wanted = TRY(format("{:?}\n\"echo-arguments\"\n\"two words\"\n\"\"\n\"ä\\\"\"\n", self));
    equal("arguments arrive", out.stdout_text(), wanted.view());
    out = TRY(Command("/bin/script").arg("x").output());
    equal("scripts run by their interpreter", out.stdout_text(),
          "\"/bin/rt_process\"\n\"echo-arguments\"\n\"/bin/script\"\n\"x\"\n");
    out = TRY(Command("rt_process").env("PATH", "/nowhere:/bin").args({"echo-arguments"}).output());
    check("PATH is searched", out.status.success() && out.stdout_text().starts_with("\"rt_process\""));
    out = TRY(child("echo-arguments").arg0("other").output());
    check("arg0", out.stdout_text().starts_with("\"other\"\n"));
    return {};
}

io::Result<void> environments() {
    TRY(env::set_var("RT_INHERITED", "1"));
    auto out =
        TRY(child("environment").env("RT_OWN", "a=b").env("RT_INHERITED", "2").current_dir("/tmp").output());
    auto has = [&](std::string_view line) { return out.stdout_text().find(line) != std::string_view::npos; };
    check("env and current_dir", has("RT_OWN=a=b\n") && has("RT_INHERITED=2\n") && has("cwd /tmp\n"));
    out = TRY(child("environment").env_remove("RT_INHERITED").output());
    check("env_remove", !has("RT_INHERITED"));
    out = TRY(child("environment").env_clear().env("ONLY", "1").output());
    check("env_clear", out.stdout_text().starts_with("ONLY=1\ncwd "));
    equal("here nothing changed", TRY(env::var("RT_INHERITED")).view(), "1");
    return {};
}

io::Result<void> streams() {
    auto cat = TRY(child("cat").stdin_(Stdio::piped()).stdout_(Stdio::piped()).spawn());
    TRY(cat.stdin_pipe->write_all("through a child"));
    auto out = TRY(cat.wait_with_output());
    equal("stdin to stdout", out.stdout_text(), "through a child");

    out = TRY(child("noise").output());
    equal("both streams whole, more than pipes hold", out.out.size() + out.err.size(), usize{3000 * 55 * 2});

    auto file = TRY(fs::File::create("/tmp/rt_process.out"));
    auto status = TRY(child("echo-arguments").stdout_(Stdio::from(file.into_fd())).status());
    check("stdout to a file", status.success() && TRY(fs::read("/tmp/rt_process.out")).size() > 10);
    TRY(fs::remove_file("/tmp/rt_process.out"));

    auto pipe = TRY(process::pipe());
    auto first = TRY(child("echo-arguments").stdout_(Stdio::from(pipe.writer.into_fd())).spawn());
    out = TRY(child("cat").stdin_(Stdio::from(pipe.reader.into_fd())).output());
    TRY(first.wait());
    check("a pipeline", out.stdout_text().find("echo-arguments") != std::string_view::npos);

    auto broken = TRY(process::pipe());
    { auto drop = std::move(broken.reader); }
    fails("writing to a pipe that nobody reads", broken.writer.write_all("x"), ErrorKind::BrokenPipe);
    auto closed =
        TRY(child("sigpipe").stdout_(Stdio::from(broken.writer.into_fd())).stderr_(Stdio::piped()).output());
    check("is an error, not a signal, in children too",
          closed.status.success() && closed.stderr_text() == "BrokenPipe\n");
    return {};
}

}  // namespace

int main() {
    if (args::count() > 1) return process::report(play_child(args::at(1)));
    auto exe = env::current_exe();
    if (!exe) return process::report(std::unexpected(exe.error()));
    self = std::move(*exe);
    check("process::id", process::id() == static_cast<u32>(sys::getpid()));
    run("endings", endings);
    run("errors", errors);
    run("arguments", arguments);
    run("environments", environments);
    run("streams", streams);
    return finish("rt_process");
}
