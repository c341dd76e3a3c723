// The network device: frames between the queues and the backend.
#include "vmm/virtio/net.hpp"

#include <algorithm>
#include <cstring>

namespace astra::vmm::virtio {

using namespace abi::virtio::net;

Net::Net(vmm::net::Backend& backend, const Mac& mac, std::function<void()> wake)
    : backend_(backend), wake_(std::move(wake)), flat_(sizeof(Header) + kMaxFrame) {
    std::ranges::copy(mac, config_.mac);
    config_.status = 1;  // VIRTIO_NET_S_LINK_UP
    config_.max_queue_pairs = 1;
    config_.mtu = backend.mtu();
    backend_.attach(
        [this](const Header& header, std::span<const u8> frame) { return receive(header, frame); });
}

u64 Net::features() const {
    return backend_.features() | kFeatureMac | kFeatureMtu | kFeatureStatus | kFeatureMrgRxbuf;
}

std::span<const u8> Net::config() const { return {reinterpret_cast<const u8*>(&config_), sizeof config_}; }

void Net::activate() {
    active_ = true;
    wake_();
}

void Net::process() {
    if (!transport().live()) return;
    if (std::exchange(active_, false)) backend_.set_features(transport().features());
    send_frames();
    while (!backlog_.empty() && place(backlog_.front().header, backlog_.front().bytes)) backlog_.pop_front();
    announce();
}

void Net::announce() {
    if (transport().live() && transport().queue(kReceive).wants_interrupt()) transport().raise_used();
}

void Net::send_frames() {
    serve(kTransmit, [this](Chain& chain) -> std::optional<u32> {
        // The guest may change what it offered: the backend sees a copy.
        const usize size = chain.copy_out(0, flat_);
        if (size < sizeof(Header) + 14 || chain.readable_bytes() > flat_.size()) return 0;  // dropped
        Header header;
        std::memcpy(&header, flat_.data(), sizeof header);
        backend_.send(header, std::span(flat_).subspan(sizeof header, size - sizeof header));
        return 0;
    });
}

bool Net::receive(const Header& header, std::span<const u8> frame) {
    if (!transport().live() || frame.size() > kMaxFrame) return true;  // nobody is there
    if (backlog_.empty() && place(header, frame)) return true;
    if (!has_room()) return false;
    backlog_.push_back({header, {frame.begin(), frame.end()}});
    return has_room();
}

/// Writes a frame into as many buffers as it takes (5.1.6.4); false: there are not enough.
bool Net::place(const Header& given, std::span<const u8> frame) {
    Queue& queue = transport().queue(kReceive);
    const bool merges = transport().features() & kFeatureMrgRxbuf;
    const usize total = sizeof given + frame.size();
    usize room = 0, count = 0;
    while (room < total && (count == 0 || merges)) {
        if (count == chains_.size()) chains_.emplace_back();
        auto found = queue.pop(chains_[count]);
        if (!found) return transport().fail(found.error().reason), true;
        if (!*found) {
            while (count-- > 0) queue.unpop();
            return false;
        }
        const u64 writable = chains_[count++].writable_bytes();
        if (writable == 0) return transport().fail("receive buffer with nothing writable"), true;
        room += writable;
    }
    Header header = given;
    header.buffers = static_cast<u16>(count);
    std::span<const u8> rest = frame;
    for (usize i = 0; i < count; i++) {
        Chain& chain = chains_[i];
        usize written = 0;
        if (i == 0) written = chain.copy_in(0, {reinterpret_cast<const u8*>(&header), sizeof header});
        const usize copied = chain.copy_in(written, rest);
        rest = rest.subspan(copied);
        queue.push(chain, static_cast<u32>(written + copied));
    }
    return true;
}

}  // namespace astra::vmm::virtio
