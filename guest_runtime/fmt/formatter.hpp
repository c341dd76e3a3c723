// Formatter: where printed text goes, with the specification in force.
#pragma once
#include <span>

#include "guest_runtime/fmt/argument.hpp"

namespace astra::fmt {

/// Takes text. Answers whether it could (a full disk, no memory: false).
class Sink {
  public:
    virtual bool write(std::string_view text) = 0;

  protected:
    ~Sink() = default;
};

/// Keeps the first bytes of the text in a caller's buffer; the rest is dropped.
class BufferSink final : public Sink {
  public:
    explicit BufferSink(std::span<char> to) : to_(to) {}
    bool write(std::string_view text) override;
    [[nodiscard]] std::string_view text() const { return {to_.data(), used_}; }

  private:
    std::span<char> to_;
    usize used_ = 0;
};

/// What display() functions print to.
class Formatter {
  public:
    explicit Formatter(Sink& sink) : sink_(&sink) {}

    /// Text as it is.
    void write(std::string_view text) {
        if (!sink_->write(text)) failed_ = true;
    }
    /// Formatted text: `out.print("{}:{}", host, port)`.
    template <class... Args>
    void print(Format<Args...> format, const Args&... arguments) {
        const Argument list[] = {Argument(arguments)..., Argument(0)};
        print_arguments(format.text, {list, sizeof...(Args)});
    }
    /// Text with the fill, alignment, width and precision (characters at most) of the placeholder.
    void pad(std::string_view text);
    /// A number's digits with its sign and prefix; zeros go between ("-0x0ff").
    void pad_number(bool negative, std::string_view prefix, std::string_view digits);
    /// Text between quotes, with escapes, as `{:?}` shows it.
    void quote(std::string_view text, char mark = '"');

    /// The placeholder that is being printed; display() functions may look at it.
    [[nodiscard]] const Spec& spec() const { return spec_; }
    /// Whether the sink ever refused.
    [[nodiscard]] bool failed() const { return failed_; }

    void print_arguments(std::string_view format, std::span<const Argument> arguments);

  private:
    void show(const Argument& argument);
    void show_integer(bool negative, u64 magnitude);
    void fill(i32 count);

    Sink* sink_;
    Spec spec_;
    bool failed_ = false;
};

}  // namespace astra::fmt
