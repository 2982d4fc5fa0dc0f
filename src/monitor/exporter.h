// Serves what a sampler reads, for Prometheus: GET /metrics. And in JSON, for other programs and
// for tacho on another machine: GET /snapshot, GET /alerts.
#pragma once

#include <string>

#include "monitor/compat.h"
#include "net/http_server.h"

namespace tacho {

class Alerts;
class Sampler;

/// What an exporter serves, and to whom.
struct ExporterOptions {
  CompatNames compat;
  std::string authorization;       ///< What readers have to send as such; empty: nothing.
  const Alerts* alerts = nullptr;  ///< Judged on the exporter's thread; null: there are none.
};

/// Answers requests for the pages of one sampler.
class Exporter final : public RequestHandler {
 public:
  explicit Exporter(const Sampler& sampler, ExporterOptions options = {})
      : sampler_(sampler), options_(std::move(options)) {}
  void on_request(ServerRequest& request) override;
  void on_abandoned(ServerRequest&) override {}

 private:
  void serve_metrics(ServerRequest& request) const;

  const Sampler& sampler_;
  ExporterOptions options_;
};

}  // namespace tacho
