#include "monitor/exporter.h"

#include "monitor/exposition.h"
#include "monitor/sampler.h"
#include "monitor/snapshot_json.h"

namespace tacho {

void Exporter::on_request(ServerRequest& request) {
  const HttpHead& head = request.head();
  const std::string_view path =
      std::string_view(head.target).substr(0, head.target.find_first_of('?'));
  if (head.method != "GET" && head.method != "HEAD") {
    return request.reply(405, "text/plain", "only GET\n", "Allow: GET, HEAD\r\n");
  }
  if (path == "/metrics") {
    const bool is_openmetrics =
        head.field("accept").find("application/openmetrics-text") != std::string_view::npos;
    return request.reply(200,
                         is_openmetrics
                             ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                             : "text/plain; version=0.0.4; charset=utf-8",
                         metrics_page(sampler_.latest(), is_openmetrics));
  }
  if (path == "/snapshot") {
    return request.reply(200, "application/json",
                         dump_json(snapshot_json(sampler_.latest())) + "\n");
  }
  if (path == "/" || path == "/health") {
    return request.reply(200, "text/plain", "tacho monitor: /metrics for Prometheus, /snapshot\n");
  }
  request.reply(404, "text/plain", "no such page; there are /metrics and /snapshot\n");
}

}  // namespace tacho
