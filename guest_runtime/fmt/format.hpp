// format: formatted text as a String.
#pragma once
#include "guest_kernel/base/vector.hpp"
#include "guest_runtime/fmt/formatter.hpp"
#include "guest_runtime/io/error.hpp"

namespace astra {

namespace fmt {

/// Appends to a String; false when there is no memory.
class StringSink final : public Sink {
  public:
    explicit StringSink(String& to) : to_(to) {}
    bool write(std::string_view text) override { return to_.append(text).has_value(); }

  private:
    String& to_;
};

}  // namespace fmt

/// Text by a format string that is checked at compile time (fmt/spec.hpp): `TRY(format("{}-{:02}", a, b))`.
/// OutOfMemory when there is none.
template <class... Args>
io::Result<String> format(fmt::Format<Args...> format, const Args&... arguments) {
    String text;
    fmt::StringSink sink(text);
    fmt::Formatter out(sink);
    out.print<Args...>(format, arguments...);
    if (out.failed()) return std::unexpected(io::Error(Errno::kENOMEM));
    return text;
}

}  // namespace astra
