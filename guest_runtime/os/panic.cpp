// panic, and the aborts that compiler and C++ library call on their own.
#include "guest_runtime/os/panic.hpp"

#include "guest_runtime/fmt/formatter.hpp"
#include "guest_runtime/process/exit.hpp"
#include "guest_runtime/sys/syscall.hpp"
#include "guest_runtime/thread/name.hpp"

namespace astra {

void panic(std::string_view message, std::source_location where) {
    char text[512];
    fmt::BufferSink sink(text);
    fmt::Formatter out(sink);
    out.print("thread '{}' panicked at {}:{}:\n{}\n", thread::current_name(), where.file_name(), where.line(),
              message);
    sys::write(2, reinterpret_cast<const u8*>(sink.text().data()), sink.text().size());
    process::abort();
}

}  // namespace astra

#ifndef ASTRA_RUNTIME_HOSTED
extern "C" {
[[noreturn]] void abort() { astra::panic("abort"); }
[[noreturn]] void __cxa_pure_virtual() { astra::panic("a pure virtual function was called"); }
}

namespace std {
// What the C++ library calls where it would throw.
[[noreturn]] void __throw_out_of_range_fmt(const char* format, ...) { astra::panic(format); }
[[noreturn]] void __throw_bad_variant_access(const char* what) { astra::panic(what); }
[[noreturn]] void __throw_bad_function_call() { astra::panic("an empty function was called"); }
[[noreturn]] void __throw_length_error(const char* what) { astra::panic(what); }
[[noreturn]] void __throw_logic_error(const char* what) { astra::panic(what); }
[[noreturn]] void __throw_bad_alloc() { astra::panic("out of memory"); }
}  // namespace std
#endif
