#include "cli/bench_locate.h"

#include <cstdlib>

#include "base/text.h"
#include "net/source_addresses.h"
#include "net/unix_socket.h"

namespace tacho {
namespace {

constexpr const char* default_url = "http://127.0.0.1:8000";

/// What the environment variable holds that the flag names.
Result<std::string> secret(const char* flag, const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr || *value == '\0') {
    return input_error(format("{}: the environment variable {} is not set", flag, name));
  }
  return std::string(value);
}

Result<std::vector<std::string>> header_lines(const BenchOptions& options) {
  std::vector<std::string> lines;
  for (const auto& header : options.headers) {
    if (header.find(':') == std::string::npos ||
        header.find_first_of("\r\n") != std::string::npos) {
      return input_error(format("--header '{}': write 'Name: value'", header));
    }
    lines.push_back(header);
  }
  if (options.api_key_env.empty()) return lines;
  auto key = secret("--api-key-env", options.api_key_env);
  if (!key) return key.error();
  lines.push_back("Authorization: Bearer " + *key);
  return lines;
}

Result<TlsVersion> tls_version(const char* flag, const std::string& text, TlsVersion otherwise) {
  if (text.empty()) return otherwise;
  if (text == "1.2") return TlsVersion::tls12;
  if (text == "1.3") return TlsVersion::tls13;
  return input_error(format("{} is 1.2 or 1.3, not '{}'", flag, text));
}

Result<TlsOptions> tls_options(const BenchOptions& options) {
  TlsOptions tls{!options.is_insecure, options.ca_file};
  tls.certificate_file = options.certificate_file;
  tls.key_file = options.key_file;
  if (options.certificate_file.empty() && !options.key_file.empty()) {
    return input_error("--key is the key of a certificate; name that with --cert");
  }
  if (!options.key_password_env.empty()) {
    auto password = secret("--key-pass-env", options.key_password_env);
    if (!password) return password.error();
    tls.key_password = std::move(*password);
  }
  auto oldest = tls_version("--tls-min", options.tls_min, TlsVersion::tls12);
  if (!oldest) return oldest.error();
  auto newest = tls_version("--tls-max", options.tls_max, TlsVersion::tls13);
  if (!newest) return newest.error();
  if (*oldest > *newest) return input_error("--tls-min is above --tls-max");
  tls.oldest = *oldest;
  tls.newest = *newest;
  return tls;
}

/// What was typed for the servers: one URL or several, or a host and a port.
Result<std::vector<Url>> typed_urls(const BenchOptions& options, const std::string& sim_url) {
  std::vector<std::string> typed = options.urls;
  if (!sim_url.empty()) typed = {sim_url};
  if (typed.empty() && !options.host.empty()) {
    const bool has_scheme = options.host.find("://") != std::string::npos;
    typed = {format("{}{}", has_scheme ? "" : "http://", options.host)};
  }
  if (typed.empty()) typed = {options.unix_socket.empty() ? default_url : "http://localhost"};
  std::vector<Url> urls;
  for (const std::string& text : typed) {
    auto url = parse_url(text);
    if (!url) return url.error();
    if (options.port > 0 && sim_url.empty() && options.urls.empty())
      url->port = static_cast<std::uint16_t>(options.port);
    urls.push_back(std::move(*url));
  }
  return urls;
}

/// The endpoint below a typed URL, which may end with /v1 or be an endpoint itself.
ServerPlace place_of(const BenchOptions& options, Url url, std::string_view path) {
  ServerPlace place;
  place.origin = url.origin();
  place.url = std::move(url);
  std::string& full = place.url.path;
  while (!full.empty() && full.back() == '/') full.pop_back();
  std::string base_path = full;
  if (const auto v1 = full.rfind("/v1"); v1 != std::string::npos) base_path = full.substr(0, v1);
  if (full.ends_with("/v1")) full = base_path;
  const bool is_whole_endpoint = full.size() > base_path.size();
  if (!is_whole_endpoint) {
    std::string endpoint =
        options.endpoint_path.empty() ? std::string(path) : options.endpoint_path;
    if (!endpoint.starts_with('/')) endpoint.insert(0, 1, '/');
    full = base_path + endpoint;
  }
  place.base = place.origin + base_path;
  return place;
}

Status choose_way(const BenchOptions& options, CheckedTarget& target) {
  auto tls = tls_options(options);
  if (!tls) return tls.error();
  target.tls = std::move(*tls);
  if (options.http != "1.1" && options.http != "2" && options.http != "auto")
    return input_error(format("--http is 1.1, 2 or auto, not '{}'", options.http));
  target.asks_for_http = options.http == "auto";
  if (options.http == "2") speak_http2(target);
  target.unix_socket = options.unix_socket;
  if (!target.unix_socket.empty()) {
    if (target.servers.size() > 1) return input_error("--unix-socket goes with one --url only");
    if (!options.source_addresses.empty())
      return input_error("--unix-socket and --source-addresses exclude each other");
    target.origin += format(" at {}", target.unix_socket);
    if (auto address = unix_address(target.unix_socket); !address) return address.error();
  }
  auto sources = parse_source_addresses(options.source_addresses);
  if (!sources) return sources.error();
  target.sources = std::move(*sources);
  return check_source_addresses(target.sources);
}

}  // namespace

void speak_http2(CheckedTarget& target) {
  target.http = HttpVersion::http2;
  target.tls.offer = AlpnOffer::http2;
}

Result<CheckedTarget> locate_target(const BenchOptions& options, const std::string& sim_url,
                                    std::string_view path) {
  auto urls = typed_urls(options, sim_url);
  if (!urls) return urls.error();
  CheckedTarget target;
  for (Url& url : *urls) {
    target.servers.push_back(place_of(options, std::move(url), path));
    target.origin += (target.origin.empty() ? "" : ", ") + target.servers.back().origin;
  }
  auto lines = header_lines(options);
  if (!lines) return lines.error();
  target.header_lines = std::move(*lines);
  target.connect_timeout = from_s(options.connect_timeout_s);
  if (auto status = choose_way(options, target); !status) return status.error();
  return target;
}

Result<OpenTarget> open_target(const CheckedTarget& checked, const Protocol& protocol,
                               bool streams) {
  OpenTarget open;
  open.target.protocol = &protocol;
  open.target.streams = streams;
  open.target.sources = checked.sources;
  open.target.http = checked.http;
  for (const ServerPlace& place : checked.servers) {
    auto address = find_server(place.url, checked.unix_socket);
    if (!address) return address.error();
    if (auto status = check_families(checked.sources, *address); !status) return status.error();
    Endpoint endpoint;
    endpoint.url = place.url;
    endpoint.address = std::move(*address);
    endpoint.request_start =
        http_request_start("POST", place.url, place.url.path, checked.header_lines);
    if (place.url.is_tls) {
      auto context = TlsContext::create(checked.tls, place.url.host);
      if (!context) return context.error();
      open.tls.push_back(std::make_unique<TlsContext>(std::move(*context)));
      endpoint.tls = open.tls.back().get();
    }
    open.target.endpoints.push_back(std::move(endpoint));
  }
  return open;
}

}  // namespace tacho
