#include "monitor/exporter.h"

#include "monitor/alerts.h"
#include "monitor/exposition.h"
#include "monitor/sampler.h"
#include "monitor/snapshot_json.h"

namespace tacho {
namespace {

/// Compares all of both, so that the time taken tells nothing of where they differ.
bool is_same_secret(std::string_view given, std::string_view wanted) {
  unsigned difference = given.size() == wanted.size() ? 0 : 1;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const char c = i < given.size() ? given[i] : '\0';
    difference |= static_cast<unsigned char>(c) ^ static_cast<unsigned char>(wanted[i]);
  }
  return difference == 0;
}

}  // namespace

void Exporter::on_request(ServerRequest& request) {
  const HttpHead& head = request.head();
  const std::string_view path =
      std::string_view(head.target).substr(0, head.target.find_first_of('?'));
  if (head.method != "GET" && head.method != "HEAD") {
    return request.reply(405, "text/plain", "only GET\n", "Allow: GET, HEAD\r\n");
  }
  if (path == "/health") return request.reply(200, "text/plain", "ok\n");
  if (!options_.authorization.empty() &&
      !is_same_secret(head.field("authorization"), options_.authorization)) {
    return request.reply(401, "text/plain", "a user and a password are wanted\n",
                         "WWW-Authenticate: Basic realm=\"tacho\"\r\n");
  }
  if (path == "/metrics") return serve_metrics(request);
  if (path == "/snapshot") {
    return request.reply(200, "application/json",
                         dump_json(snapshot_json(sampler_.latest())) + "\n");
  }
  if (path == "/alerts") {
    const Json alerts = options_.alerts == nullptr
                            ? Json::array()
                            : alerts_json(*options_.alerts, sampler_.latest().at);
    return request.reply(200, "application/json", dump_json(alerts) + "\n");
  }
  if (path == "/") {
    return request.reply(200, "text/plain",
                         "tacho monitor: /metrics for Prometheus; /snapshot, /alerts; /health\n");
  }
  request.reply(404, "text/plain", "no such page; there are /metrics, /snapshot and /alerts\n");
}

void Exporter::serve_metrics(ServerRequest& request) const {
  const bool is_openmetrics =
      request.head().field("accept").find("application/openmetrics-text") != std::string_view::npos;
  const Snapshot snapshot = sampler_.latest();
  std::string page = metrics_page(snapshot, is_openmetrics);
  std::string aliases = compat_page(snapshot, options_.compat, is_openmetrics);
  // The mark of the end stays at the end.
  const std::size_t end = is_openmetrics ? page.rfind("# EOF") : page.size();
  page.insert(end, aliases);
  request.reply(200,
                is_openmetrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                               : "text/plain; version=0.0.4; charset=utf-8",
                page);
}

}  // namespace tacho
