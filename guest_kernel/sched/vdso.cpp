// The vDSO's pages: one copy for all programs.
#include "guest_kernel/sched/vdso.hpp"

#include "guest_kernel/mm/map_flags.hpp"
#include "guest_kernel/sched/scheduler.hpp"
#include "guest_kernel/vdso/time_page.hpp"

extern "C" const astra::u8 astra_vdso_start[], astra_vdso_end[];  // vdso/embed.S

namespace astra::sched {

namespace {

/// Page 0 is the time page, the rest the vDSO's code.
class VdsoPages final : public mm::PageSource {
  public:
    static Result<Ref<VdsoPages>> create() {
        Ref<VdsoPages> pages = TRY(make_ref<VdsoPages>());
        usize size = static_cast<usize>(astra_vdso_end - astra_vdso_start);
        for (usize at = 0; at < size + kPageSize; at += kPageSize)
            TRY(pages->frames_.push_back(mm::FrameRef::adopt(TRY(mm::alloc_frame(mm::Zero::Yes)))));
        for (usize at = 0; at < size; at += kPageSize) {
            usize rest = size - at < kPageSize ? size - at : kPageSize;
            __builtin_memcpy(pages->frames_[1 + at / kPageSize].data(), astra_vdso_start + at, rest);
        }
        return pages;
    }
    vdso::TimePage& time_page() { return *reinterpret_cast<vdso::TimePage*>(frames_[0].data()); }

    Result<mm::FrameRef> page(u64 index, bool) override {
        if (index >= frames_.size()) return fail(Errno::kEFAULT);
        return mm::FrameRef::share(frames_[index].frame());
    }
    [[nodiscard]] u64 mapping_size() const override { return frames_.size() * kPageSize; }
    [[nodiscard]] Identity identity() const override { return {0, 0}; }

  private:
    Vector<mm::FrameRef> frames_;
};

SpinLocked<Ref<VdsoPages>, Rank::Vdso> g_pages;

void write_time_page(vdso::TimePage& page) {
    arch::TscClock clock = arch::tsc_clock();
    __atomic_store_n(&page.sequence, page.sequence + 1, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    page.start_tsc = clock.start_tsc;
    page.ns_per_tick = clock.ns_per_tick;
    page.offset_ns[1] = wall_offset_ns();
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    __atomic_store_n(&page.sequence, page.sequence + 1, __ATOMIC_RELAXED);
}

// Made with the first program.
Result<Ref<VdsoPages>> shared_pages() {
    if (Ref<VdsoPages> existing = *g_pages.lock()) return existing;
    Ref<VdsoPages> fresh = TRY(VdsoPages::create());
    auto pages = g_pages.lock();
    if (!*pages) {
        *pages = fresh;
        write_time_page(fresh->time_page());
    }
    return *pages;
}

Result<UserAddr> map_pages(mm::AddressSpace& space, Ref<mm::PageSource> source, UserAddr at, u64 first,
                           u64 count, u32 prot, std::string_view name) {
    mm::MapRequest request;
    request.hint = at;
    request.length = count * kPageSize;
    request.prot = prot;
    request.flags = mm::kMapPrivate | (at.is_null() ? 0 : u32{mm::kMapFixed});
    request.source = std::move(source);
    request.offset = first * kPageSize;
    request.name = name;
    return space.map(request);
}

}  // namespace

Result<UserAddr> map_vdso(mm::AddressSpace& space) {
    Ref<VdsoPages> pages = TRY(shared_pages());
    u64 count = pages->mapping_size() / kPageSize;
    UserAddr base = TRY(map_pages(space, pages, UserAddr(), 0, count, mm::kProtRead, "[vvar]"));
    return map_pages(space, pages, base + kPageSize, 1, count - 1, mm::kProtRead | mm::kProtExec, "[vdso]");
}

void update_time_page() {
    auto pages = g_pages.lock();
    if (*pages) write_time_page((*pages)->time_page());
}

}  // namespace astra::sched
