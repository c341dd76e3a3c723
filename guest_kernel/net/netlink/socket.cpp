// Netlink sockets.
#include "guest_kernel/net/netlink/socket.hpp"

#include <algorithm>

#include "guest_kernel/net/inet/network.hpp"
#include "guest_kernel/net/netlink/message.hpp"
#include "guest_kernel/sched/process.hpp"

namespace astra::net {

namespace {

/// struct sockaddr_nl
struct NetlinkAddress {
    u16 family, pad;
    u32 port, groups;
};
constexpr usize kMaxRequest = 4096, kMaxWaiting = 64;

Address address_with(u32 port) {
    NetlinkAddress value{kNetlink, 0, port, 0};
    Address out;
    __builtin_memcpy(out.bytes, &value, sizeof value);
    out.length = sizeof value;
    return out;
}

}  // namespace

Result<Ref<NetlinkSocket>> NetlinkSocket::create() {
    start_network();
    return make_ref<NetlinkSocket>();
}

Result<void> NetlinkSocket::bind(const Address& address) {
    if (address.length < sizeof(NetlinkAddress) || address.family() != kNetlink) return fail(Errno::kEINVAL);
    NetlinkAddress given;
    __builtin_memcpy(&given, address.bytes, sizeof given);
    if (given.groups != 0) return fail(Errno::kENOTSUP);  // nothing is ever announced
    // The kernel's choice is the process's id, as long as it is free; uniqueness matters to nobody here.
    port_ = given.port ? given.port : static_cast<u32>(sched::current_process().pid());
    return {};
}

Result<void> NetlinkSocket::connect(const Address& address) {
    if (address.length < sizeof(u16) || (address.family() != kNetlink && address.family() != kUnspecified))
        return fail(Errno::kEINVAL);
    return {};
}

Result<Address> NetlinkSocket::name() { return address_with(port_); }
Result<Address> NetlinkSocket::peer_name() { return address_with(0); }

Result<usize> NetlinkSocket::send(Outgoing& out) {
    const usize size = out.data.remaining();
    if (size > kMaxRequest) return fail(Errno::kEMSGSIZE);
    if (port_ == 0) port_ = static_cast<u32>(sched::current_process().pid());
    Vector<u8> bytes;
    TRY(bytes.resize(size));
    if (TRY(out.data.take({bytes.data(), size})) < size) return fail(Errno::kEFAULT);
    std::span<const u8> rest(bytes.data(), size);
    while (rest.size() >= sizeof(netlink::Header)) {
        netlink::Header request;
        __builtin_memcpy(&request, rest.data(), sizeof request);
        if (request.length < sizeof request || request.length > rest.size()) break;
        Vector<u8> answer = TRY(
            netlink::answer(request, rest.subspan(sizeof request, request.length - sizeof request), port_));
        auto answers = answers_.lock();
        if (answers->waiting.size() >= kMaxWaiting) return fail(Errno::kENOBUFS);
        TRY(answers->waiting.push_back(std::move(answer)));
        count_ = answers->waiting.size();
        rest = rest.subspan(std::min<usize>((request.length + 3) & ~3u, rest.size()));
    }
    readable_.wake_all(fs::kPollReadable);
    pollers_.wake(fs::kPollReadable);
    return size;
}

Result<usize> NetlinkSocket::receive(Incoming& in) {
    const Patience patience = receive_patience(in.flags);
    for (;;) {
        {
            auto answers = answers_.lock();
            if (!answers->waiting.empty()) {
                const Vector<u8>& first = answers->waiting[0];
                const usize size = first.size(), wanted = std::min(size, in.data.remaining());
                if (wanted > 0 && TRY(in.data.put(std::span<const u8>(first).first(wanted))) < wanted)
                    return fail(Errno::kEFAULT);
                if (wanted < size) in.message_flags |= kTruncated;
                in.from = address_with(0);
                if (!(in.flags & kPeek)) answers->waiting.remove(0);
                count_ = answers->waiting.size();
                return in.flags & kTruncated ? size : wanted;
            }
        }
        TRY(patience.wait(readable_, [this] { return count_ > 0; }));
    }
}

u32 NetlinkSocket::poll(sched::WaitQueue** queue) {
    if (queue) *queue = &pollers_;
    return fs::kPollWritable | (count_ > 0 ? fs::kPollReadable : 0);
}

}  // namespace astra::net
