// Serves what a sampler reads, for Prometheus: GET /metrics. And in JSON, for other programs and
// for tacho on another machine: GET /snapshot.
#pragma once

#include "net/http_server.h"

namespace tacho {

class Sampler;

/// Answers requests for the pages of one sampler.
class Exporter final : public RequestHandler {
 public:
  explicit Exporter(const Sampler& sampler) : sampler_(sampler) {}
  void on_request(ServerRequest& request) override;
  void on_abandoned(ServerRequest&) override {}

 private:
  const Sampler& sampler_;
};

}  // namespace tacho
