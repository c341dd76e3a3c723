// A tap interface (Linux Documentation/networking/tuntap.rst), with virtio-net headers, so that checksums and
// segmentation are the host's work.
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "vmm/base/fd.hpp"
#include "vmm/net/backend.hpp"

namespace astra::vmm::net {
namespace {

using abi::virtio::net::Header;

constexpr usize kMaxFrame = 65550 + sizeof(Header);
constexpr u32 kFramesPerVisit = 64;

class TapBackend final : public Backend {
  public:
    TapBackend(Fd fd, u16 mtu) : fd_(std::move(fd)), mtu_(mtu), buffer_(kMaxFrame) {}
    [[nodiscard]] u64 features() const override {
        using namespace abi::virtio::net;
        return kFeatureCsum | kFeatureGuestCsum | kFeatureGuestTso4 | kFeatureGuestTso6 | kFeatureHostTso4 |
               kFeatureHostTso6;
    }
    void set_features(u64 features) override;
    [[nodiscard]] u16 mtu() const override { return mtu_; }
    void send(const Header& header, std::span<const u8> frame) override {
        iovec parts[] = {{const_cast<Header*>(&header), sizeof header},
                         {const_cast<u8*>(frame.data()), frame.size()}};
        (void)::writev(fd_.get(), parts, 2);  // no room: lost, as on any network
    }
    void prepare(std::vector<pollfd>& descriptors, int&, bool room) override {
        descriptors.push_back({fd_.get(), static_cast<short>(room ? POLLIN : 0), 0});
    }
    void serve(std::span<const pollfd> descriptors) override;

  private:
    Fd fd_;
    u16 mtu_;
    std::vector<u8> buffer_;
};

void TapBackend::set_features(u64 features) {
    using namespace abi::virtio::net;
    unsigned offload = 0;
    if (features & kFeatureGuestCsum) offload |= TUN_F_CSUM;
    if (features & kFeatureGuestTso4) offload |= TUN_F_TSO4;
    if (features & kFeatureGuestTso6) offload |= TUN_F_TSO6;
    // Refused: the host does the work itself.
    (void)::ioctl(fd_.get(), TUNSETOFFLOAD, offload);
}

void TapBackend::serve(std::span<const pollfd> descriptors) {
    if (!(descriptors[0].revents & POLLIN)) return;
    for (u32 i = 0; i < kFramesPerVisit; i++) {
        ssize_t got = ::read(fd_.get(), buffer_.data(), buffer_.size());
        if (got <= static_cast<ssize_t>(sizeof(Header))) return;
        Header header;
        std::memcpy(&header, buffer_.data(), sizeof header);
        if (!deliver_(header,
                      std::span(buffer_).subspan(sizeof header, static_cast<usize>(got) - sizeof header)))
            return;
    }
}

Result<u16> mtu_of(const ifreq& named) {
    Fd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ifreq request = named;
    if (!fd.valid() || ::ioctl(fd.get(), SIOCGIFMTU, &request) < 0) return fail_errno("the tap's MTU");
    return static_cast<u16>(request.ifr_mtu);
}

}  // namespace

Result<std::unique_ptr<Backend>> make_tap_backend(const std::string& name) {
    ifreq request{};
    if (name.empty() || name.size() >= sizeof request.ifr_name)
        return fail(Code::InvalidArgument, fmt::format("'{}' is not an interface's name", name));
    if (::if_nametoindex(name.c_str()) == 0)
        return fail(Code::NotFound, fmt::format("there is no interface {}", name),
                    fmt::format("make it: ip tuntap add dev {} mode tap user $USER", name));
    std::memcpy(request.ifr_name, name.data(), name.size());
    request.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
    Fd fd(::open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK));
    if (!fd.valid()) return fail_errno("/dev/net/tun");
    if (::ioctl(fd.get(), TUNSETIFF, &request) < 0) return fail_errno("tap " + name);
    int header = sizeof(Header);
    if (::ioctl(fd.get(), TUNSETVNETHDRSZ, &header) < 0) return fail_errno("tap " + name + ": header size");
    u16 mtu = TRY(mtu_of(request));
    return std::make_unique<TapBackend>(std::move(fd), mtu);
}

}  // namespace astra::vmm::net
