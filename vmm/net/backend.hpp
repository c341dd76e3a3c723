// What a virtio-net device is connected to: a network of the host's.
#pragma once
#include <poll.h>

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "guest_kernel/abi/virtio.hpp"
#include "vmm/base/error.hpp"

namespace astra::vmm::net {

/// Sends and receives Ethernet frames. Used by one thread, which polls its descriptors. Never blocks.
class Backend {
  public:
    /// Takes a frame for the guest, with the header that says what is left to do. False: there is no room;
    /// what is not kept is lost, as on any network.
    using Deliver = std::function<bool(const abi::virtio::net::Header& header, std::span<const u8> frame)>;

    virtual ~Backend() = default;
    /// Where frames for the guest go. Called once, before all else.
    void attach(Deliver deliver) { deliver_ = std::move(deliver); }
    /// Features of the device that the backend can stand for: checksums, segmentation.
    [[nodiscard]] virtual u64 features() const = 0;
    /// The driver chose among features().
    virtual void set_features(u64 features) = 0;
    [[nodiscard]] virtual u16 mtu() const = 0;
    /// A frame of the guest's.
    virtual void send(const abi::virtio::net::Header& header, std::span<const u8> frame) = 0;
    /// Adds the descriptors to wait for, and lowers `timeout_ms` (-1: for ever) to when it has something to
    /// do. `room`: the guest takes frames.
    virtual void prepare(std::vector<pollfd>& descriptors, int& timeout_ms, bool room) = 0;
    /// After the wait: `descriptors` are those prepare() added.
    virtual void serve(std::span<const pollfd> descriptors) = 0;

  protected:
    Deliver deliver_;
};

/// A port of the host that leads to one of the guest's.
struct Forward {
    u32 host_address = 0x7f00'0001;  // in host byte order
    u16 host_port = 0, guest_port = 0;
    bool udp = false;
};

/// Which network a guest gets.
struct Config {
    enum class Kind { None, User, Tap } kind = Kind::None;
    bool host_loopback = false;          // User: the gateway's address leads to the host's loopback
    std::vector<Forward> forwards;       // User
    std::string tap;                     // Tap: the interface's name
    std::string guest_address, gateway;  // Tap: "10.1.0.2/24", "10.1.0.1"; empty: by DHCP
};
/// Reads "none", "user[,host-loopback]" or "tap=NAME[,ip=ADDRESS/PREFIX[,gateway=ADDRESS]]", and forwards of
/// the form [ADDRESS:]HOST:GUEST[/udp]. Errors: InvalidArgument.
[[nodiscard]] Result<Config> parse_config(std::string_view network, std::span<const std::string> forwards);
/// What the kernel's command line says about the guest's address (abi/machine.hpp).
[[nodiscard]] std::string kernel_words(const Config& config);
/// An IPv4 address as text; the argument is in host byte order.
[[nodiscard]] std::string address_text(u32 address);
/// The backend of a configuration that is not None. Errors: those of the functions below.
[[nodiscard]] Result<std::unique_ptr<Backend>> make_backend(const Config& config);

/// The guest's place in the `user` network, as numbers in host byte order.
inline constexpr u32 kUserNetwork = 0x0a00'0200, kUserMask = 0xffff'ff00, kUserGateway = 0x0a00'0202,
                     kUserNameServer = 0x0a00'0203, kUserGuest = 0x0a00'020f;

/// The `user` network: libslirp translates between the guest's packets and sockets of this process. Errors: a
/// port cannot be forwarded.
[[nodiscard]] Result<std::unique_ptr<Backend>> make_user_backend(std::span<const Forward> forwards,
                                                                 bool host_loopback);
/// An existing tap interface of the host, by name. Errors: there is none, it is in use, or this process may
/// not.
[[nodiscard]] Result<std::unique_ptr<Backend>> make_tap_backend(const std::string& name);

}  // namespace astra::vmm::net
