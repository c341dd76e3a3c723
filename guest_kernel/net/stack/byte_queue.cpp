// Bytes waiting to be sent and acknowledged.
#include "guest_kernel/net/stack/byte_queue.hpp"

#include <algorithm>

namespace astra::inet {

void ByteQueue::append(Own<Packet> part) {
    size_ += part->size();
    Packet* last = parts_.back();
    if (last && last->tailroom() >= part->size())
        last->append(part->bytes());
    else
        parts_.push_back(*part.leak());
}

void ByteQueue::copy(usize offset, std::span<u8> to) const {
    for (const Packet& part : parts_) {
        if (to.empty()) return;
        if (offset >= part.size()) {
            offset -= part.size();
            continue;
        }
        const usize count = std::min(part.size() - offset, to.size());
        __builtin_memcpy(to.data(), part.data() + offset, count);
        to = to.subspan(count);
        offset = 0;
    }
}

void ByteQueue::drop_front(usize count) {
    size_ -= count;
    while (count > 0) {
        Packet& first = *parts_.front();
        if (count < first.size()) return first.strip(count);
        count -= first.size();
        parts_.remove(first);
        delete &first;
    }
}

void ByteQueue::clear() {
    drop(parts_);
    size_ = 0;
}

}  // namespace astra::inet
