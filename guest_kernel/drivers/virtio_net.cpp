// The virtio network device: whole frames in merged receive buffers, checksums and segmentation left to the
// host where it offers.
#include "guest_kernel/drivers/virtio_net.hpp"

#include <algorithm>

#include "guest_kernel/abi/virtio.hpp"
#include "guest_kernel/mm/frames.hpp"
#include "guest_kernel/net/inet/network.hpp"

namespace astra::virtio {

namespace {

namespace wire = abi::virtio::net;
using abi::virtio::DeviceId;
using abi::virtio::kFeatureEventIdx;
using inet::Packet;

constexpr u16 kReceiveQueue = 0, kTransmitQueue = 1;
constexpr u32 kBuffers = Queue::kMaxSize;  // of a page each
constexpr u32 kBuffersOrder = 6;
static_assert(1u << kBuffersOrder == kBuffers);
constexpr u32 kMaxBacklog = 512;  // frames that wait for a descriptor
constexpr usize kEthernetHeader = 14;
constexpr u64 kWanted = wire::kFeatureCsum | wire::kFeatureGuestCsum | wire::kFeatureMtu | wire::kFeatureMac |
                        wire::kFeatureGuestTso4 | wire::kFeatureGuestTso6 | wire::kFeatureHostTso4 |
                        wire::kFeatureHostTso6 | wire::kFeatureMrgRxbuf | kFeatureEventIdx;

class NetDevice final : public inet::Link {
  public:
    Result<void> start(Own<Device> found);
    void transmit(Own<Packet> frame) override;
    void interrupt();

  private:
    struct State {
        Queue receive, transmit;
        u64 free = ~u64{0};                       // a bit per token of the transmit queue
        Packet* under_way[Queue::kMaxSize] = {};  // what each token sends
        inet::PacketList backlog;
        u32 backlog_count = 0;
        // A frame of several buffers on its way in.
        Own<Packet> partial;
        u32 buffers_missing = 0;
    };
    void reclaim(State& state, inet::PacketList& done);
    void publish_backlog(State& state);
    void take_frames(State& state, inet::PacketList& frames);
    void take_buffer(State& state, std::span<const u8> bytes, inet::PacketList& frames);
    static void write_header(Packet& frame);
    [[nodiscard]] u8* buffer(u16 token) const {
        return static_cast<u8*>(arch::phys_to_virt(buffers_ + token * kPageSize));
    }

