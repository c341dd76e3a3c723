// Fuzzes what the resolver makes of a name server's answers. The input is an answer; the first byte says what
// was asked for, and whether the answer's id is made to fit.
#include <cstdlib>
#include <vector>

#include "guest_runtime/net/dns_message.hpp"

namespace astra::net {
namespace {

constexpr u16 kId = 0x4142;

void play(std::span<const u8> input) {
    if (input.empty()) return;
    const DnsType type = input[0] & 1 ? DnsType::A : DnsType::Aaaa;
    std::vector<u8> message(input.begin() + 1, input.end());
    if (input[0] & 2 && message.size() >= 3)
        message[0] = kId >> 8, message[1] = kId & 0xff, message[2] |= 0x80;
    auto found = read_answer(message, kId, type);
    // Every address takes at least a name's end, ten bytes of record and itself.
    const usize least = 11 + (type == DnsType::A ? 4 : 16);
    if (found && found->size() * least > message.size()) std::abort();
    // A name made of the same bytes: refused, or a query that is as long as it says.
    const std::string_view name(reinterpret_cast<const char*>(message.data()), message.size());
    if (auto query = make_query(kId, name, type); query && query->size() > 12 + 255 + 4) std::abort();
}

}  // namespace
}  // namespace astra::net

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    astra::net::play({data, size});
    return 0;
}
