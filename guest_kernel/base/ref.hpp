// Reference-counted objects: RefCounted is the base, Ref<T> the owner. Counts are atomic; objects are shared
// by CPUs.
#pragma once
#include <atomic>
#include <new>
#include <utility>

#include "guest_kernel/base/result.hpp"

namespace astra {

/// Base of shared objects. Born with one reference, which make_ref hands to its Ref. `destroy()` runs at the
/// last one.
class RefCounted {
  public:
    RefCounted() = default;
    RefCounted(const RefCounted&) = delete;
    RefCounted& operator=(const RefCounted&) = delete;
    virtual ~RefCounted() = default;
    void ref() const { count_.fetch_add(1, std::memory_order_relaxed); }
    void unref() const {
        if (count_.fetch_sub(1, std::memory_order_acq_rel) == 1) const_cast<RefCounted*>(this)->destroy();
    }
    /// Takes a reference unless the last one is already gone: for registries of objects they do not own.
    [[nodiscard]] bool try_ref() const {
        u32 count = count_.load(std::memory_order_relaxed);
        while (count != 0)
            if (count_.compare_exchange_weak(count, count + 1, std::memory_order_acquire)) return true;
        return false;
    }
    [[nodiscard]] u32 ref_count() const { return count_.load(std::memory_order_relaxed); }

  protected:
    virtual void destroy() { delete this; }

  private:
    mutable std::atomic<u32> count_{1};
};

/// Owning pointer to a RefCounted T; may be null.
template <class T>
class Ref {
  public:
    Ref() = default;
    Ref(std::nullptr_t) {}
    /// Shares `object`: takes a new reference.
    explicit Ref(T& object) : object_(&object) { object_->ref(); }
    /// Takes over a reference the caller owns.
    static Ref adopt(T* object) {
        Ref r;
        r.object_ = object;
        return r;
    }
    Ref(const Ref& o) : object_(o.object_) {
        if (object_) object_->ref();
    }
    Ref(Ref&& o) noexcept : object_(std::exchange(o.object_, nullptr)) {}
    template <class U>
    requires std::is_convertible_v<U*, T*> Ref(const Ref<U>& o) : object_(o.get()) {
        if (object_) object_->ref();
    }
    template <class U>
    requires std::is_convertible_v<U*, T*> Ref(Ref<U>&& o) : object_(o.leak()) {}
    Ref& operator=(Ref o) noexcept {
        std::swap(object_, o.object_);
        return *this;
    }
    ~Ref() {
        if (object_) object_->unref();
    }
    [[nodiscard]] T* get() const { return object_; }
    T* operator->() const { return object_; }
    T& operator*() const { return *object_; }
    explicit operator bool() const { return object_ != nullptr; }
    /// Gives up the reference without dropping it.
    [[nodiscard]] T* leak() { return std::exchange(object_, nullptr); }
    friend bool operator==(const Ref& a, const Ref& b) { return a.object_ == b.object_; }

  private:
    T* object_ = nullptr;
};

/// Makes a T, or ENOMEM.
template <class T, class... Args>
Result<Ref<T>> make_ref(Args&&... args) {
    T* object = new (std::nothrow) T(std::forward<Args>(args)...);
    if (!object) return fail(Errno::kENOMEM);
    return Ref<T>::adopt(object);
}

/// Sole owner of a heap object; may be null.
template <class T>
class Own {
  public:
    Own() = default;
    explicit Own(T* object) : object_(object) {}
    Own(Own&& o) noexcept : object_(std::exchange(o.object_, nullptr)) {}
    Own& operator=(Own o) noexcept {
        std::swap(object_, o.object_);
        return *this;
    }
    ~Own() { delete object_; }
    [[nodiscard]] T* get() const { return object_; }
    T* operator->() const { return object_; }
    T& operator*() const { return *object_; }
    explicit operator bool() const { return object_ != nullptr; }
    [[nodiscard]] T* leak() { return std::exchange(object_, nullptr); }

  private:
    T* object_ = nullptr;
};

template <class T, class... Args>
Result<Own<T>> make_own(Args&&... args) {
    T* object = new (std::nothrow) T(std::forward<Args>(args)...);
    if (!object) return fail(Errno::kENOMEM);
    return Own<T>(object);
}

}  // namespace astra
