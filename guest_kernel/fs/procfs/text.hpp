// Text in the making: what the files of /proc and /sys say.
#pragma once
#include "guest_kernel/base/format.hpp"
#include "guest_kernel/base/vector.hpp"

namespace astra::fs {

/// Grows as it is written. Running out of memory is remembered and comes out of take().
class Text {
  public:
    /// As format_to (base/format.hpp).
    void add(const char* format, ...) __attribute__((format(printf, 2, 3)));
    void append(std::string_view text);
    /// The text with blanks, backslashes and line ends as \ooo, as mount tables have it.
    void append_escaped(std::string_view text);
    [[nodiscard]] usize size() const { return text_.size(); }
    Result<String> take();

  private:
    String text_;
    bool failed_ = false;
};

/// printf's two arguments for a string_view at "%.*s".
#define ASTRA_TEXT(view) static_cast<int>((view).size()), (view).data()

}  // namespace astra::fs
