// Reassembly of IPv4 fragments.
#include "guest_kernel/net/stack/fragments.hpp"

#include <algorithm>

#include "guest_kernel/net/stack/stack.hpp"

namespace astra::inet {

namespace {
constexpr usize kMaxPayload = 0xffff - 20;
}

Fragments::Fragments(Stack& stack) : stack_(stack) {
    timer_.owner = this;
    timer_.fire = [](sched::TimerEvent& event) { static_cast<Timer&>(event).owner->tick(); };
}

Fragments::~Fragments() {
    for (Datagram& datagram : datagrams_) forget(datagram);
}

void Fragments::forget(Datagram& datagram) {
    drop(datagram.parts);
    datagram.header = {};
    datagram.deadline_ns = 0;
    datagram.total = datagram.received = 0;
}

/// The datagram it belongs to; a new one takes the place of the one that waits longest.
Fragments::Datagram& Fragments::find(const Packet& fragment, const u8* header) {
    Datagram* oldest = &datagrams_[0];
    for (Datagram& datagram : datagrams_) {
        if (datagram.deadline_ns && datagram.from == fragment.from && datagram.to == fragment.to &&
            datagram.identification == load16(header + 4) && datagram.protocol == header[9])
            return datagram;
        if (datagram.deadline_ns < oldest->deadline_ns) oldest = &datagram;
    }
    forget(*oldest);
    oldest->from = fragment.from;
    oldest->to = fragment.to;
    oldest->identification = load16(header + 4);
    oldest->protocol = header[9];
    oldest->deadline_ns = stack_.now() + kPatienceNs;
    if (!timer_.armed) stack_.arm(timer_, oldest->deadline_ns);
    return *oldest;
}

Own<Packet> Fragments::add(Own<Packet> fragment, usize header_length) {
    u8 header[60];
    __builtin_memcpy(header, fragment->data(), header_length);
    const u16 field = load16(header + 6);
    const usize offset = usize{field & 0x1fffu} * 8;
    const bool more = field & 0x2000;
    Datagram& datagram = find(*fragment, header);
    if (offset == 0) {
        auto kept = Packet::make(header_length, 0);
        if (!kept) return {};
        __builtin_memcpy((*kept)->data(), header, header_length);
        datagram.header = std::move(*kept);
    }
    fragment->strip(header_length);
    const usize size = fragment->size(), end = offset + size;
    fragment->sequence = static_cast<u32>(offset);
    const bool wrong = end > kMaxPayload || (more && (size == 0 || size % 8 != 0)) ||
                       (datagram.total && (end > datagram.total || (!more && end != datagram.total)));
    Packet* next = datagram.parts.front();
    while (next && next->sequence < offset) {
        if (next->sequence + next->size() > offset) break;
        next = datagram.parts.next(*next);
    }
    const bool same = next && next->sequence == offset && next->size() == size;
    if (same) return {};  // a duplicate
    if (wrong || (next && next->sequence < end)) {
        forget(datagram);
        return {};
    }
    if (!more) datagram.total = end;
    datagram.received += size;
    if (next)
        datagram.parts.insert_before(*next, *fragment.leak());
    else
        datagram.parts.push_back(*fragment.leak());
    if (!datagram.total || datagram.received != datagram.total || !datagram.header) return {};
    Own<Packet> whole = assemble(datagram);
    forget(datagram);
    return whole;
}

Own<Packet> Fragments::assemble(Datagram& datagram) {
    const usize header = datagram.header->size();
    auto whole = Packet::make(header + datagram.total);
    if (!whole) return {};
    Packet& out = **whole;
    const Packet& last = *datagram.parts.back();
    out.from = datagram.from;
    out.to = datagram.to;
    out.link = last.link;
    out.time_ns = last.time_ns;
    out.ttl = last.ttl;
    out.traffic_class = last.traffic_class;
    __builtin_memcpy(out.data(), datagram.header->data(), header);
    for (const Packet& part : datagram.parts)
        __builtin_memcpy(out.data() + header + part.sequence, part.data(), part.size());
    return std::move(*whole);
}

void Fragments::tick() {
    u64 next = Stack::kNever;
    for (Datagram& datagram : datagrams_) {
        if (!datagram.deadline_ns) continue;
        if (datagram.deadline_ns <= stack_.now())
            forget(datagram);
        else
            next = std::min(next, datagram.deadline_ns);
    }
    if (next != Stack::kNever) stack_.arm(timer_, next);
}

}  // namespace astra::inet
