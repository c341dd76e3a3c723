// Read, Write and Seek: what files, sockets, pipes and buffers have in common, and what can be built on it.
#pragma once
#include <algorithm>
#include <concepts>
#include <span>

#include "guest_kernel/base/vector.hpp"
#include "guest_runtime/fmt/formatter.hpp"
#include "guest_runtime/io/error.hpp"
#include "guest_runtime/text/utf8.hpp"

namespace astra::io {

/// Gives bytes: `read(to)` fills a part of `to` and answers how many; 0 is the end (or an empty `to`).
template <class T>
concept Read = requires(T& t, std::span<u8> to) {
    { t.read(to) } -> std::same_as<Result<usize>>;
};
/// Takes bytes: `write(from)` takes some and answers how many; `flush()` passes on what is held back.
template <class T>
concept Write = requires(T& t, std::span<const u8> from) {
    { t.write(from) } -> std::same_as<Result<usize>>;
    { t.flush() } -> std::same_as<Result<void>>;
};

/// Where seek goes: from the start, the end or the current position, in bytes.
struct SeekFrom {
    enum class Origin { Start, Current, End } origin;
    i64 offset;
    static SeekFrom Start(u64 offset) { return {Origin::Start, static_cast<i64>(offset)}; }
    static SeekFrom Current(i64 offset) { return {Origin::Current, offset}; }
    static SeekFrom End(i64 offset) { return {Origin::End, offset}; }
};
/// Has a position: `seek(to)` answers the new one, in bytes from the start.
template <class T>
concept Seek = requires(T& t, SeekFrom to) {
    { t.seek(to) } -> std::same_as<Result<u64>>;
};

/// Text as bytes, and bytes as text.
inline std::span<const u8> as_bytes(std::string_view text) {
    return {reinterpret_cast<const u8*>(text.data()), text.size()};
}
inline std::string_view as_text(std::span<const u8> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// The methods that every Read has besides read(); a base of the classes that are one.
template <class Self>
class ReadMethods {
  public:
    /// Appends everything up to the end to `to`; answers how many bytes. Interruptions are retried.
    /// `expected` bytes, when that is known, are made room for at once.
    ///     Vector<u8> all; usize n = TRY(file.read_to_end(all));
    Result<usize> read_to_end(Vector<u8>& to, usize expected = 0) { return read_all(to, expected); }
    /// Appends everything up to the end to `to`. InvalidData, with nothing appended, when it is not UTF-8.
    Result<usize> read_to_string(String& to, usize expected = 0) {
        Vector<u8> bytes;
        usize count = TRY(read_all(bytes, expected));
        if (!text::is_utf8(as_text(bytes)))
            return failure(ErrorKind::InvalidData, "stream did not contain valid UTF-8");
        TRY(to.append(as_text(bytes)));
        return count;
    }
    /// Fills `to` whole; UnexpectedEof when the end comes first.
    Result<void> read_exact(std::span<u8> to) {
        while (!to.empty()) {
            usize count = TRY(retry([&] { return self().read(to); }));
            if (count == 0) return failure(ErrorKind::UnexpectedEof, "failed to fill whole buffer");
            to = to.subspan(count);
        }
        return {};
    }

  private:
    Self& self() { return *static_cast<Self*>(this); }
    Result<usize> read_all(Vector<u8>& to, usize expected) {
        usize start = to.size(), used = start;
        for (;;) {
            // One byte more than expected: the read that finds the end needs room too.
            if (used == to.size())
                TRY(to.resize(used == start ? start + std::max<usize>(expected + 1, 1024) : used * 2));
            auto count = retry([&] { return self().read({to.data() + used, to.size() - used}); });
            if (!count || *count == 0) {
                TRY(to.resize(used));
                if (!count) return std::unexpected(count.error());
                return used - start;
            }
            used += *count;
        }
    }
};

/// The methods that every Write has besides write() and flush().
template <class Self>
class WriteMethods {
  public:
    /// Writes all of it; WriteZero when the other side takes no more. Interruptions are retried.
    Result<void> write_all(std::span<const u8> from) {
        while (!from.empty()) {
            usize count = TRY(retry([&] { return self().write(from); }));
            if (count == 0) return failure(ErrorKind::WriteZero, "failed to write whole buffer");
            from = from.subspan(count);
        }
        return {};
    }
    Result<void> write_all(std::string_view text) { return write_all(as_bytes(text)); }
    /// Writes formatted text (fmt/spec.hpp): `TRY(file.write_fmt("{} {}\n", name, size))`.
    template <class... Args>
    Result<void> write_fmt(fmt::Format<Args...> format, const Args&... arguments) {
        struct Gather final : fmt::Sink {
            explicit Gather(WriteMethods& to) : to(to) {}
            bool write(std::string_view text) override {
                if (used + text.size() > sizeof buffer) {
                    if (!finish()) return false;
                    if (text.size() > sizeof buffer) return keep(to.write_all(text));
                }
                std::copy_n(text.data(), text.size(), buffer + used);
                used += text.size();
                return true;
            }
            bool finish() { return keep(to.write_all(std::string_view(buffer, std::exchange(used, 0)))); }
            bool keep(Result<void> r) {
                if (!r && result) result = r;
                return r.has_value();
            }
            WriteMethods& to;
            Result<void> result;
            usize used = 0;
            char buffer[512];
        } gather(*this);
        fmt::Formatter out(gather);
        out.print<Args...>(format, arguments...);
        gather.finish();
        return gather.result;
    }

  private:
    Self& self() { return *static_cast<Self*>(this); }
};

/// The methods that every Seek has besides seek().
template <class Self>
class SeekMethods {
  public:
    /// Back to the start.
    Result<void> rewind() {
        TRY(static_cast<Self*>(this)->seek(SeekFrom::Start(0)));
        return {};
    }
    /// The current position, in bytes from the start.
    Result<u64> stream_position() { return static_cast<Self*>(this)->seek(SeekFrom::Current(0)); }
};

/// Writes everything `from` gives to `to`; answers how many bytes.
template <Read R, Write W>
Result<u64> copy(R& from, W& to) {
    u8 buffer[8192];
    for (u64 total = 0;;) {
        usize count = TRY(retry([&] { return from.read(buffer); }));
        if (count == 0) return total;
        TRY(to.write_all(std::span<const u8>(buffer, count)));
        total += count;
    }
}

}  // namespace astra::io
