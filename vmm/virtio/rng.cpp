// Rng: fills requests from getrandom(2).
#include "vmm/virtio/rng.hpp"

#include <sys/random.h>

#include <algorithm>
#include <cerrno>

namespace astra::vmm::virtio {
namespace {

/// Fills a prefix of `to`; shorter only on failure. Interruption by a signal is not one.
usize fill_random(std::span<u8> to) {
    usize done = 0;
    while (done < to.size()) {
        ssize_t got = ::getrandom(to.data() + done, to.size() - done, 0);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        done += static_cast<usize>(got);
    }
    return done;
}

}  // namespace

void Rng::notified(u16 queue) {
    serve(queue, [this](Chain& chain) -> std::optional<u32> {
        usize done = 0;
        for (std::span<u8> buffer : chain.writable) {
            usize wanted = std::min(buffer.size(), kMaxRequest - done);
            usize got = fill_random(buffer.first(wanted));
            done += got;
            if (got < buffer.size()) break;
        }
        if (done == 0) {
            transport().fail(chain.writable.empty() ? "entropy request with nothing writable"
                                                    : "the host gives no entropy");
            return std::nullopt;
        }
        return static_cast<u32>(done);
    });
}

}  // namespace astra::vmm::virtio
