// What the objects of one tmpfs share.
#include "guest_kernel/fs/tmpfs/volume.hpp"

#include "guest_kernel/fs/tmpfs/node.hpp"

namespace astra::fs::tmpfs {

namespace {
std::atomic<u64> g_all_pages{0};
}

u64 Volume::all_pages() { return g_all_pages.load(std::memory_order_relaxed); }

Result<void> Volume::charge() {
    g_all_pages.fetch_add(1, std::memory_order_relaxed);
    if (used_pages_.fetch_add(1, std::memory_order_relaxed) < limit_pages) return {};
    release(1);
    return fail(Errno::kENOSPC);
}

void Volume::release(u64 pages) {
    g_all_pages.fetch_sub(pages, std::memory_order_relaxed);
    used_pages_.fetch_sub(pages, std::memory_order_relaxed);
}

Result<Ref<Node>> Volume::lower_node(u32 number) {
    auto in_use = [&](SparseArray& live) {
        auto* node = reinterpret_cast<Node*>(live.get(number));
        return node && node->try_ref() ? Ref<Node>::adopt(node) : Ref<Node>();
    };
    if (Ref<Node> node = live_.with(in_use)) return node;
    Ref<Node> fresh = TRY(make_lower_node(Ref<Volume>(*this), number));
    auto live = live_.lock();
    if (Ref<Node> node = in_use(*live)) {  // another walk was quicker
        live.unlock();
        return node;
    }
    TRY(live->set(number, reinterpret_cast<u64>(fresh.get())));
    return fresh;
}

void Volume::forget(u32 number, Node& node) {
    auto live = live_.lock();
    if (live->get(number) == reinterpret_cast<u64>(&node)) live->take(number);
}

void Volume::unpin_all() {
    for (u64 at = 0;; at++) {
        Ref<Node> node;
        {
            auto live = live_.lock();
            at = live->next(at);
            if (at == SparseArray::kNone) return;
            auto* found = reinterpret_cast<Node*>(live->get(at));
            if (found->try_ref()) node = Ref<Node>::adopt(found);
        }
        if (node) node->unpin();
    }
}

}  // namespace astra::fs::tmpfs
