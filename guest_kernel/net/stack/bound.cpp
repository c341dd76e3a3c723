// Who has which transport address.
#include "guest_kernel/net/stack/bound.hpp"

namespace astra::inet {

namespace {

/// Is some packet to both addresses possible?
bool overlap(const Bound& a, const IpAddress& a_address, const Bound& b, const IpAddress& b_address) {
    if (a_address == b_address) return true;
    const bool a_any = a_address.is_unspecified(), b_any = b_address.is_unspecified();
    auto takes_family_of = [](const Bound& any, const IpAddress& any_address, const IpAddress& other) {
        return any_address.is_v4() == other.is_v4() || (!any_address.is_v4() && !any.only_ipv6);
    };
    if (a_any && b_any)
        return takes_family_of(a, a_address, b_address) || takes_family_of(b, b_address, a_address);
    if (a_any) return takes_family_of(a, a_address, b_address);
    if (b_any) return takes_family_of(b, b_address, a_address);
    return false;
}

}  // namespace

bool Ports::conflicts(const Bound& item, const Endpoint& local) {
    for (const Bound& other : bucket(local.port)) {
        if (&other == &item || other.protocol != item.protocol || other.local.port != local.port) continue;
        if (item.link && other.link && item.link != other.link) continue;
        if (!overlap(item, local.address, other, other.local.address)) continue;
        if (item.reuse_port && other.reuse_port && item.user == other.user) continue;
        if (item.reuse_address && other.reuse_address && !other.listening()) continue;
        return true;
    }
    return false;
}

Result<void> Ports::bind(Bound& item, const Endpoint& local, u32 random) {
    Endpoint wanted = local;
    if (wanted.port == 0) {
        const u32 range = kLastEphemeral - kFirstEphemeral + 1u;
        u32 tries = 0;
        do {
            if (tries == range) return fail(Errno::kEADDRINUSE);
            wanted.port = static_cast<u16>(kFirstEphemeral + (random + tries++) % range);
        } while (conflicts(item, wanted));
    } else if (conflicts(item, wanted)) {
        return fail(Errno::kEADDRINUSE);
    }
    item.local = wanted;
    item.ref();
    bucket(wanted.port).push_front(item);
    return {};
}

Result<void> Ports::connect(Bound& item, const IpAddress& source, const Endpoint& remote, u32 random) {
    if (item.local.port != 0) {
        const IpAddress old = item.local.address;
        if (old.is_unspecified()) item.local.address = source;
        if (find_flow(item.protocol, item.local, remote)) {
            item.local.address = old;
            return fail(Errno::kEADDRNOTAVAIL);
        }
    } else {
        // Another peer may have the same port: only the four together must be new.
        const u32 range = kLastEphemeral - kFirstEphemeral + 1u;
        Endpoint wanted{source, 0};
        for (u32 tries = 0;; tries++) {
            if (tries == range) return fail(Errno::kEADDRNOTAVAIL);
            wanted.port = static_cast<u16>(kFirstEphemeral + (random + tries) % range);
            bool taken = find_flow(item.protocol, wanted, remote);
            for (const Bound& other : bucket(wanted.port))
                taken |=
                    other.protocol == item.protocol && other.local.port == wanted.port && !other.connected();
            if (!taken) break;
        }
        item.local = wanted;
        item.ref();
        bucket(wanted.port).push_front(item);
    }
    item.remote = remote;
    flow_bucket(item.local, item.remote).push_front(item);
    return {};
}

Result<void> Ports::adopt(Bound& item) {
    if (find_flow(item.protocol, item.local, item.remote)) return fail(Errno::kEADDRINUSE);
    item.ref();
    bucket(item.local.port).push_back(item);
    flow_bucket(item.local, item.remote).push_front(item);
    return {};
}

void Ports::disconnect(Bound& item) {
    item.flow_node.unlink();
    item.remote = {};
}

void Ports::remove(Bound& item) {
    item.flow_node.unlink();
    if (!item.port_node.linked()) return;
    item.port_node.unlink();
    item.unref();
}

Ports::FlowList& Ports::flow_bucket(const Endpoint& local, const Endpoint& remote) {
    u32 hash = u32{local.port} << 16 ^ remote.port;
    for (int i = 0; i < 16; i += 4)
        hash ^= load32(remote.address.bytes + i) + load32(local.address.bytes + i) * 31;
    return by_flow_[hash * 0x9e37'79b1u >> 23];
}
static_assert(u32{1} << (32 - 23) == 512);

Bound* Ports::find_flow(u8 protocol, const Endpoint& local, const Endpoint& remote) {
    for (Bound& item : flow_bucket(local, remote))
        if (item.protocol == protocol && item.local == local && item.remote == remote) return &item;
    return nullptr;
}

Bound* Ports::find_unconnected(u8 protocol, const Endpoint& local, u32 link, u32 spread) {
    Bound* best = nullptr;
    int best_score = -1;
    u32 equals = 0;
    for (Bound& item : bucket(local.port)) {
        if (item.protocol != protocol || item.local.port != local.port || item.connected()) continue;
        if (item.link && item.link != link) continue;
        const bool exact = item.local.address == local.address;
        const bool same_family = item.local.address.is_v4() == local.address.is_v4();
        const bool any =
            item.local.address.is_unspecified() && (same_family || (item.ipv6 && !item.only_ipv6));
        if (!exact && !any) continue;
        const int score = (exact ? 4 : 0) + (same_family ? 2 : 0) + (item.link ? 1 : 0);
        if (score > best_score) {
            best = &item;
            best_score = score;
            equals = 1;
        } else if (score == best_score && item.reuse_port && best->reuse_port) {
            equals++;
            if (spread % equals == 0) best = &item;
        }
    }
    return best;
}

}  // namespace astra::inet
