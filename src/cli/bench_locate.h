// Where requests go and how they get there, from the options alone: URLs, TLS, UNIX sockets, source
// addresses. Nothing is sent here but questions to the name service.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/json.h"
#include "cli/bench_options.h"
#include "load/cell_plan.h"
#include "net/fetch.h"

namespace tacho {

/// One server of a target.
struct ServerPlace {
  Url url;             ///< Of the endpoint, path included.
  std::string base;    ///< The URL that /v1/... paths are below.
  std::string origin;  ///< scheme://host:port
};

/// A target that has been located; question_server fills in the rest.
struct CheckedTarget {
  std::vector<ServerPlace> servers;  ///< At least one; they take turns.
  std::string origin;                ///< For people: where all of them are.
  std::string model;
  std::vector<std::string> header_lines;
  TlsOptions tls;
  HttpVersion http = HttpVersion::http1;
  bool asks_for_http = false;    ///< question_server sets `http` to what the servers pick (ALPN).
  std::string unix_socket;       ///< Its path; empty: by TCP to the URL's host.
  std::vector<Address> sources;  ///< Connections come from these in turn; empty: the system's own.
  Duration connect_timeout{0};   ///< 0: no limit of its own.
  Json server = Json::object();  ///< What the (first) server says of itself.
  std::vector<std::string> notes;
};

/// Lets every connection to the target speak HTTP/2.
void speak_http2(CheckedTarget& target);

/// The endpoints' URLs from the options; `path` is the dialect's own.
Result<CheckedTarget> locate_target(const BenchOptions& options, const std::string& sim_url,
                                    std::string_view path);

/// A target with its names looked up and its certificates read.
struct OpenTarget {
  std::vector<std::unique_ptr<TlsContext>> tls;
  Target target;
};

/// Makes it ready for requests in this dialect.
Result<OpenTarget> open_target(const CheckedTarget& checked, const Protocol& protocol,
                               bool streams);

}  // namespace tacho
