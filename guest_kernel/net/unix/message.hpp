// Messages on their way between Unix sockets: bytes, and the open files and credentials that travel with
// them.
#pragma once
#include "guest_kernel/abi/structs.hpp"
#include "guest_kernel/base/list.hpp"
#include "guest_kernel/base/vector.hpp"
#include "guest_kernel/fs/file.hpp"

namespace astra::net {

class Endpoint;

/// One send, or a part of it on a stream. The bytes lie behind the object, in the same allocation.
class Message {
  public:
    /// Room for `capacity` bytes. Errors: ENOMEM.
    static Result<Own<Message>> make(usize capacity);
    ~Message();
    static void operator delete(void* memory) { ::operator delete(memory); }

    [[nodiscard]] std::span<u8> room() { return {reinterpret_cast<u8*>(this + 1), capacity_}; }
    /// Says that the first `size` bytes of room() are the message.
    void set_size(usize size) { size_ = size; }
    [[nodiscard]] usize size() const { return size_; }
    /// What has not been received yet.
    [[nodiscard]] std::span<const u8> unread() const {
        return {reinterpret_cast<const u8*>(this + 1) + taken_, size_ - taken_};
    }
    void advance(usize bytes) { taken_ += bytes; }
    /// What it counts for against a socket's buffer: all the memory it takes.
    [[nodiscard]] usize cost() const { return sizeof *this + capacity_; }

    /// Files in flight. Errors of attach: ETOOMANYREFS, when too many are under way in the whole system.
    Result<void> attach(Vector<Ref<fs::File>> files);
    [[nodiscard]] Vector<Ref<fs::File>> detach();
    [[nodiscard]] const Vector<Ref<fs::File>>& files() const { return files_; }

    ListNode node;
    abi::UCred sender{};
    Ref<Endpoint> from;  // whose name, when it is received, is the sender's; null: nobody's

  private:
    explicit Message(usize capacity);
    const usize capacity_;
    usize size_ = 0, taken_ = 0;
    Vector<Ref<fs::File>> files_;
};

using MessageList = List<Message, &Message::node>;

/// Ends the messages of a list, and their files. Those may be sockets that hold messages with files in turn:
/// they end one after the other, not one inside the other. Call without locks.
void drop_messages(MessageList& messages);

}  // namespace astra::net
