// What the runtime's guest tests print: one line a check, "ok" or "FAIL", and a verdict at the end.
#pragma once
#include "guest_runtime/fmt/format.hpp"
#include "guest_runtime/process/exit.hpp"
#include "guest_runtime/stdio/print.hpp"

namespace astra::test {

inline int failures = 0;

inline bool check(std::string_view what, bool good) {
    println("{} {}", good ? "ok  " : "FAIL", what);
    failures += !good;
    return good;
}

/// Got and wanted are equal; both are printed when not.
template <class A, class B>
bool equal(std::string_view what, const A& got, const B& wanted) {
    bool good = check(what, got == wanted);
    if (!good) println("     got {:?}, wanted {:?}", got, wanted);
    return good;
}

/// A Result that is a value.
template <class R>
bool succeeds(std::string_view what, const R& result) {
    bool good = check(what, result.has_value());
    if (!good) println("     {}", io::Error(result.error()));
    return good;
}

/// A Result that is an error of this kind.
template <class R>
bool fails(std::string_view what, const R& result, io::ErrorKind kind) {
    bool good = check(what, !result && result.error().kind() == kind);
    if (!good && result) println("     it succeeded");
    if (!good && !result) println("     {}: {}", io::name(result.error().kind()), result.error());
    return good;
}

/// For a whole test that answers Result<void>.
inline void run(std::string_view name, io::Result<void> (*test)()) {
    auto result = test();
    if (!result) println("FAIL {} ended early: {}", name, result.error());
    failures += !result;
}

/// The verdict, and main's answer.
inline int finish(std::string_view name) {
    println("{}: {}", name, failures ? "FAILED" : "passed");
    return failures ? 1 : 0;
}

}  // namespace astra::test
