#include "net/source_addresses.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>

#include "base/text.h"

namespace tacho {
namespace {

// More than a machine has, and few enough to be tried one by one.
constexpr std::uint64_t addresses_max = 4096;

/// In host byte order.
std::optional<std::uint32_t> parse_v4(std::string_view text) {
  in_addr parsed{};
  if (inet_pton(AF_INET, std::string(text).c_str(), &parsed) != 1) return std::nullopt;
  return ntohl(parsed.s_addr);
}

Address v4_address(std::uint32_t number) {
  Address address;
  auto& v4 = *reinterpret_cast<sockaddr_in*>(&address.storage);
  v4.sin_family = AF_INET;
  v4.sin_addr.s_addr = htonl(number);
  address.length = sizeof v4;
  char text[INET_ADDRSTRLEN] = "";
  inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
  address.text = text;
  return address;
}

std::optional<Address> v6_address(std::string_view text) {
  Address address;
  auto& v6 = *reinterpret_cast<sockaddr_in6*>(&address.storage);
  v6.sin6_family = AF_INET6;
  if (inet_pton(AF_INET6, std::string(text).c_str(), &v6.sin6_addr) != 1) return std::nullopt;
  address.length = sizeof v6;
  address.text = text;
  return address;
}

Error bad(std::string_view text) {
  return input_error(
      format("--source-addresses takes addresses, ranges (10.0.0.5-10.0.0.9) and IPv4 blocks "
             "(127.0.0.0/28), not '{}'",
             text));
}

/// First and last address of a range or block.
struct Span {
  std::uint32_t first = 0, last = 0;
};

Result<Span> parse_span(std::string_view text) {
  if (const auto slash = text.find('/'); slash != std::string_view::npos) {
    const auto base = parse_v4(text.substr(0, slash));
    const auto bits = parse_integer(text.substr(slash + 1));
    if (!base || !bits || *bits < 1 || *bits > 32) return bad(text);
    const std::uint32_t hosts = *bits == 32 ? 0 : 0xffffffffu >> *bits;
    const Span block{*base & ~hosts, *base | hosts};
    // The first and the last address of a block are no hosts (RFC 922), save in the smallest ones
    // (RFC 3021).
    return hosts < 3 ? block : Span{block.first + 1, block.last - 1};
  }
  const auto dash = text.find('-');
  const auto first = parse_v4(text.substr(0, dash));
  const auto last = dash == std::string_view::npos ? first : parse_v4(text.substr(dash + 1));
  if (!first || !last || *last < *first) return bad(text);
  return Span{*first, *last};
}

}  // namespace

Result<std::vector<Address>> parse_source_addresses(const std::vector<std::string>& list) {
  std::vector<Address> addresses;
  for (const std::string& text : list) {
    if (auto v6 = v6_address(text)) {
      addresses.push_back(std::move(*v6));
      continue;
    }
    const auto span = parse_span(text);
    if (!span) return span.error();
    const std::uint64_t count = std::uint64_t{span->last} - span->first + 1;
    if (addresses.size() + count > addresses_max) {
      return input_error(format("--source-addresses: more than {} addresses", addresses_max));
    }
    for (std::uint64_t i = 0; i < count; ++i) {
      addresses.push_back(v4_address(static_cast<std::uint32_t>(span->first + i)));
    }
  }
  return addresses;
}

Status check_source_addresses(const std::vector<Address>& addresses) {
  for (const Address& address : addresses) {
    const int probe = ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const bool is_ours = probe >= 0 && bind_source(probe, address);
    const int code = errno;
    if (probe >= 0) ::close(probe);
    if (is_ours) continue;
    if (code == EADDRNOTAVAIL) {
      return input_error(
          format("--source-addresses: {} is no address of this machine", address.text));
    }
    return world_error(format("--source-addresses: {}: {}", address.text, std::strerror(code)));
  }
  return Nothing{};
}

Status check_families(const std::vector<Address>& sources, const Address& destination) {
  for (const Address& source : sources) {
    if (source.storage.ss_family == destination.storage.ss_family) continue;
    return input_error(
        format("--source-addresses: nothing can go from {} to {}: one is IPv4, the "
               "other IPv6",
               source.text, destination.text));
  }
  return Nothing{};
}

bool bind_source(int descriptor, const Address& address) {
  const int yes = 1;
  setsockopt(descriptor, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof yes);
  return ::bind(descriptor, reinterpret_cast<const sockaddr*>(&address.storage), address.length) ==
         0;
}

}  // namespace tacho
