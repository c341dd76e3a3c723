// Everything a guest writes, kept on disk from byte 0: segments of records, the oldest of which go first.
//
//   <folder>/<offset of its first byte, 20 digits>     a segment: records, each a ConsoleRecord and its bytes
//
// One process writes, any number read. A record that its writer did not live to finish is not there.
#pragma once
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "vmm/base/error.hpp"
#include "vmm/base/fd.hpp"

namespace astra::vmm {

/// Who wrote. All streams share one count of bytes.
enum class ConsoleStream : u32 { Out = 1, Error = 2, Log = 3 };

struct ConsoleRecord {
    u64 offset;  // of the first byte
    u64 unix_ns;
    ConsoleStream stream;
    u32 length;
};

class ConsoleLog {
  public:
    static constexpr u64 kSegmentBytes = u64{1} << 20;
    static constexpr usize kSegments = 16;

    /// Starts a log in the folder, made if it is not there. Errors: those of mkdir(2) and open(2).
    [[nodiscard]] static Result<ConsoleLog> create(std::string folder);

    /// Appends bytes of a stream. Errors: those of write(2), open(2).
    [[nodiscard]] Result<void> append(ConsoleStream stream, std::span<const u8> bytes);
    /// Bytes written so far.
    [[nodiscard]] u64 end() const { return end_; }

  private:
    explicit ConsoleLog(std::string folder) : folder_(std::move(folder)) {}
    [[nodiscard]] Result<void> begin_segment();
    std::string folder_;
    Fd segment_;
    u64 in_segment_ = 0;  // bytes of the file
    u64 end_ = 0;
    std::vector<u64> segments_;  // their first bytes, oldest first
};

/// A position in a log that moves forward.
class ConsoleReader {
  public:
    struct Piece {
        u64 from = 0, to = 0;  // [from, to)
        bool gap = false;      // these bytes are not kept any more
        u64 unix_ns = 0;
        ConsoleStream stream = ConsoleStream::Out;
        std::vector<u8> bytes;
    };

    ConsoleReader(std::string folder, u64 from) : folder_(std::move(folder)), next_(from) {}

    /// The next piece; none when there is nothing more yet. Errors: Corrupt, and those of read(2).
    [[nodiscard]] Result<std::optional<Piece>> next();
    /// Where the next piece begins.
    [[nodiscard]] u64 offset() const { return next_; }

  private:
    [[nodiscard]] Result<bool> open_segment();
    std::string folder_;
    u64 next_;
    Fd segment_;
    u64 segment_start_ = 0;
    u64 at_ = 0;  // in the segment's file
};

/// How many bytes a log holds or held. 0 when there is none.
[[nodiscard]] u64 console_end(const std::string& folder);

}  // namespace astra::vmm
