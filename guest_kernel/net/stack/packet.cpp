// Packets.
#include "guest_kernel/net/stack/packet.hpp"

namespace astra::inet {

Result<Own<Packet>> Packet::make(usize size, usize headroom) {
    const usize capacity = headroom + size;
    void* memory = ::operator new(sizeof(Packet) + capacity, std::nothrow);
    if (!memory) return fail(Errno::kENOMEM);
    auto* packet = new (memory) Packet(capacity);
    packet->begin_ = headroom;
    packet->end_ = capacity;
    return Own<Packet>(packet);
}

void drop(PacketList& packets) {
    while (Packet* packet = packets.pop_front()) delete packet;
}

}  // namespace astra::inet
