// Frames of the control port (guest_kernel/abi/control.hpp): the parser that trusts nothing the guest says,
// and the writer.
#pragma once
#include <concepts>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "guest_kernel/abi/control.hpp"
#include "vmm/base/error.hpp"

namespace astra::vmm {

/// One whole, well-formed frame from the guest. `payload` lives until the sink returns.
struct Frame {
    abi::control::Type type;
    u64 tag;
    std::span<const u8> payload;

    /// The fixed part of the payload; the parser has checked that it is there.
    template <class Message>
    [[nodiscard]] Message message() const {
        Message value;
        std::memcpy(&value, payload.data(), sizeof value);
        return value;
    }
    /// What follows the fixed part.
    template <class Message>
    [[nodiscard]] std::span<const u8> tail() const {
        return payload.subspan(sizeof(Message));
    }
};

/// What a peer may send: the fixed size of a message and whether bytes may follow it.
struct FrameRule {
    abi::control::Type type;
    u32 fixed;
    bool variable;
};
/// What guests may send.
[[nodiscard]] std::span<const FrameRule> guest_rules();

/// Cuts a byte stream from a peer into frames. Refuses types without a rule, payloads that are too long, too
/// short, or longer than a message without a variable part. Holds at most one frame.
class FrameParser {
  public:
    using Sink = std::function<Result<void>(const Frame&)>;

    /// `rules` must outlive the parser.
    explicit FrameParser(std::span<const FrameRule> rules = guest_rules()) : rules_(rules) {}

    /// Takes the next bytes of the stream, in pieces of any size, and hands every frame they complete to
    /// `sink`. Errors: Corrupt when the stream breaks a rule, or whatever `sink` returned; both end the
    /// stream for good (the same error comes back ever after).
    [[nodiscard]] Result<void> feed(std::span<const u8> bytes, const Sink& sink);

  private:
    [[nodiscard]] Result<void> parse(std::span<const u8>& bytes, const Sink& sink);
    std::span<const FrameRule> rules_;
    std::vector<u8> partial_;
    std::optional<Error> failure_;
};

/// Appends a frame to `to`: the header, `message` if there is one, then `tail`. Together they must not exceed
/// kMaxPayload.
void append_frame(std::vector<u8>& to, abi::control::Type type, u64 tag, std::span<const u8> message,
                  std::span<const u8> tail = {});

/// The bytes of a message struct.
template <class Message>
requires std::is_trivially_copyable_v<Message>
[[nodiscard]] std::span<const u8> bytes_of(const Message& message) {
    return {reinterpret_cast<const u8*>(&message), sizeof message};
}

}  // namespace astra::vmm
