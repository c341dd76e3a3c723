// Writing to stderr.
#include "cli/messages.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "cli/terminal.hpp"

namespace astra::cli {

void say_plain(std::string_view text) {
    // A raw terminal does not return the carriage by itself.
    std::string out;
    for (char c : text) {
        if (c == '\n' && RawTerminal::active()) out += '\r';
        out += c;
    }
    for (std::string_view rest = out; !rest.empty();) {
        ssize_t put = ::write(STDERR_FILENO, rest.data(), rest.size());
        if (put > 0)
            rest.remove_prefix(static_cast<size_t>(put));
        else if (put < 0 && errno != EINTR)
            return;  // nowhere left to complain to
    }
}

int print(std::string_view text) {
    while (!text.empty()) {
        ssize_t put = ::write(STDOUT_FILENO, text.data(), text.size());
        if (put < 0 && errno == EINTR) continue;
        if (put <= 0) {
            say(std::string("cannot write to stdout: ") + ::strerror(errno));
            return 1;
        }
        text.remove_prefix(static_cast<size_t>(put));
    }
    return 0;
}

void say(std::string_view line) { say_plain("astra: " + std::string(line) + "\n"); }

void say(const control::Error& error) {
    std::string text = "astra: " + error.message + "\n";
    if (!error.hint.empty()) text += "  hint: " + error.hint + "\n";
    say_plain(text);
}

}  // namespace astra::cli
