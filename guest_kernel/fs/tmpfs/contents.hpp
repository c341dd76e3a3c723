// The bytes of a regular file: the pages written so far, over the file of an image where there is one.
//
// read, write and every mapping share the frames. A page of the image that is whole and aligned is mapped
// where it lies; the first write to it puts a copy in its place and takes the image's page out of shared
// mappings. Two views may go on showing the image's bytes: private mappings (mmap(2) leaves that open), and
// other programs' shared mappings when the first write was itself made through a mapping.
#pragma once
#include "guest_kernel/fs/file.hpp"
#include "guest_kernel/fs/tmpfs/volume.hpp"

namespace astra::fs::tmpfs {

/// F_SEAL_* (include/uapi/linux/fcntl.h).
enum Seal : u32 {
    kSealSeal = 1,
    kSealShrink = 2,
    kSealGrow = 4,
    kSealWrite = 8,
    kSealFutureWrite = 16,
    kSealAll = 31,
};

class Contents final : public mm::PageSource {
  public:
    /// `lower`: the bytes the file starts with, in the direct map for ever.
    Contents(Ref<Volume> volume, u64 number, std::span<const u8> lower)
        : volume_(std::move(volume)), number_(number), lower_(lower), size_(lower.size()) {
        state_.unlocked().lower_limit = lower.size();
    }
    ~Contents() override;
    /// Endless zeros of no file system: what mapping /dev/zero gives.
    static Result<Ref<Contents>> create_anonymous();

    Result<mm::FrameRef> page(u64 index, bool for_write) override;
    mm::FrameRef page_if_resident(u64 index) override;
    Result<void> discard(u64 first, u64 count) override;  // EPERM when sealed
    [[nodiscard]] u64 mapping_size() const override { return size(); }
    [[nodiscard]] Identity identity() const override;

    [[nodiscard]] u64 size() const { return size_.load(std::memory_order_acquire); }
    /// Of 512 bytes, as st_blocks counts.
    [[nodiscard]] u64 blocks();
    Result<usize> read(Buffer& to, u64 offset);

    /// Held by whoever writes, cuts, allocates or punches: one at a time.
    struct Writer {};
    sched::MutexLocked<Writer, sched::Rank::Inode> writer;

    /// What may no longer happen (memfd_create(2), "File sealing"); set with `writer` held, enforced by the
    /// file. Only memfds can be sealed at all.
    std::atomic<u32> seals{kSealSeal};
    bool is_memfd = false;
    [[nodiscard]] bool allows_writing() const override { return !(seals & (kSealWrite | kSealFutureWrite)); }

    /// Writes at `offset`, below `limit`. Short at a bad page or when memory runs out; an error only when
    /// nothing was written.
    Result<usize> write(Buffer& from, u64 offset, u64 limit);
    /// Cuts or extends with zeros.
    Result<void> resize(u64 size);
    /// Gives [from, to) pages of its own. Errors: ENOSPC, ENOMEM.
    Result<void> allocate(u64 from, u64 to);
    /// Zeroes [from, to), freeing whole pages. Errors: ENOMEM.
    Result<void> punch(u64 from, u64 to);

    /// SEEK_DATA and SEEK_HOLE: the first offset at or after `from` with data (without), up to size().
    [[nodiscard]] u64 next_data(u64 from);
    [[nodiscard]] u64 next_hole(u64 from);

  private:
    struct State {
        SparseArray pages;          // page number → physical address of its frame
        u64 lower_limit = 0;        // bytes of lower_ that still count
        bool image_mapped = false;  // some mapping may show pages of the image
    };
    using Locked = sched::MutexLocked<State, sched::Rank::PageSource>;

    /// The frame in the index, or null.
    static mm::FrameRef find(const State& state, u64 index);
    /// Bytes of the image that page `index` starts with.
    [[nodiscard]] std::span<const u8> lower_page(const State& state, u64 index) const;
    /// The frame of the image's page when it can be mapped as it is, or null.
    mm::FrameRef image_frame(State& state, u64 index) const;
    Result<mm::FrameRef> fresh_frame(mm::Zero zero);
    void give_up(mm::FrameRef frame);
    Result<mm::FrameRef> insert(State& state, u64 index, mm::FrameRef frame);
    /// The page in the index, made from the image or from zeros when it is not there.
    Result<mm::FrameRef> own_page(State& state, u64 index);
    void drop_pages(State& state, u64 first, u64 end);
    Result<usize> write_page(Buffer& from, u64 offset, usize count);

    const Ref<Volume> volume_;  // null: anonymous
    const u64 number_;
    const std::span<const u8> lower_;
    std::atomic<u64> size_;
    Locked state_;
};

}  // namespace astra::fs::tmpfs
