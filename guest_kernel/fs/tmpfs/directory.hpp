// Directories of tmpfs: names of their own over those of an image.
#pragma once
#include "guest_kernel/fs/tmpfs/node.hpp"

namespace astra::fs::tmpfs {

/// Names in slots: a slot keeps its number as long as its name stays, which makes it a cursor for readers. A
/// hash finds a name in O(1).
class NameTable {
  public:
    static constexpr u32 kNone = ~u32{0};
    struct Slot {
        String name;
        Ref<Node> node;  // null: the name of the image is gone (a whiteout)
        u32 hash = 0, next = kNone;
        bool used = false;
        bool shadows = false;  // the image has the name too
    };
    /// The slot of `name`, or kNone.
    [[nodiscard]] u32 find(std::string_view name) const;
    /// A new slot, with no node yet. Errors: ENOMEM.
    Result<u32> add(std::string_view name, bool shadows);
    void remove(u32 slot);
    [[nodiscard]] Slot& operator[](u32 slot) { return slots_[slot]; }
    [[nodiscard]] u32 size() const { return static_cast<u32>(slots_.size()); }
    [[nodiscard]] bool empty() const { return used_ == 0; }

  private:
    Result<void> grow();
    Vector<Slot> slots_;
    Vector<u32> buckets_;  // a power of two of them, or none
    u32 free_ = kNone, used_ = 0;
};

class Directory final : public Node {
  public:
    using Node::Node;

    Result<Ref<Inode>> lookup(std::string_view name) override;
    Result<Ref<Inode>> create(std::string_view name, const NewInode& what) override;
    Result<Ref<Inode>> create_unnamed(const NewInode& what) override;
    Result<Ref<Inode>> make_directory(std::string_view name, const NewInode& what) override;
    Result<Ref<Inode>> make_symlink(std::string_view name, std::string_view target,
                                    const NewInode& what) override;
    Result<void> link(std::string_view name, Inode& existing) override;
    Result<void> unlink(std::string_view name) override;
    Result<void> remove_directory(std::string_view name) override;
    Result<void> rename(std::string_view name, Inode& new_parent, std::string_view new_name,
                        u32 flags) override;
    Result<void> list(u64& cursor, DirectorySink& sink) override;

  protected:
    [[nodiscard]] u64 size() override { return kPageSize; }
    void destroy() override;

  private:
    [[nodiscard]] bool empty();
    [[nodiscard]] u32 lower_count() { return lower() == kNoLower ? 0 : image().entry_count(lower()); }
    /// The image's inode called `name`, or kNoLower.
    [[nodiscard]] u32 lower_lookup(std::string_view name) {
        return lower() == kNoLower ? kNoLower : image().lookup(lower(), name);
    }
    /// The slot of `name`, made when there is none; it then says what the directory already says. Nothing
    /// after it can fail.
    Result<u32> slot_for(std::string_view name);
    /// What the name stands for from now on; null: nothing.
    void set(u32 slot, Ref<Node> node);
    Result<void> add(std::string_view name, Ref<Node> node);
    Result<Ref<Inode>> add_new(std::string_view name, const NewInode& what, std::string_view target = {});

    NameTable table_;
    u32 own_names_ = 0;  // slots with a node whose name the image lacks
    u32 whiteouts_ = 0;  // slots without a node whose name the image has
    Directory* next_doomed_ = nullptr;
};

}  // namespace astra::fs::tmpfs
