// Fuzzes what the TCP/IP stack makes of frames from anybody. The input is a list of frames (a length in two
// bytes, a kind, bytes): whole Ethernet frames, or TCP segments that go to a listener, a connection it has,
// or one it makes. Checksums count as right, or nothing would get past them.
#include <cstdlib>

#include "guest_kernel/net/tcp/connection.hpp"

namespace astra::inet {
namespace {

constexpr u32 kOwn = 0x0a000001, kPeer = 0x0a000002;
constexpr u16 kListening = 80, kClient = 4000;

class Sink final : public Link {
  public:
    void transmit(Own<Packet> frame) override {
        // The sequence numbers of what the stack sends, so that segments can fit.
        const u8* at = frame->data();
        if (frame->size() >= 54 && at[23] == kTcp) next_acknowledgement = load32(at + 38) + 1;
    }
    u32 next_acknowledgement = 0;
};

void predictable(std::span<u8> to) {
    static u64 state = 1;
    for (u8& byte : to) byte = static_cast<u8>((state = state * 6364136223846793005 + 1) >> 56);
}

Own<Packet> segment(std::span<const u8> tcp, const Sink& sink) {
    // Source and destination port, and where in the sequence space, from the first bytes.
    Own<Packet> packet = *Packet::make(34 + 20 + tcp.size());
    u8* at = packet->data();
    __builtin_memset(at, 0, 54);
    store16(at + 12, 0x0800);
    u8* ip = at + 14;
    ip[0] = 0x45;
    store16(ip + 2, static_cast<u16>(40 + tcp.size()));
    ip[8] = 64, ip[9] = kTcp;
    store32(ip + 12, kPeer);
    store32(ip + 16, kOwn);
    u8* header = ip + 20;
    const u8 choice = tcp.empty() ? 0 : tcp[0];
    store16(header, choice & 1 ? kClient : kClient + 1);
    store16(header + 2, choice & 2 ? kListening : 32768);
    store32(header + 4, tcp.size() > 4 ? u32{tcp[1]} << 8 | tcp[2] : 0);
    store32(header + 8, sink.next_acknowledgement + (tcp.size() > 4 ? u32(i8(tcp[3])) : 0));
    header[12] = static_cast<u8>(0x50 + (tcp.size() >= 44 ? (choice & 0xa0) : 0));
    header[13] = tcp.size() > 4 ? tcp[4] : u8{tcp::kSyn};
    store16(header + 14, tcp.size() > 6 ? load16(tcp.data() + 5) : 0);
    __builtin_memcpy(header + 20, tcp.data(), tcp.size());
    return packet;
}

void play(std::span<const u8> input) {
    Sink link;
    u64 now = 1'000'000'000;
    Stack stack(predictable);
    stack.enter(now);
    link.mac = {{2, 0, 0, 0, 0, 1}};
    if (!stack.add_link(link) || !stack.add_address(link, IpAddress::v4(kOwn), 24)) std::abort();
    Ref<tcp::Listener> listener = *make_ref<tcp::Listener>(stack, tcp::Settings{.receive_limit = 4096});
    listener->backlog = 4;
    if (!stack.ports.bind(*listener, {IpAddress::v4(0), kListening}, 0)) std::abort();
    Ref<UdpPort> datagrams = *make_ref<UdpPort>();
    if (!stack.ports.bind(*datagrams, {IpAddress::v4(0), 53}, 0)) std::abort();
    Ref<tcp::Connection> connection = *make_ref<tcp::Connection>(stack, tcp::Settings{});
    connection->local = {};
    (void)connection->connect({IpAddress::v4(kPeer), kListening});
    while (input.size() >= 3) {
        const usize size = std::min<usize>(load16(input.data()) % 2048, input.size() - 3);
        const u8 kind = input[2];
        std::span<const u8> bytes = input.subspan(3, size);
        input = input.subspan(3 + size);
        stack.enter(now += u64{kind} * 1'000'000);
        if (kind & 1) {
            Own<Packet> frame = *Packet::make(bytes.size());
            __builtin_memcpy(frame->data(), bytes.data(), bytes.size());
            frame->trusted = true;
            stack.receive(link, std::move(frame));
        } else {
            Own<Packet> frame = segment(bytes, link);
            frame->trusted = true;
            stack.receive(link, std::move(frame));
        }
        stack.settle();
        if (Ref<tcp::Connection> accepted = listener->accept()) {
            if (accepted->send_room() > 0) accepted->append(*Packet::make(3000, 0), false);
            if (kind & 2) accepted->close();
        }
        while (Packet* packet = connection->received()) connection->consume(packet->size());
        datagrams->take();
    }
    stack.enter(now += 1'000'000'000'000);
    stack.settle();
    connection->close();
    listener->close();
    stack.ports.remove(*datagrams);
    stack.settle();
}

}  // namespace
}  // namespace astra::inet

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    astra::inet::play({data, size});
    return 0;
}
