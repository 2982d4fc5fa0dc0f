// Where a socket goes: URLs taken apart, hosts turned into socket addresses before a run starts.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace tacho {

/// The parts of an http(s) URL.
struct Url {
  bool is_tls = false;
  std::string host;  ///< Without the brackets of an IPv6 address.
  std::uint16_t port = 0;
  std::string path;        ///< Starts with '/', or is empty; no query.
  std::string query = {};  ///< Starts with '?', or is empty. fetch() sends it along.

  /// scheme://host:port, with brackets where needed.
  std::string origin() const;
  /// host:port as the Host header wants it; the scheme's own port is left out.
  std::string host_header() const;
};

/// Takes a URL apart; "host:8000" without a scheme means http.
Result<Url> parse_url(std::string_view text);

/// A socket address, ready for connect and bind.
struct Address {
  sockaddr_storage storage{};
  socklen_t length = 0;
  std::string text;  ///< For messages: "127.0.0.1:8000", or the path of a UNIX socket.

  /// The port, in host byte order; 0 where there is none.
  std::uint16_t port() const;
};

/// Looks the host up (blocking; before a run only). The first address is used.
Result<Address> resolve(const std::string& host, std::uint16_t port);

}  // namespace tacho
