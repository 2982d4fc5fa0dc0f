// One HTTP request and its whole answer, waited for: what happens before and after a run, never
// during it.
#pragma once

#include <string>
#include <vector>

#include "net/http1.h"
#include "net/loop.h"
#include "net/tls.h"

namespace tacho {

/// What is asked for.
struct FetchRequest {
  std::string url;
  std::string method = "GET";
  std::vector<std::string> header_lines;  ///< "Name: value"
  std::string body;
  Duration timeout = std::chrono::seconds(10);
  Duration connect_timeout{0};  ///< For the connection alone; 0: no limit of its own.
  TlsOptions tls;
};

/// What came of it.
struct FetchReply {
  int status = 0;
  HttpHead head;
  std::string body;
};

/// Fetches. The error names the URL, the cause and what to do (wrong scheme, refused, timed out).
Result<FetchReply> fetch(const FetchRequest& request);

/// The text of an HTTP/1.1 request, ready to be sent.
std::string http_request_text(const std::string& method, const Url& url, const std::string& path,
                              const std::vector<std::string>& header_lines,
                              const std::string& body);

}  // namespace tacho
