// BufReader and BufWriter: fewer system calls for small reads and writes.
#pragma once
#include "guest_runtime/io/traits.hpp"

namespace astra::io {

/// Reads ahead from `R`, which it owns (give it a reference wrapper such as Stdin for one it must not).
///     BufReader in(TRY(fs::File::open("/etc/passwd")));
///     String line;
///     while (TRY(in.read_line(line))) { use(line); line.clear(); }
template <Read R>
class BufReader : public ReadMethods<BufReader<R>> {
  public:
    explicit BufReader(R inner, usize capacity = 8192) : inner_(std::move(inner)), capacity_(capacity) {}

    Result<usize> read(std::span<u8> to) {
        if (start_ == end_ && to.size() >= capacity_) return inner_.read(to);  // nothing to gain
        auto ready = TRY(fill_buf());
        usize count = std::min(to.size(), ready.size());
        std::copy_n(ready.data(), count, to.data());
        consume(count);
        return count;
    }
    /// What has been read ahead; reads when that is nothing. Empty at the end.
    Result<std::span<const u8>> fill_buf() {
        if (start_ == end_) {
            if (buffer_.empty()) TRY(buffer_.resize(capacity_));
            start_ = end_ = 0;
            end_ = TRY(inner_.read({buffer_.data(), buffer_.size()}));
        }
        return std::span<const u8>(buffer_.data() + start_, end_ - start_);
    }
    /// Marks the first `count` bytes of fill_buf's answer as read.
    void consume(usize count) { start_ = std::min(start_ + count, end_); }
    /// Appends bytes up to and with `delimiter`, or up to the end; answers how many, 0 at the end.
    Result<usize> read_until(u8 delimiter, Vector<u8>& to) {
        for (usize total = 0;;) {
            auto ready = TRY(retry([&] { return fill_buf(); }));
            if (ready.empty()) return total;
            auto at = std::find(ready.begin(), ready.end(), delimiter);
            bool found = at != ready.end();
            usize count = static_cast<usize>(at - ready.begin()) + found;
            TRY(to.append(ready.first(count)));
            consume(count);
            total += count;
            if (found) return total;
        }
    }
    /// Appends a line with its line feed; answers its length, 0 at the end. InvalidData when it is not UTF-8.
    Result<usize> read_line(String& to) {
        Vector<u8> bytes;
        usize count = TRY(read_until('\n', bytes));
        if (!text::is_utf8(as_text(bytes)))
            return failure(ErrorKind::InvalidData, "stream did not contain valid UTF-8");
        TRY(to.append(as_text(bytes)));
        return count;
    }
    /// Calls `each(line)` for every line up to the end, without its line feed ("\n" or "\r\n"). `each` may
    /// answer Result<void>; an error ends the reading.
    template <class F>
    Result<void> lines(F each) {
        for (String line;; line.clear()) {
            if (TRY(read_line(line)) == 0) return {};
            std::string_view view = line;
            if (view.ends_with('\n')) view.remove_suffix(1);
            if (view.ends_with('\r')) view.remove_suffix(1);
            if constexpr (std::same_as<decltype(each(view)), void>)
                each(view);
            else
                TRY(each(view));
        }
    }
    R& get_mut() { return inner_; }
    /// Gives the inner reader back; what was read ahead is lost.
    R into_inner() { return std::move(inner_); }

  private:
    R inner_;
    Vector<u8> buffer_;
    usize capacity_, start_ = 0, end_ = 0;
};

/// Gathers writes to `W`, which it owns. Flush before it dies to learn of errors: the destructor writes what
/// is left and cannot tell.
template <Write W>
class BufWriter : public WriteMethods<BufWriter<W>> {
  public:
    explicit BufWriter(W inner, usize capacity = 8192) : inner_(std::move(inner)), capacity_(capacity) {}
    BufWriter(BufWriter&&) noexcept = default;
    ~BufWriter() { (void)write_out(); }

    Result<usize> write(std::span<const u8> from) {
        if (buffer_.size() + from.size() > capacity_) TRY(write_out());
        if (from.size() >= capacity_) return inner_.write(from);
        TRY(buffer_.reserve(capacity_));
        TRY(buffer_.append(from));
        return from.size();
    }
    Result<void> flush() {
        TRY(write_out());
        return inner_.flush();
    }
    W& get_mut() { return inner_; }
    /// Writes what is held back and gives the inner writer back.
    Result<W> into_inner() {
        TRY(write_out());
        return std::move(inner_);
    }

  private:
    Result<void> write_out() {
        if (buffer_.empty()) return {};
        auto result = inner_.write_all(std::span<const u8>(buffer_));
        buffer_.clear();  // after an error too: a second try would write a part twice
        return result;
    }
    W inner_;
    Vector<u8> buffer_;
    usize capacity_;
};

}  // namespace astra::io
