// RAII for file descriptors and mappings.
#pragma once
#include <sys/mman.h>
#include <unistd.h>

#include <span>
#include <utility>

#include "guest_kernel/base/types.hpp"

namespace astra::vmm {

/// Owns a file descriptor; -1 is none.
class Fd {
  public:
    Fd() = default;
    explicit Fd(int fd) : fd_(fd) {}
    Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Fd& operator=(Fd&& other) noexcept {
        if (this != &other) reset(std::exchange(other.fd_, -1));
        return *this;
    }
    ~Fd() { reset(); }
    [[nodiscard]] int get() const { return fd_; }
    [[nodiscard]] bool valid() const { return fd_ >= 0; }
    [[nodiscard]] int release() { return std::exchange(fd_, -1); }
    void reset(int fd = -1) {
        if (fd_ >= 0) ::close(fd_);
        fd_ = fd;
    }

  private:
    int fd_ = -1;
};

/// Owns an mmap()ed range.
class Mapping {
  public:
    Mapping() = default;
    Mapping(void* base, usize size) : base_(static_cast<u8*>(base)), size_(size) {}
    Mapping(Mapping&& o) noexcept
        : base_(std::exchange(o.base_, nullptr)), size_(std::exchange(o.size_, 0)) {}
    Mapping& operator=(Mapping&& o) noexcept {
        if (this != &o) {
            unmap();
            base_ = std::exchange(o.base_, nullptr);
            size_ = std::exchange(o.size_, 0);
        }
        return *this;
    }
    ~Mapping() { unmap(); }
    [[nodiscard]] u8* data() const { return base_; }
    [[nodiscard]] usize size() const { return size_; }
    [[nodiscard]] bool valid() const { return base_ != nullptr; }
    [[nodiscard]] std::span<u8> span() const { return {base_, size_}; }

  private:
    void unmap() {
        if (base_) ::munmap(base_, size_);
        base_ = nullptr;
    }
    u8* base_ = nullptr;
    usize size_ = 0;
};

}  // namespace astra::vmm
