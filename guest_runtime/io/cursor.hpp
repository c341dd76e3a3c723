// Cursor and VecWriter: memory as a Read, a Write and a Seek.
#pragma once
#include "guest_runtime/io/traits.hpp"

namespace astra::io {

/// Reads from bytes that outlive it.
class Cursor : public ReadMethods<Cursor>, public SeekMethods<Cursor> {
  public:
    explicit Cursor(std::span<const u8> bytes) : bytes_(bytes) {}
    explicit Cursor(std::string_view text) : bytes_(as_bytes(text)) {}
    Result<usize> read(std::span<u8> to) {
        usize start = std::min<u64>(position_, bytes_.size());
        usize count = std::min(to.size(), bytes_.size() - start);
        std::copy_n(bytes_.data() + start, count, to.data());
        position_ += count;
        return count;
    }
    /// A position beyond the end is allowed and reads nothing; one before the start is InvalidInput.
    Result<u64> seek(SeekFrom to) {
        u64 base = to.origin == SeekFrom::Origin::Start     ? 0
                   : to.origin == SeekFrom::Origin::Current ? position_
                                                            : bytes_.size();
        u64 target = base + static_cast<u64>(to.offset);
        if (to.origin != SeekFrom::Origin::Start && (to.offset < 0 ? target > base : target < base))
            return failure(ErrorKind::InvalidInput, "invalid seek to a negative or overflowing position");
        return position_ = target;
    }

  private:
    std::span<const u8> bytes_;
    u64 position_ = 0;
};

/// Appends what is written to a Vector that outlives it.
class VecWriter : public WriteMethods<VecWriter> {
  public:
    explicit VecWriter(Vector<u8>& to) : to_(to) {}
    Result<usize> write(std::span<const u8> from) {
        TRY(to_.append(from));
        return from.size();
    }
    Result<void> flush() { return {}; }

  private:
    Vector<u8>& to_;
};

}  // namespace astra::io
