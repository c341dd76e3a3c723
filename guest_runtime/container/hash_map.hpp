// HashMap and HashSet: SipHash-1-3 with random keys, so that nobody can choose colliding keys, as in Rust.
#pragma once
#include <concepts>
#include <optional>
#include <string_view>

#include "guest_kernel/base/vector.hpp"
#include "guest_runtime/container/sip_hash.hpp"
#include "guest_runtime/io/error.hpp"

namespace astra {

/// What a key is hashed as: text by its bytes, numbers by theirs. Other types have `hash_bytes(key, hasher)`.
template <class K>
u64 hash_of(const K& key, const SipKeys& keys) {
    SipHasher hasher(keys);
    if constexpr (std::is_convertible_v<const K&, std::string_view>) {
        std::string_view text = key;
        hasher.write({reinterpret_cast<const u8*>(text.data()), text.size()});
    } else if constexpr (std::is_integral_v<K> || std::is_enum_v<K> || std::is_pointer_v<K>) {
        hasher.write({reinterpret_cast<const u8*>(&key), sizeof key});
    } else {
        hash_bytes(key, hasher);
    }
    return hasher.finish();
}

/// Keys with values; open addressing, linear probing, at most 7/8 full. Looking up a String key takes a
/// std::string_view. References and iterators last until something is inserted or removed.
///     HashMap<String, int> ages;
///     TRY(ages.insert(TRY(String::from("Ada")), 36));
///     if (int* age = ages.get("Ada")) …
template <class K, class V>
class HashMap {
    struct Slot {
        u64 hash;
        std::optional<std::pair<K, V>> entry;
    };

  public:
    HashMap() = default;
    HashMap(HashMap&&) noexcept = default;
    HashMap& operator=(HashMap&&) noexcept = default;

    [[nodiscard]] usize len() const { return used_; }
    [[nodiscard]] bool is_empty() const { return used_ == 0; }
    /// Null when the key is not there.
    template <class Q>
    [[nodiscard]] V* get(const Q& key) {
        Slot* slot = find(key);
        return slot ? &slot->entry->second : nullptr;
    }
    template <class Q>
    [[nodiscard]] const V* get(const Q& key) const {
        return const_cast<HashMap*>(this)->get(key);
    }
    template <class Q>
    [[nodiscard]] bool contains_key(const Q& key) const {
        return get(key) != nullptr;
    }
    /// Sets the key's value; answers the one it had. OutOfMemory leaves the map as it was.
    io::Result<std::optional<V>> insert(K key, V value) {
        if (Slot* slot = find(key))
            return std::optional<V>(std::exchange(slot->entry->second, std::move(value)));
        TRY(make_room());
        u64 hash = hash_of(key, keys_);
        place(hash).entry.emplace(std::move(key), std::move(value));
        used_++;
        return std::optional<V>();
    }
    /// The key's value, made by `make()` when it is not there (Rust's entry().or_insert_with()).
    template <class F>
    io::Result<V*> get_or_insert_with(K key, F make) {
        if (Slot* slot = find(key)) return &slot->entry->second;
        TRY(make_room());
        Slot& slot = place(hash_of(key, keys_));
        slot.entry.emplace(std::move(key), make());
        used_++;
        return &slot.entry->second;
    }
    /// Takes the key out; answers its value.
    template <class Q>
    std::optional<V> remove(const Q& key) {
        Slot* slot = find(key);
        if (!slot) return {};
        std::optional<V> value(std::move(slot->entry->second));
        usize hole = static_cast<usize>(slot - slots_.data());
        slots_[hole].entry.reset();
        // Entries behind the hole move up unless they would go before their place (Knuth, vol. 3, 6.4,
        // algorithm R).
        for (usize i = next(hole); slots_[i].entry; i = next(i)) {
            usize home = slots_[i].hash & (slots_.size() - 1);
            bool stays = hole <= i ? hole < home && home <= i : hole < home || home <= i;
            if (stays) continue;
            slots_[hole].hash = slots_[i].hash;
            slots_[hole].entry.emplace(std::move(*slots_[i].entry));
            slots_[i].entry.reset();
            hole = i;
        }
        used_--;
        return value;
    }
    void clear() {
        for (Slot& slot : slots_) slot.entry.reset();
        used_ = 0;
    }

    /// `for (auto& [key, value] : map)`, in no order.
    class Iterator {
      public:
        Iterator(Slot* at, Slot* end) : at_(at), end_(end) { skip(); }
        std::pair<K, V>& operator*() const { return *at_->entry; }
        Iterator& operator++() {
            at_++;
            skip();
            return *this;
        }
        bool operator==(const Iterator& o) const { return at_ == o.at_; }

      private:
        void skip() {
            while (at_ != end_ && !at_->entry) at_++;
        }
        Slot *at_, *end_;
    };
    Iterator begin() { return {slots_.begin(), slots_.end()}; }
    Iterator end() { return {slots_.end(), slots_.end()}; }

  private:
    [[nodiscard]] usize next(usize i) const { return (i + 1) & (slots_.size() - 1); }
    template <class Q>
    Slot* find(const Q& key) {
        if (slots_.empty()) return nullptr;
        u64 hash = hash_of(key, keys_);
        for (usize i = hash & (slots_.size() - 1); slots_[i].entry; i = next(i))
            if (slots_[i].hash == hash && equal(slots_[i].entry->first, key)) return &slots_[i];
        return nullptr;
    }
    template <class Q>
    static bool equal(const K& a, const Q& b) {
        if constexpr (std::is_convertible_v<const K&, std::string_view>)
            return std::string_view(a) == std::string_view(b);
        else
            return a == b;
    }
    Slot& place(u64 hash) {
        usize i = hash & (slots_.size() - 1);
        while (slots_[i].entry) i = next(i);
        slots_[i].hash = hash;
        return slots_[i];
    }
    io::Result<void> make_room() {
        if ((used_ + 1) * 8 <= slots_.size() * 7) return {};
        if (slots_.empty()) keys_ = random_sip_keys();
        Vector<Slot> bigger;
        TRY(bigger.resize(slots_.empty() ? 8 : slots_.size() * 2));
        std::swap(slots_, bigger);
        for (Slot& old : bigger)
            if (old.entry) place(old.hash).entry.emplace(std::move(*old.entry));
        return {};
    }

    Vector<Slot> slots_;  // a power of two of them
    usize used_ = 0;
    SipKeys keys_{};
};

/// A set of keys.
template <class K>
class HashSet {
  public:
    [[nodiscard]] usize len() const { return map_.len(); }
    /// True when it was not there.
    io::Result<bool> insert(K key) {
        auto before = TRY(map_.insert(std::move(key), Nothing{}));
        return !before.has_value();
    }
    template <class Q>
    [[nodiscard]] bool contains(const Q& key) const {
        return map_.contains_key(key);
    }
    template <class Q>
    bool remove(const Q& key) {
        return map_.remove(key).has_value();
    }

  private:
    struct Nothing {};
    HashMap<K, Nothing> map_;
};

}  // namespace astra
