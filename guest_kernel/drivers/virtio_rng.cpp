// The virtio entropy device: read once, at boot, polled; the generator needs no more.
#include "guest_kernel/drivers/virtio_rng.hpp"

#include "guest_kernel/drivers/random.hpp"
#include "guest_kernel/drivers/virtio_device.hpp"
#include "guest_kernel/mm/frames.hpp"

namespace astra::virtio {

namespace {

constexpr u32 kSeedBytes = 64;
constexpr u64 kPatienceNs = 100'000'000;

Result<void> seed_from(Device& device) {
    TRY(device.negotiate(0));
    auto buffer = mm::FrameRef::adopt(TRY(mm::alloc_frame(mm::Zero::Yes)));
    Queue queue;
    TRY(device.add_queue(0, queue, false, 1));
    auto rings = mm::FrameRef::adopt(queue.descriptors());
    device.start();
    queue.publish(0, buffer.frame(), kSeedBytes, true);
    device.notify(0);
    Queue::Used used;
    for (u64 deadline = arch::now_ns() + kPatienceNs; !queue.take_used(used); arch::spin_pause())
        if (arch::now_ns() > deadline) {
            // The device may still write: its frames stay its own.
            buffer.leak();
            rings.leak();
            return fail(Errno::kETIMEDOUT);
        }
    add_entropy({buffer.data(), used.length < kSeedBytes ? used.length : kSeedBytes});
    device.reset();
    return {};
}

}  // namespace

Result<void> seed_from_rng() {
    auto device = TRY(find_device(abi::virtio::DeviceId::Rng));
    return seed_from(*device);
}

}  // namespace astra::virtio
