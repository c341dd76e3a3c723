// Fuzzes the kernel's view of a root file system: any bytes are an image, plain or indexed. Whatever they
// say, only they are read, every walk ends, and what lookup finds is what listing shows.
#include <cstdlib>
#include <cstring>

#include "guest_kernel/fs/tar/image.hpp"
#include "tests/fuzz/tar_mutator.hpp"

namespace {

using namespace astra;
using fs::tar::Image;

/// A copy of exactly the input's size, aligned as the kernel has it, so that one byte beyond is seen.
class Bytes {
  public:
    explicit Bytes(std::span<const u8> from) : size_(from.size()) {
        void* at = nullptr;
        if (posix_memalign(&at, kPageSize, size_ ? size_ : 1) != 0) std::abort();
        data_ = static_cast<u8*>(at);
        std::memcpy(data_, from.data(), size_);
    }
    Bytes(const Bytes&) = delete;
    ~Bytes() { std::free(data_); }
    [[nodiscard]] std::span<const u8> span() const { return {data_, size_}; }

  private:
    u8* data_;
    usize size_;
};

u64 visit(const Image& image, u32 number) {
    const abi::image::Inode& inode = *image.inode(number);
    u64 sum = 0;
    std::span<const u8> bytes = image.contents(inode);
    if (!bytes.empty()) sum += bytes.front() + bytes.back();
    for (char c : image.target(inode)) sum += static_cast<u8>(c);
    constexpr u32 kMost = 1000;
    for (u32 i = 0; i < image.entry_count(number) && i < kMost; i++) {
        auto entry = image.entry(number, i);
        if (!entry) continue;
        if (!image.inode(entry->inode)) std::abort();
        u32 found = image.lookup(number, entry->name);
        if (found != Image::kNone && !image.inode(found)) std::abort();
        sum += found;
    }
    return sum;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const u8* data, size_t size) {
    Bytes bytes({data, size});
    auto image = Image::open(bytes.span());
    if (!image) return 0;
    constexpr u32 kMost = 2000;
    volatile u64 sum = 0;
    for (u32 i = 0; i < (*image)->inode_count() && i < kMost; i++) sum = sum + visit(**image, i);
    return 0;
}
