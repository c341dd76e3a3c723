// The frame parser and writer of the control port.
#include "vmm/control/frame.hpp"

#include <algorithm>
#include <array>

namespace astra::vmm {
namespace {

using namespace abi::control;

using Rule = FrameRule;
constexpr std::array kGuestRules{
    Rule{Type::Hello, sizeof(HelloMessage), false},
    Rule{Type::Started, sizeof(StartedMessage), false},
    Rule{Type::SpawnFailed, sizeof(SpawnFailedMessage), false},
    Rule{Type::Exited, sizeof(ExitedMessage), false},
    Rule{Type::Panicked, sizeof(PanickedMessage), true},
    Rule{Type::OutOfMemory, sizeof(OutOfMemoryMessage), true},
    Rule{Type::Output, sizeof(StreamMessage), true},
    Rule{Type::Credit, sizeof(CreditMessage), false},
    Rule{Type::WrongBuild, sizeof(WrongBuildMessage), false},
    Rule{Type::FileReply, sizeof(FileReplyMessage), true},
};

Result<void> check(const Header& header, std::span<const FrameRule> rules) {
    auto rule = std::ranges::find(rules, header.type, &FrameRule::type);
    auto type = std::to_string(static_cast<u32>(header.type));
    if (rule == rules.end()) return fail(Code::Corrupt, "control port: frame of unknown type " + type);
    auto length = "control port: frame of type " + type + " has " + std::to_string(header.length) + " bytes";
    if (header.length > kMaxPayload) return fail(Code::Corrupt, length + ", over the limit");
    if (header.length < rule->fixed) return fail(Code::Corrupt, length + ", too few");
    if (header.length > rule->fixed && !rule->variable) return fail(Code::Corrupt, length + ", too many");
    return {};
}

/// Moves up to `wanted - to.size()` bytes from the front of `from` to the end of `to`. True when `to` is
/// complete.
bool fill(std::vector<u8>& to, usize wanted, std::span<const u8>& from) {
    if (to.size() < wanted) {
        usize take = std::min(wanted - to.size(), from.size());
        to.insert(to.end(), from.begin(), from.begin() + static_cast<std::ptrdiff_t>(take));
        from = from.subspan(take);
    }
    return to.size() >= wanted;
}

}  // namespace

std::span<const FrameRule> guest_rules() { return kGuestRules; }

Result<void> FrameParser::feed(std::span<const u8> bytes, const Sink& sink) {
    if (failure_) return std::unexpected(*failure_);
    while (!bytes.empty()) {
        if (auto result = parse(bytes, sink); !result) {
            failure_ = result.error();
            return result;
        }
    }
    return {};
}

Result<void> FrameParser::parse(std::span<const u8>& bytes, const Sink& sink) {
    // Whole frames are handed over where they lie; only one that is cut by the end of `bytes` is copied.
    Header header;
    if (!partial_.empty()) {
        if (!fill(partial_, sizeof header, bytes)) return {};
        std::memcpy(&header, partial_.data(), sizeof header);
        TRY(check(header, rules_));
        if (!fill(partial_, sizeof header + header.length, bytes)) return {};
        TRY(sink({header.type, header.tag, std::span(partial_).subspan(sizeof header)}));
        partial_.clear();
        return {};
    }
    if (bytes.size() >= sizeof header) {
        std::memcpy(&header, bytes.data(), sizeof header);
        TRY(check(header, rules_));
        if (bytes.size() - sizeof header >= header.length) {
            auto payload = bytes.subspan(sizeof header, header.length);
            bytes = bytes.subspan(sizeof header + header.length);
            return sink({header.type, header.tag, payload});
        }
    }
    partial_.assign(bytes.begin(), bytes.end());
    bytes = {};
    return {};
}

void append_frame(std::vector<u8>& to, Type type, u64 tag, std::span<const u8> message,
                  std::span<const u8> tail) {
    Header header{.length = static_cast<u32>(message.size() + tail.size()), .type = type, .tag = tag};
    auto head = bytes_of(header);
    to.insert(to.end(), head.begin(), head.end());
    to.insert(to.end(), message.begin(), message.end());
    to.insert(to.end(), tail.begin(), tail.end());
}

}  // namespace astra::vmm
