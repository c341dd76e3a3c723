// Box and Arc: owning pointers whose making can fail.
#pragma once
#include <new>
#include <utility>

#include "guest_kernel/base/ref.hpp"
#include "guest_runtime/io/error.hpp"
#include "guest_runtime/os/panic.hpp"

namespace astra {

/// Owns one T on the heap. Using an empty or moved-from one panics.
///     auto box = TRY(Box<Shape>::make(3));
template <class T>
class Box {
  public:
    Box() = default;
    /// Takes over an object made with new; null makes an empty Box.
    static Box adopt(T* object) {
        Box b;
        b.object_ = object;
        return b;
    }
    template <class... A>
    static io::Result<Box> make(A&&... a) {
        auto* object = new (std::nothrow) T(std::forward<A>(a)...);
        if (!object) return std::unexpected(io::Error(Errno::kENOMEM));
        return adopt(object);
    }
    Box(Box&& o) noexcept : object_(std::exchange(o.object_, nullptr)) {}
    template <class U>
    requires std::is_convertible_v<U*, T*> Box(Box<U>&& o) : object_(o.into_raw()) {}
    Box& operator=(Box&& o) noexcept {
        std::swap(object_, o.object_);
        return *this;
    }
    ~Box() { delete object_; }
    T& operator*() const { return *checked(); }
    T* operator->() const { return checked(); }
    [[nodiscard]] T* get() const { return object_; }
    explicit operator bool() const { return object_; }
    /// Gives the object away: the caller deletes it.
    T* into_raw() { return std::exchange(object_, nullptr); }

  private:
    T* checked() const {
        assert_that(object_, "use of an empty or moved Box");
        return object_;
    }
    T* object_ = nullptr;
};

/// Shares one T among threads; the last owner destroys it. Copying an Arc shares, as Rust's Arc::clone.
///     auto counter = TRY(Arc<sync::Mutex<int>>::make(0));
template <class T>
class Arc {
    struct Inner : RefCounted {
        template <class... A>
        explicit Inner(A&&... a) : value(std::forward<A>(a)...) {}
        T value;
    };

  public:
    Arc() = default;
    template <class... A>
    static io::Result<Arc> make(A&&... a) {
        auto* inner = new (std::nothrow) Inner(std::forward<A>(a)...);
        if (!inner) return std::unexpected(io::Error(Errno::kENOMEM));
        Arc arc;
        arc.inner_ = Ref<Inner>::adopt(inner);
        return arc;
    }
    [[nodiscard]] Arc clone() const { return *this; }
    T& operator*() const { return checked()->value; }
    T* operator->() const { return &checked()->value; }
    explicit operator bool() const { return inner_.get(); }
    /// How many owners there are; others may come and go meanwhile.
    [[nodiscard]] usize strong_count() const { return checked()->ref_count(); }
    friend bool ptr_eq(const Arc& a, const Arc& b) { return a.inner_.get() == b.inner_.get(); }

  private:
    Inner* checked() const {
        assert_that(inner_.get(), "use of an empty or moved Arc");
        return inner_.get();
    }
    Ref<Inner> inner_;
};

}  // namespace astra
