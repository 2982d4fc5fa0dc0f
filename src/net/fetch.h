// One HTTP request and its whole answer, waited for: what happens before and after a run, never
// during it.
#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "net/client.h"
#include "net/http1.h"
#include "net/loop.h"
#include "net/tls.h"

namespace tacho {

/// How a server is reached, beside its URL.
struct Route {
  TlsOptions tls;
  std::string unix_socket;        ///< Its path; empty: by TCP to the URL's host.
  std::optional<Address> source;  ///< Where the connection comes from; none: the system's choice.
  HttpVersion http = HttpVersion::http1;
};

/// What is asked for.
struct FetchRequest {
  std::string url;
  std::string method = "GET";
  std::vector<std::string> header_lines;  ///< "Name: value"
  std::string body;
  Duration timeout = std::chrono::seconds(10);
  Duration connect_timeout{0};  ///< For the connection alone; 0: no limit of its own.
  /// A longer body than this is given up on, so that no page fills the memory; 0: no limit.
  std::size_t most_bytes = 0;
  Route route;
  /// Hears the body piece by piece as it arrives, of an answer with status 200; it is not kept
  /// then.
  std::function<void(std::string_view bytes, const Receipt& receipt)> on_body = {};
  /// Looked at ten times a second: true gives the request up. Null: nobody can.
  const std::atomic<bool>* is_given_up = nullptr;
};

/// What came of it.
struct FetchReply {
  int status = 0;
  HttpHead head;
  std::string body;
  Instant sent = never;  ///< When the last byte of the request was handed to the kernel.
  Instant done = never;  ///< When the last byte of the answer had arrived.
};

/// Fetches. The error names the URL, the cause and what to do (wrong scheme, refused, timed out).
Result<FetchReply> fetch(const FetchRequest& request);

/// True when the https server at the URL picks HTTP/2 from an offer of both versions (ALPN).
Result<bool> picks_http2(const std::string& url, const Route& route, Duration timeout);

/// The address behind the URL, or that of the UNIX socket where one is named.
Result<Address> find_server(const Url& url, const std::string& unix_socket);

/// How a request to that server begins: the lines that do not depend on its body.
std::string http_request_start(const std::string& method, const Url& url, const std::string& path,
                               const std::vector<std::string>& header_lines);

/// The text of an HTTP/1.1 request, ready to be sent.
std::string http_request_text(const std::string& method, const Url& url, const std::string& path,
                              const std::vector<std::string>& header_lines,
                              const std::string& body);

}  // namespace tacho
