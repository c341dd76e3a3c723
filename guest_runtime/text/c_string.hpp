// Text with a NUL at its end, as system calls want it.
#pragma once
#include <string_view>

#include "guest_kernel/base/vector.hpp"
#include "guest_runtime/io/error.hpp"

namespace astra::text {

/// A copy of text that ends in NUL: on the stack up to 383 bytes, else on the heap. Lives in the call it is
/// made for.
///     auto path = TRY(CString::from(name)); sys::unlink(path.get());
class CString {
  public:
    /// InvalidInput when there is a NUL inside: the kernel would see only what is before it.
    static io::Result<CString> from(std::string_view text) {
        if (text.find('\0') != std::string_view::npos)
            return io::failure(io::ErrorKind::InvalidInput, "file name contained an unexpected NUL byte");
        CString s;
        char* to = s.small_;
        if (text.size() >= sizeof s.small_) {
            TRY(s.large_.resize(text.size() + 1));
            to = s.large_.data();
        }
        text.copy(to, text.size());
        to[text.size()] = 0;
        return s;
    }
    [[nodiscard]] const char* get() { return large_.size() ? large_.data() : small_; }

  private:
    CString() {}
    String large_;
    char small_[384];
};

}  // namespace astra::text