    Own<Device> device_;
    PhysAddr buffers_;
    bool merges_ = false;
    sched::SpinLocked<State, sched::Rank::Virtio> state_;
};

Result<void> NetDevice::start(Own<Device> found) {
    device_ = std::move(found);
    const u64 features = TRY(device_->negotiate(kWanted));
    merges_ = features & wire::kFeatureMrgRxbuf;
    const bool event_index = features & kFeatureEventIdx;
    checksum_offload = features & wire::kFeatureCsum;
    if (features & wire::kFeatureHostTso4) max_segmented = 60 << 10;
    const u32 low = device_->config_u32(0), high = device_->config_u32(4);
    for (u32 i = 0; i < 4; i++) mac.bytes[i] = static_cast<u8>(low >> 8 * i);
    for (u32 i = 0; i < 2; i++) mac.bytes[4 + i] = static_cast<u8>(high >> 8 * i);
    // mac, status, max_virtqueue_pairs, mtu. A frame without merging must fit one buffer.
    if (features & wire::kFeatureMtu) mtu = device_->config_u32(8) >> 16;
    mtu = std::clamp<u32>(mtu, 1280, merges_ ? 65535 : kPageSize - sizeof(wire::Header) - kEthernetHeader);
    buffers_ = TRY(mm::alloc_frames(kBuffersOrder, mm::Zero::No));
    __builtin_memcpy(name, "eth0", 5);
    {
        auto state = state_.lock();
        TRY(device_->add_queue(kReceiveQueue, state->receive, event_index, kBuffers));
        TRY(device_->add_queue(kTransmitQueue, state->transmit, event_index, Queue::kMaxSize));
        if (state->transmit.size() < 64) state->free = (u64{1} << state->transmit.size()) - 1;
        for (u16 i = 0; i < state->receive.size(); i++)
            state->receive.publish(i, buffers_ + i * kPageSize, kPageSize, true);
        state->receive.enable_interrupts();
        state->transmit.disable_interrupts();
    }
    TRY(device_->on_interrupt([](void* self) { static_cast<NetDevice*>(self)->interrupt(); }, this));
    device_->start();
    device_->notify(kReceiveQueue);
    return {};
}

void NetDevice::write_header(Packet& frame) {
    wire::Header header{};
    const u16 start = frame.checksum_start;
    if (frame.partial_checksum) {
        header.flags = wire::kNeedsChecksum;
        header.checksum_start = start;
        header.checksum_offset = frame.checksum_offset;
    }
    if (frame.segment_size) {
        const bool v4 = frame.data()[kEthernetHeader] >> 4 == 4;
        header.gso_type = v4 ? wire::kGsoTcp4 : wire::kGsoTcp6;
        header.gso_size = frame.segment_size;
        header.header_length = static_cast<u16>(start + (frame.data()[start + 12] >> 4) * 4);
    }
    __builtin_memcpy(frame.prepend(sizeof header), &header, sizeof header);
}

void NetDevice::transmit(Own<Packet> frame) {
    inet::PacketList done;
    bool notify;
    {
        auto state = state_.lock();
        reclaim(*state, done);
        if (state->backlog_count == kMaxBacklog) {
            sent.dropped++;
            done.push_back(*frame.leak());
        } else {
            sent.packets++;
            sent.bytes += frame->size();
            write_header(*frame);
            state->backlog.push_back(*frame.leak());
            state->backlog_count++;
        }
        publish_backlog(*state);
        notify = state->transmit.needs_notify();
    }
    if (notify) device_->notify(kTransmitQueue);
    inet::drop(done);
}

void NetDevice::reclaim(State& state, inet::PacketList& done) {
    Queue::Used used;
    while (state.transmit.take_used(used)) {
        if (!state.under_way[used.token]) continue;  // the device says it twice
        done.push_back(*std::exchange(state.under_way[used.token], nullptr));
        state.free |= u64{1} << used.token;
    }
}

/// Hands waiting frames to the device while it has descriptors, and asks for an interrupt when they do not
/// suffice.
void NetDevice::publish_backlog(State& state) {
    while (state.free && !state.backlog.empty()) {
        const u16 token = static_cast<u16>(__builtin_ctzll(state.free));
        Packet* frame = state.backlog.pop_front();
        state.backlog_count--;
        state.free &= state.free - 1;
        state.under_way[token] = frame;
        state.transmit.publish(token, arch::virt_to_phys(frame->data()), static_cast<u32>(frame->size()),
                               false);
    }
    if (state.backlog.empty())
        state.transmit.disable_interrupts();
    else
        state.transmit.enable_interrupts();
}

/// One used buffer: the start of a frame, or more of one.
void NetDevice::take_buffer(State& state, std::span<const u8> bytes, inet::PacketList& frames) {
    if (!state.partial) {
        wire::Header header;
        if (bytes.size() < sizeof header) return;
        __builtin_memcpy(&header, bytes.data(), sizeof header);
        const u32 count = merges_ ? std::clamp<u32>(header.buffers, 1, 17) : 1;
        auto packet = Packet::make(count * kPageSize, 0);
        if (!packet) {
            received.dropped++;
            return;
        }
        (*packet)->trim(0);
        (*packet)->trusted = header.flags & (wire::kNeedsChecksum | wire::kDataValid);
        state.partial = std::move(*packet);
        state.buffers_missing = count;
        bytes = bytes.subspan(sizeof header);
    }
    state.partial->append(bytes);
    if (--state.buffers_missing == 0) frames.push_back(*state.partial.leak());
}

void NetDevice::take_frames(State& state, inet::PacketList& frames) {
    do {
        Queue::Used used;
        while (state.receive.take_used(used)) {
            take_buffer(state, {buffer(used.token), std::min<usize>(used.length, kPageSize)}, frames);
            state.receive.publish(used.token, buffers_ + used.token * kPageSize, kPageSize, true);
        }
    } while (!state.receive.enable_interrupts());
}

void NetDevice::interrupt() {
    device_->acknowledge();
    inet::PacketList frames, done;
    bool refilled, sent_more;
    {
        auto state = state_.lock();
        take_frames(*state, frames);
        refilled = state->receive.needs_notify();
        reclaim(*state, done);
        publish_backlog(*state);
        sent_more = state->transmit.needs_notify();
    }
    if (refilled) device_->notify(kReceiveQueue);
    if (sent_more) device_->notify(kTransmitQueue);
    inet::drop(done);
    if (frames.empty()) return;
    astra::net::StackGuard stack;
    while (Packet* frame = frames.pop_front()) {
        stack->receive(*this, Own<Packet>(frame));
        stack->settle();
    }
}

}  // namespace

Result<inet::Link*> start_network_device() {
    Own<NetDevice> device = TRY(make_own<NetDevice>());
    TRY(device->start(TRY(find_device(DeviceId::Net))));
    NetDevice* link = device.leak();  // for good
    TRY(astra::net::with_stack([link](inet::Stack& stack) { return stack.add_link(*link); }));
    return link;
}

}  // namespace astra::virtio
