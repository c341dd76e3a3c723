// Intrusive doubly linked list: links live in the objects, so linking never allocates and never fails.
#pragma once
#include "guest_kernel/base/types.hpp"

namespace astra {

/// A link an object embeds, one per list it can be on. Must be off every list when it dies.
struct ListNode {
    ListNode* prev = nullptr;
    ListNode* next = nullptr;
    ListNode() = default;
    ListNode(const ListNode&) = delete;
    ListNode& operator=(const ListNode&) = delete;
    [[nodiscard]] bool linked() const { return next != nullptr; }
    void unlink() {
        if (!linked()) return;
        prev->next = next;
        next->prev = prev;
        prev = next = nullptr;
    }
};

/// List of T through its member `Link`. Does not own; not copyable; empty when it dies or nodes are unlinked.
template <class T, ListNode T::*Link>
class List {
  public:
    List() { head_.prev = head_.next = &head_; }
    List(const List&) = delete;
    List& operator=(const List&) = delete;
    [[nodiscard]] bool empty() const { return head_.next == &head_; }
    void push_back(T& item) { insert(head_.prev, &(item.*Link)); }
    void push_front(T& item) { insert(&head_, &(item.*Link)); }
    /// Inserts `item` before `position`, which is on this list.
    void insert_before(T& position, T& item) { insert((position.*Link).prev, &(item.*Link)); }
    void remove(T& item) { (item.*Link).unlink(); }
    [[nodiscard]] T* front() const { return empty() ? nullptr : owner(head_.next); }
    [[nodiscard]] T* back() const { return empty() ? nullptr : owner(head_.prev); }
    /// The item after `item`, or nullptr at the end.
    [[nodiscard]] T* next(T& item) const {
        ListNode* n = (item.*Link).next;
        return n == &head_ ? nullptr : owner(n);
    }
    /// Moves all of `other` before (after) what is here, in its order.
    void splice_front(List& other) { splice(&head_, other); }
    void splice_back(List& other) { splice(head_.prev, other); }
    T* pop_front() {
        T* item = front();
        if (item) remove(*item);
        return item;
    }

    /// Forward iteration; the current item may be unlinked while iterating.
    class Iterator {
      public:
        Iterator(ListNode* at) : at_(at), next_(at->next) {}
        T& operator*() const { return *owner(at_); }
        Iterator& operator++() {
            at_ = next_;
            next_ = at_->next;
            return *this;
        }
        bool operator!=(const Iterator& other) const { return at_ != other.at_; }

      private:
        ListNode* at_;
        ListNode* next_;
    };
    Iterator begin() const { return Iterator(head_.next); }
    Iterator end() const { return Iterator(const_cast<ListNode*>(&head_)); }

  private:
    static T* owner(ListNode* node) {
        alignas(T) static char probe[1];
        auto* base = reinterpret_cast<T*>(probe);
        usize offset = reinterpret_cast<char*>(&(base->*Link)) - reinterpret_cast<char*>(base);
        return reinterpret_cast<T*>(reinterpret_cast<char*>(node) - offset);
    }
    static void splice(ListNode* after, List& other) {
        if (other.empty()) return;
        ListNode *first = other.head_.next, *last = other.head_.prev;
        last->next = after->next;
        after->next->prev = last;
        after->next = first;
        first->prev = after;
        other.head_.prev = other.head_.next = &other.head_;
    }
    static void insert(ListNode* after, ListNode* node) {
        node->prev = after;
        node->next = after->next;
        after->next->prev = node;
        after->next = node;
    }
    ListNode head_;
};

}  // namespace astra
