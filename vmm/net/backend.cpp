// From a configuration to its backend. Apart from config.cpp, whose users need no libslirp.
#include "vmm/net/backend.hpp"

namespace astra::vmm::net {

Result<std::unique_ptr<Backend>> make_backend(const Config& config) {
    if (config.kind == Config::Kind::Tap) return make_tap_backend(config.tap);
    return make_user_backend(config.forwards, config.host_loopback);
}

}  // namespace astra::vmm::net
