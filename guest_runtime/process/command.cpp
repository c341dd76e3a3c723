// Command: gathering what a program is started with.
#include "guest_runtime/process/command.hpp"

#include "guest_runtime/env/env.hpp"
#include "guest_runtime/process/prepared.hpp"
#include "guest_runtime/text/text.hpp"

namespace astra::process {

namespace {

/// A NUL-terminated copy.
io::Result<String> terminated(std::string_view text) {
    if (text.find('\0') != std::string_view::npos)
        return io::failure(io::ErrorKind::InvalidInput, "nul byte found in provided data");
    String s;
    TRY(s.append(text));
    TRY(s.push_back('\0'));
    return s;
}

}  // namespace

Command::Command(std::string_view program) {
    auto name = terminated(program);
    keep(name ? io::Result<void>() : std::unexpected(name.error()));
    if (name) program_ = std::move(*name);
    arg(program);
}

Command& Command::arg(std::string_view argument) {
    return keep([&]() -> io::Result<void> {
        String copy = TRY(terminated(argument));
        TRY(arguments_.push_back(std::move(copy)));
        return {};
    }());
}

Command& Command::args(std::initializer_list<std::string_view> arguments) {
    for (std::string_view a : arguments) arg(a);
    return *this;
}

Command& Command::arg0(std::string_view name) {
    auto copy = terminated(name);
    if (copy && !arguments_.empty()) arguments_[0] = std::move(*copy);
    return keep(copy ? io::Result<void>() : std::unexpected(copy.error()));
}

Command& Command::env(std::string_view name, std::string_view value) {
    return keep([&]() -> io::Result<void> {
        if (name.empty() || name.find('=') != std::string_view::npos)
            return io::failure(io::ErrorKind::InvalidInput, "invalid name of an environment variable");
        Change change;
        TRY(change.name.append(name));
        change.value.emplace();
        TRY(change.value->append(value));
        TRY(changes_.push_back(std::move(change)));
        return {};
    }());
}

Command& Command::env_remove(std::string_view name) {
    return keep([&]() -> io::Result<void> {
        Change change;
        TRY(change.name.append(name));
        TRY(changes_.push_back(std::move(change)));
        return {};
    }());
}

Command& Command::env_clear() {
    clear_ = true;
    changes_.clear();
    return *this;
}

Command& Command::current_dir(std::string_view path) {
    auto copy = terminated(path);
    if (copy) directory_ = std::move(*copy);
    return keep(copy ? io::Result<void>() : std::unexpected(copy.error()));
}

io::Result<void> Command::prepare(Prepared& p) {
    TRY(io::Result<void>(state_));
    for (String& a : arguments_) TRY(p.argv.push_back(reinterpret_cast<u64>(a.data())));
    TRY(p.argv.push_back(0));

    Vector<env::Variable> variables;
    if (!clear_) variables = TRY(env::vars());
    for (const Change& change : changes_) {
        usize at = 0;
        while (at < variables.size() && variables[at].name.view() != change.name.view()) at++;
        if (at < variables.size()) variables.remove(at);
        if (!change.value) continue;
        env::Variable v;
        TRY(v.name.append(change.name));
        TRY(v.value.append(*change.value));
        TRY(variables.push_back(std::move(v)));
    }
    std::string_view path = "/bin:/usr/bin";
    for (const env::Variable& v : variables) {
        if (v.name.view() == "PATH") path = v.value;
        String text;
        TRY(text.append(v.name));
        TRY(text.push_back('='));
        TRY(text.append(v.value));
        String entry = TRY(terminated(text));
        TRY(p.strings.push_back(std::move(entry)));
        TRY(p.envp.push_back(reinterpret_cast<u64>(p.strings.back().data())));
    }
    TRY(p.envp.push_back(0));

    std::string_view name = program_.view().substr(0, program_.size() - 1);
    if (name.find('/') != std::string_view::npos || name.empty()) {
        TRY(p.candidates.push_back(program_.data()));
    } else {
        for (std::string_view directory : text::Split(path, ':')) {
            String whole;
            TRY(whole.append(directory.empty() ? "." : directory));
            TRY(whole.push_back('/'));
            TRY(whole.append(name));
            String entry = TRY(terminated(whole));
            TRY(p.strings.push_back(std::move(entry)));
            TRY(p.candidates.push_back(p.strings.back().data()));
        }
    }
    if (!directory_.empty()) p.directory = directory_.data();
    return {};
}

io::Result<ExitStatus> Command::status() {
    auto child = TRY(spawn());
    return child.wait();
}

io::Result<Output> Command::output() {
    if (!streams_[0]) stdin_(Stdio::null());
    auto child = TRY(start(Stdio::Kind::Piped));
    return child.wait_with_output();
}

}  // namespace astra::process
