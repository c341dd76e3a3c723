// The routing table.
#pragma once
#include "guest_kernel/net/stack/link.hpp"

namespace astra::inet {

struct Route {
    IpAddress destination;
    u32 prefix = 0;
    IpAddress gateway{};  // unspecified: the destination is on the link
    Link* link = nullptr;
};

/// How to reach an address.
struct Path {
    Link* link;
    IpAddress next_hop;
    IpAddress source;
};

class Routes {
  public:
    /// Errors: ENOMEM.
    Result<void> add(const Route& route) { return routes_.push_back(route); }
    /// The route with the longest prefix that leads to `to`, over `link` (0: any); nullptr: none.
    [[nodiscard]] const Route* find(const IpAddress& to, u32 link) const {
        const Route* best = nullptr;
        for (const Route& route : routes_) {
            if (link && route.link->index != link) continue;
            if (to.in_prefix(route.destination, route.prefix) && (!best || route.prefix > best->prefix))
                best = &route;
        }
        return best;
    }
    [[nodiscard]] std::span<const Route> all() const { return routes_; }

  private:
    Vector<Route> routes_;
};

}  // namespace astra::inet
