// Names of Unix sockets.
#include "guest_kernel/net/unix/names.hpp"

#include <cstddef>

#include "guest_kernel/base/format.hpp"
#include "guest_kernel/fs/names.hpp"
#include "guest_kernel/net/unix/endpoint.hpp"
#include "guest_kernel/sched/process.hpp"

namespace astra::net {

namespace {

using Names = List<UnixName, &UnixName::node>;

constexpr usize kPathOffset = offsetof(abi::SockAddrUn, path);

sched::SpinLocked<Names, sched::Rank::FileRegistry> names_in_use;

std::string_view bytes_of(const Address& address) {
    return {reinterpret_cast<const char*>(address.bytes) + kPathOffset, address.length - kPathOffset};
}
bool is_abstract(const Address& address) { return address.bytes[kPathOffset] == 0; }

/// The path without its terminator.
std::string_view path_of(const Address& address) {
    std::string_view bytes = bytes_of(address);
    usize end = bytes.find('\0');
    return end == std::string_view::npos ? bytes : bytes.substr(0, end);
}

Result<void> check(const Address& address) {
    if (address.length < kPathOffset || address.length > sizeof(abi::SockAddrUn) ||
        address.family() != kUnixFamily)
        return fail(Errno::kEINVAL);
    return {};
}

/// Abstract names by their bytes and the socket's type, others by their inode.
UnixName* find(const Names& names, const Address& address, SocketType type, const fs::Inode* inode) {
    for (UnixName& name : names) {
        bool same =
            inode ? name.inode.get() == inode
                  : !name.inode && name.owner->type == type && bytes_of(name.address) == bytes_of(address);
        if (same) return &name;
    }
    return nullptr;
}

/// The next of the names that bind(2) hands out: a zero byte and five hexadecimal digits.
Address automatic_name() {
    static constinit std::atomic<u32> last{0};
    Address address = unnamed();
    char digits[8];
    format_to(digits, sizeof digits, "%05x", last.fetch_add(1) & 0xfffff);
    __builtin_memcpy(address.bytes + kPathOffset + 1, digits, 5);
    address.length = kPathOffset + 6;
    return address;
}

}  // namespace

Address unnamed() {
    Address address;
    address.bytes[0] = kUnixFamily;
    address.length = kPathOffset;
    return address;
}

Result<Ref<UnixName>> make_name(const Address& address, SocketType type) {
    TRY(check(address));
    auto name = TRY(make_ref<UnixName>());
    if (address.length == kPathOffset) {
        do name->address = automatic_name();
        while (find(*names_in_use.lock(), name->address, type, nullptr));
        return name;
    }
    name->address = address;
    if (is_abstract(address)) return name;
    std::string_view path = path_of(address);
    fs::Path base = TRY(fs::at(fs::kAtCwd, path));
    Result<fs::Path> made = fs::make_node(base, path, fs::kTypeSocket | 0777, 0);
    if (!made) return fail(made.error() == Errno::kEEXIST ? Errno::kEADDRINUSE : made.error());
    name->inode = made->inode();
    // What getsockname(2) tells has a terminator, whether or not bind(2) was given one.
    name->address.length = kPathOffset + path.size() + 1;
    if (path.size() < sizeof(abi::SockAddrUn::path)) name->address.bytes[kPathOffset + path.size()] = 0;
    return name;
}

Result<void> publish(UnixName& name, Endpoint& owner) {
    auto names = names_in_use.lock();
    if (find(*names, name.address, owner.type, name.inode.get())) return fail(Errno::kEADDRINUSE);
    name.owner = &owner;
    names->push_back(name);
    return {};
}

void forget(UnixName& name, Endpoint& owner) {
    auto names = names_in_use.lock();
    if (name.owner != &owner) return;
    names->remove(name);
    name.owner = nullptr;
}

Result<Ref<Endpoint>> find_endpoint(const Address& address, SocketType type) {
    TRY(check(address));
    if (address.length == kPathOffset) return fail(Errno::kEINVAL);
    Ref<fs::Inode> inode;
    if (!is_abstract(address)) {
        std::string_view path = path_of(address);
        fs::Path found = TRY(fs::resolve(TRY(fs::at(fs::kAtCwd, path)), path, fs::kFollow));
        inode = found.inode();
        TRY(fs::check_access(*inode, fs::kWrite, sched::current_process().credentials()));
        if (inode->type() != fs::kTypeSocket) return fail(Errno::kECONNREFUSED);
    }
    auto names = names_in_use.lock();
    UnixName* name = find(*names, address, type, inode.get());
    if (!name) return fail(Errno::kECONNREFUSED);
    return Ref<Endpoint>(*name->owner);
}

}  // namespace astra::net
