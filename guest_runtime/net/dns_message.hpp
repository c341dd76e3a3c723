// DNS queries and answers on the wire (RFC 1035, section 4; AAAA: RFC 3596).
#pragma once
#include "guest_kernel/base/vector.hpp"
#include "guest_runtime/net/ip.hpp"

namespace astra::net {

enum class DnsType : u16 { A = 1, Aaaa = 28 };

/// A query for the addresses of `name`. InvalidInput for a name that is none: labels of 1–63 bytes, 253 in
/// all.
io::Result<Vector<u8>> make_query(u16 id, std::string_view name, DnsType type);

/// The addresses in an answer to make_query(id, …, type), following aliases (CNAME) by taking every address
/// record. InvalidData when it is malformed or belongs to another query; NotFound when the name does not
/// exist; Other when the server failed.
io::Result<Vector<IpAddr>> read_answer(std::span<const u8> message, u16 id, DnsType type);

}  // namespace astra::net
