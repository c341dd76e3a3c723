// A small shell: words with quotes and $VARIABLES, pipelines, < > >> and 2>, cd, export, exit, $?. shell [-c
// COMMAND]
#include "guest_runtime/env/args.hpp"
#include "guest_runtime/env/env.hpp"
#include "guest_runtime/fmt/format.hpp"
#include "guest_runtime/fs/fs.hpp"
#include "guest_runtime/io/buffered.hpp"
#include "guest_runtime/process/command.hpp"
#include "guest_runtime/stdio/stdio.hpp"
#include "guest_runtime/text/text.hpp"

using namespace astra;

namespace {

int last_status = 0;

struct Word {
    String text;
    bool op = false;  // | < > >> 2>, unquoted
};

io::Result<void> expand(std::string_view& rest, String& to) {
    if (rest.starts_with('?')) {
        rest.remove_prefix(1);
        String number = TRY(format("{}", last_status));
        TRY(to.append(number));
        return {};
    }
    usize end = 0;
    while (end < rest.size() && (rest[end] == '_' || (rest[end] >= '0' && rest[end] <= '9') ||
                                 (text::to_lower(rest[end]) >= 'a' && text::to_lower(rest[end]) <= 'z')))
        end++;
    if (end == 0) {
        TRY(to.push_back('$'));
        return {};
    }
    auto value = env::var(rest.substr(0, end));
    rest.remove_prefix(end);
    if (value) TRY(to.append(*value));
    return {};
}

/// A line's words. InvalidInput for a quote that is not closed.
io::Result<Vector<Word>> split(std::string_view rest) {
    Vector<Word> words;
    Word word;
    bool open = false;  // a word has begun, maybe an empty one between quotes
    auto finish = [&]() -> io::Result<void> {
        if (open) TRY(words.push_back(std::exchange(word, Word())));
        open = false;
        return {};
    };
    char quote = 0;
    while (!rest.empty()) {
        char c = rest[0];
        rest.remove_prefix(1);
        if (c == quote) {
            quote = 0;
        } else if (c == '$' && quote != '\'') {
            open = true;
            TRY(expand(rest, word.text));
        } else if (quote) {
            TRY(word.text.push_back(c));
        } else if (c == '\'' || c == '"') {
            quote = c, open = true;
        } else if (c == '#' && !open) {
            break;
        } else if (text::is_space(c)) {
            TRY(finish());
        } else if (c == '|' || c == '<' || c == '>') {
            bool error = c == '>' && open && word.text.view() == "2";
            if (!error) TRY(finish());
            word.op = open = true;
            TRY(word.text.push_back(c));
            if (c == '>' && !error && rest.starts_with('>')) {
                rest.remove_prefix(1);
                TRY(word.text.push_back('>'));
            }
            TRY(finish());
        } else {
            open = true;
            TRY(word.text.push_back(c));
        }
    }
    if (quote) return io::failure(io::ErrorKind::InvalidInput, "a quote is not closed");
    TRY(finish());
    return words;
}

/// cd, export and exit, which change the shell itself. False when the words are none of them.
io::Result<bool> builtin(Vector<Word>& words) {
    std::string_view name = words[0].text;
    if (name == "cd") {
        String home = env::var("HOME").value_or(String());
        TRY(env::set_current_dir(words.size() > 1 ? words[1].text.view() : home.empty() ? "/" : home.view()));
    } else if (name == "export") {
        for (usize i = 1; i < words.size(); i++)
            if (auto pair = text::split_once(words[i].text, "="))
                TRY(env::set_var(pair->before, pair->after));
    } else if (name == "exit") {
        process::exit(words.size() > 1 ? TRY(text::parse<i32>(words[1].text)) : last_status);
    } else {
        return false;
    }
    last_status = 0;
    return true;
}

io::Result<void> run_line(std::string_view line) {
    auto words = TRY(split(line));
    if (words.empty()) return {};
    if (TRY(builtin(words))) return {};
    Vector<process::Child> children;
    std::optional<process::PipeReader> before;
    for (usize i = 0; i < words.size();) {
        if (words[i].op && words[i].text.view() == "|")
            return io::failure(io::ErrorKind::InvalidInput, "a command is missing");
        process::Command command(words[i++].text);
        if (before) command.stdin_(process::Stdio::from(before->into_fd()));
        before.reset();
        while (i < words.size()) {
            Word& word = words[i++];
            if (!word.op) {
                command.arg(word.text);
                continue;
            }
            if (word.text.view() == "|") {
                if (i == words.size())
                    return io::failure(io::ErrorKind::InvalidInput, "a command is missing");
                auto pipe = TRY(process::pipe());
                command.stdout_(process::Stdio::from(pipe.writer.into_fd()));
                before.emplace(std::move(pipe.reader));
                break;
            }
            if (i == words.size() || words[i].op)
                return io::failure(io::ErrorKind::InvalidInput, "a file name is missing");
            std::string_view name = words[i++].text, op = word.text;
            if (op == "<") {
                command.stdin_(process::Stdio::from(TRY(fs::File::open(name)).into_fd()));
            } else if (op == ">>") {
                auto file = TRY(fs::OpenOptions().append(true).create(true).open(name));
                command.stdout_(process::Stdio::from(file.into_fd()));
            } else {
                auto file = TRY(fs::File::create(name));
                if (op == ">")
                    command.stdout_(process::Stdio::from(file.into_fd()));
                else
                    command.stderr_(process::Stdio::from(file.into_fd()));
            }
        }
        auto child = command.spawn();
        if (child) {
            TRY(children.push_back(std::move(*child)));
            last_status = 0;
        } else {
            eprintln("shell: {}", child.error());
            last_status = child.error().kind() == io::ErrorKind::NotFound ? 127 : 126;
        }
    }
    for (usize i = 0; i < children.size(); i++) {
        auto status = TRY(children[i].wait());
        if (last_status < 126) last_status = status.code().value_or(128 + status.signal().value_or(0));
    }
    return {};
}

void run_or_say(std::string_view line) {
    auto done = run_line(line);
    if (done) return;
    eprintln("shell: {}", done.error());
    last_status = 1;
}

io::Result<void> run() {
    if (args::count() > 2 && args::at(1) == "-c") {
        run_or_say(args::at(2));
        return {};
    }
    bool prompt = stdio::stdin_().is_terminal();
    for (String line;; line.clear()) {
        if (prompt) print("{}$ ", TRY(env::current_dir()));
        if (TRY(stdio::stdin_().read_line(line)) == 0) return {};
        run_or_say(line);
    }
}

}  // namespace

int main() {
    int failed = process::report(run());
    return failed ? failed : last_status;
}
