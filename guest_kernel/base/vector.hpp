// Vector and String whose growth can fail: out of memory is an error code, not a panic.
#pragma once
#include <algorithm>
#include <new>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

#include "guest_kernel/base/result.hpp"

namespace astra {

template <class T>
class Vector {
  public:
    Vector() = default;
    Vector(Vector&& o) noexcept
        : data_(std::exchange(o.data_, nullptr)),
          size_(std::exchange(o.size_, 0)),
          capacity_(std::exchange(o.capacity_, 0)) {}
    Vector& operator=(Vector&& o) noexcept {
        std::swap(data_, o.data_);
        std::swap(size_, o.size_);
        std::swap(capacity_, o.capacity_);
        return *this;
    }
    Vector(const Vector&) = delete;
    Vector& operator=(const Vector&) = delete;
    ~Vector() {
        clear();
        ::operator delete(data_);
    }

    [[nodiscard]] usize size() const { return size_; }
    [[nodiscard]] bool empty() const { return size_ == 0; }
    T* data() { return data_; }
    const T* data() const { return data_; }
    T& operator[](usize i) { return data_[i]; }
    const T& operator[](usize i) const { return data_[i]; }
    T* begin() { return data_; }
    T* end() { return data_ + size_; }
    const T* begin() const { return data_; }
    const T* end() const { return data_ + size_; }
    T& back() { return data_[size_ - 1]; }
    operator std::span<const T>() const { return {data_, size_}; }

    /// Room for `capacity` elements in all. ENOMEM leaves the vector as it was.
    Result<void> reserve(usize capacity) {
        if (capacity <= capacity_) return {};
        if (capacity > ~usize{0} / sizeof(T)) return fail(Errno::kENOMEM);
        auto* fresh = static_cast<T*>(::operator new(capacity * sizeof(T), std::nothrow));
        if (!fresh) return fail(Errno::kENOMEM);
        for (usize i = 0; i < size_; i++) {
            new (fresh + i) T(std::move(data_[i]));
            data_[i].~T();
        }
        ::operator delete(data_);
        data_ = fresh;
        capacity_ = capacity;
        return {};
    }
    Result<void> push_back(T value) {
        TRY(make_room(size_ + 1));
        new (data_ + size_++) T(std::move(value));
        return {};
    }
    Result<void> insert(usize at, T value) {
        TRY(push_back(std::move(value)));
        for (usize i = size_ - 1; i > at; i--) std::swap(data_[i], data_[i - 1]);
        return {};
    }
    Result<void> append(std::span<const T> values) {
        TRY(make_room(size_ + values.size()));
        for (const T& v : values) new (data_ + size_++) T(v);
        return {};
    }
    /// Grows with value-initialised elements or drops the tail.
    Result<void> resize(usize size) {
        TRY(make_room(size));
        while (size_ > size) data_[--size_].~T();
        if constexpr (std::is_integral_v<T>) {  // a megabyte of bytes, one by one, takes 300 us
            if (size_ < size) __builtin_memset(data_ + size_, 0, (size - size_) * sizeof(T));
            size_ = size;
        }
        while (size_ < size) new (data_ + size_++) T();
        return {};
    }
    void remove(usize at) {
        for (usize i = at; i + 1 < size_; i++) data_[i] = std::move(data_[i + 1]);
        pop_back();
    }
    void pop_back() { data_[--size_].~T(); }
    void clear() {
        while (size_) pop_back();
    }

  private:
    // At least doubles, so that growing step by step costs a constant share per element.
    Result<void> make_room(usize size) {
        if (size <= capacity_) return {};
        return reserve(std::max(size, capacity_ ? capacity_ * 2 : usize{8}));
    }
    T* data_ = nullptr;
    usize size_ = 0, capacity_ = 0;
};

/// Owned bytes, usually text; no terminator kept.
class String {
  public:
    String() = default;
    static Result<String> from(std::string_view text) {
        String s;
        TRY(s.append(text));
        return s;
    }
    [[nodiscard]] Result<String> clone() const { return from(view()); }
    [[nodiscard]] std::string_view view() const { return {bytes_.data(), bytes_.size()}; }
    operator std::string_view() const { return view(); }
    [[nodiscard]] usize size() const { return bytes_.size(); }
    [[nodiscard]] bool empty() const { return bytes_.empty(); }
    Result<void> append(std::string_view text) { return bytes_.append({text.data(), text.size()}); }
    Result<void> push_back(char c) { return bytes_.push_back(c); }
    Result<void> resize(usize size) { return bytes_.resize(size); }
    char* data() { return bytes_.data(); }
    void clear() { bytes_.clear(); }

  private:
    Vector<char> bytes_;
};

}  // namespace astra
