// The environment. Inherited variables are copied at the first use; after that this list is the truth.
#include "guest_runtime/env/env.hpp"

#include "guest_runtime/os/os.hpp"
#include "guest_runtime/start/start.hpp"
#include "guest_runtime/sync/raw_mutex.hpp"
#include "guest_runtime/text/c_string.hpp"
#include "guest_runtime/text/text.hpp"

namespace astra::env {

namespace {

struct Environment {
    sync::RawMutex mutex;
    bool copied = false;
    Vector<Variable> list;

    io::Result<void> copy() {
        if (copied) return {};
        list.clear();
        for (char** entry = start::process_arguments().environment; entry && *entry; entry++) {
            std::string_view text = *entry;
            usize equals = text.find('=', 1);  // a name may begin with one
            if (equals == std::string_view::npos) continue;
            Variable v;
            TRY(v.name.append(text.substr(0, equals)));
            TRY(v.value.append(text.substr(equals + 1)));
            TRY(list.push_back(std::move(v)));
        }
        copied = true;
        return {};
    }
    usize find(std::string_view name) {
        usize i = 0;
        while (i < list.size() && list[i].name.view() != name) i++;
        return i;
    }
};

Environment& environment() {
    static Environment* const only = new Environment;  // never destroyed: used until the very end
    return *only;
}

io::Result<void> check_name(std::string_view name) {
    if (name.empty() || name.find('=', 0) != std::string_view::npos ||
        name.find('\0') != std::string_view::npos)
        return io::failure(io::ErrorKind::InvalidInput, "invalid name of an environment variable");
    return {};
}

}  // namespace

io::Result<String> var(std::string_view name) {
    Environment& e = environment();
    sync::RawGuard guard(e.mutex);
    TRY(e.copy());
    usize at = e.find(name);
    if (at == e.list.size()) return io::failure(io::ErrorKind::NotFound, "environment variable not found");
    String value = TRY(e.list[at].value.clone());
    return value;
}

io::Result<void> set_var(std::string_view name, std::string_view value) {
    TRY(check_name(name));
    if (value.find('\0') != std::string_view::npos)
        return io::failure(io::ErrorKind::InvalidInput,
                           "an environment variable's value contained a NUL byte");
    Variable v;
    TRY(v.name.append(name));
    TRY(v.value.append(value));
    Environment& e = environment();
    sync::RawGuard guard(e.mutex);
    TRY(e.copy());
    usize at = e.find(name);
    if (at == e.list.size())
        TRY(e.list.push_back(std::move(v)));
    else
        e.list[at] = std::move(v);
    return {};
}

io::Result<void> remove_var(std::string_view name) {
    TRY(check_name(name));
    Environment& e = environment();
    sync::RawGuard guard(e.mutex);
    TRY(e.copy());
    if (usize at = e.find(name); at < e.list.size()) e.list.remove(at);
    return {};
}

io::Result<Vector<Variable>> vars() {
    Environment& e = environment();
    sync::RawGuard guard(e.mutex);
    TRY(e.copy());
    Vector<Variable> copy;
    for (const Variable& v : e.list) {
        Variable fresh;
        TRY(fresh.name.append(v.name));
        TRY(fresh.value.append(v.value));
        TRY(copy.push_back(std::move(fresh)));
    }
    return copy;
}

io::Result<String> current_dir() {
    String path;
    TRY(path.resize(4096));
    i64 length = TRY(os::check(sys::getcwd(reinterpret_cast<u8*>(path.data()), path.size())));
    TRY(path.resize(static_cast<usize>(length) - 1));  // the answer counts the NUL
    return path;
}

io::Result<void> set_current_dir(std::string_view path) {
    auto name = TRY(text::CString::from(path));
    return os::check_done(sys::chdir(name.get()));
}

io::Result<String> current_exe() {
    String path;
    TRY(path.resize(4096));
    i64 length = TRY(os::check(sys::readlink("/proc/self/exe", reinterpret_cast<u8*>(path.data()), 4096)));
    TRY(path.resize(static_cast<usize>(length)));
    return path;
}

io::Result<String> temp_dir() {
    if (auto set = var("TMPDIR")) return set;
    String path;
    TRY(path.append("/tmp"));
    return path;
}

}  // namespace astra::env
