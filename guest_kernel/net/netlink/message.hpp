// Messages of rtnetlink: what a request says, and answers in the making.
#pragma once
#include <span>

#include "guest_kernel/base/vector.hpp"

namespace astra::net::netlink {

/// struct nlmsghdr (linux/netlink.h).
struct Header {
    u32 length;
    u16 type, flags;
    u32 sequence, port;
};
enum HeaderFlag : u16 { kRequest = 1, kMulti = 2, kAck = 4, kDump = 0x300 };
enum Type : u16 {
    kError = 2,
    kDone = 3,
    kNewLink = 16,
    kGetLink = 18,
    kNewAddress = 20,
    kGetAddress = 22,
    kNewRoute = 24,
    kGetRoute = 26
};

/// Writes messages one after the other. Running out of memory is remembered and comes out of take().
class Writer {
  public:
    Writer(u32 sequence, u32 port) : sequence_(sequence), port_(port) {}
    void begin(u16 type, u16 flags);
    void end();
    void put(const void* bytes, usize size);
    template <class T>
    void put(const T& value) {
        put(&value, sizeof value);
    }
    /// An attribute: struct rtattr and its value.
    void attribute(u16 type, const void* bytes, usize size);
    template <class T>
    void attribute(u16 type, const T& value) {
        attribute(type, &value, sizeof value);
    }
    Result<Vector<u8>> take();

  private:
    void pad();
    Vector<u8> bytes_;
    usize start_ = 0;
    const u32 sequence_, port_;
    bool failed_ = false;
};

/// Answers a request: the messages of a dump with its end, the one asked for, or the error. Errors: ENOMEM.
Result<Vector<u8>> answer(const Header& request, std::span<const u8> body, u32 port);

}  // namespace astra::net::netlink
