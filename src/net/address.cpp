#include "net/address.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>

#include <algorithm>
#include <memory>

#include "base/text.h"

namespace tacho {
namespace {

std::string bracketed(const std::string& host) {
  return host.find(':') == std::string::npos ? host : format("[{}]", host);
}

Result<std::uint16_t> parse_port(std::string_view text, std::string_view url) {
  const auto port = parse_integer(text);
  if (!port || *port < 1 || *port > 65535) {
    return input_error(format("'{}' is not a port (1 to 65535), in the URL '{}'", text, url));
  }
  return static_cast<std::uint16_t>(*port);
}

}  // namespace

std::string Url::origin() const {
  return format("{}://{}:{}", is_tls ? "https" : "http", bracketed(host), port);
}

std::string Url::host_header() const {
  const bool is_default = port == (is_tls ? 443 : 80);
  return is_default ? bracketed(host) : format("{}:{}", bracketed(host), port);
}

Result<Url> parse_url(std::string_view text) {
  Url url;
  // What is between the lines of a request must not come from a URL.
  const auto is_unfit = [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == '\x7f'; };
  if (std::any_of(text.begin(), text.end(), is_unfit)) {
    return input_error("a URL must not hold spaces or control characters");
  }
  std::string_view rest = text;
  if (const auto scheme_end = rest.find("://"); scheme_end != std::string_view::npos) {
    const std::string scheme = lower(rest.substr(0, scheme_end));
    if (scheme != "http" && scheme != "https") {
      return input_error(format("'{}' is not an http or https URL", text));
    }
    url.is_tls = scheme == "https";
    rest.remove_prefix(scheme_end + 3);
  }
  const auto path_start = rest.find_first_of("/?#");
  std::string_view authority = rest.substr(0, path_start);
  if (path_start != std::string_view::npos && rest[path_start] == '/') {
    url.path = std::string(rest.substr(path_start, rest.find_first_of("?#") - path_start));
  }
  if (const auto query = rest.find('?'); query < rest.find('#')) {
    url.query = std::string(rest.substr(query, rest.find('#') - query));
  }
  if (const auto at = authority.rfind('@'); at != std::string_view::npos) {
    return input_error("a URL must not carry a password; give it with --header or --api-key-env");
  }
  url.port = url.is_tls ? 443 : 80;
  std::string_view port_text;
  if (!authority.empty() && authority.front() == '[') {
    const auto close = authority.find(']');
    if (close == std::string_view::npos) return input_error(format("'{}' is not a URL", text));
    url.host = std::string(authority.substr(1, close - 1));
    const auto after = authority.substr(close + 1);
    if (!after.empty() && after.front() != ':') {
      return input_error(format("'{}' is not a URL", text));
    }
    if (!after.empty()) port_text = after.substr(1);
  } else {
    const auto colon = authority.rfind(':');
    url.host = std::string(authority.substr(0, colon));
    if (colon != std::string_view::npos) port_text = authority.substr(colon + 1);
    if (url.host.find_first_of(":[]") != std::string::npos) {
      return input_error(
          format("'{}' is not a URL: an IPv6 address stands in brackets, [::1]:8000", text));
    }
  }
  if (url.host.empty()) return input_error(format("'{}' is not a URL: it names no host", text));
  if (!port_text.empty()) {
    auto port = parse_port(port_text, text);
    if (!port) return port.error();
    url.port = *port;
  }
  return url;
}

std::uint16_t Address::port() const {
  if (storage.ss_family == AF_INET) {
    return ntohs(reinterpret_cast<const sockaddr_in*>(&storage)->sin_port);
  }
  if (storage.ss_family != AF_INET6) return 0;
  return ntohs(reinterpret_cast<const sockaddr_in6*>(&storage)->sin6_port);
}

Result<Address> resolve(const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int code = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> list(found, &freeaddrinfo);
  if (code != 0) {
    return world_error(format("cannot look up the host '{}': {}", host, gai_strerror(code)));
  }
  Address address;
  __builtin_memcpy(&address.storage, found->ai_addr, found->ai_addrlen);
  address.length = found->ai_addrlen;
  address.text = format("{}:{}", bracketed(host), port);
  return address;
}

}  // namespace tacho
