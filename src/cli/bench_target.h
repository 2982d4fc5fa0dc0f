// Before a run: where requests go, whether anything answers there, what it says of itself, and
// whether the endpoint takes a request of the kind that will be sent. Everything that can be wrong
// is found here, in one line, before any load.
#pragma once

#include <string>
#include <vector>

#include "cli/bench_options.h"
#include "load/rules.h"
#include "net/fetch.h"
#include "protocol/protocol.h"

namespace tacho {

/// A target that has been looked at.
struct CheckedTarget {
  Url url;             ///< Of the endpoint, path included.
  std::string base;    ///< The URL that /v1/... paths are below.
  std::string origin;  ///< For people: scheme://host:port.
  std::string model;
  std::vector<std::string> header_lines;
  TlsOptions tls;
  Duration connect_timeout{0};   ///< 0: no limit of its own.
  Json server = Json::object();  ///< What the server says of itself.
  std::vector<std::string> notes;
};

/// The endpoint's URL from the options; `path` is the dialect's own.
Result<CheckedTarget> locate_target(const BenchOptions& options, const std::string& sim_url,
                                    std::string_view path);

/// Asks the server for its models and what it is; sets the model.
Status question_server(const BenchOptions& options, CheckedTarget& target);

/// Sends one small request to prove that the endpoint takes the kind that will be sent.
/// It waits as long as any request would, but two minutes at most.
Status prove_endpoint(const CheckedTarget& target, const Protocol& protocol, const Ask& ask,
                      const Timeouts& timeouts);

}  // namespace tacho
