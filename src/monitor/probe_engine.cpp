// Reads an inference engine's metrics page over HTTP and says it in canonical names.
#include <atomic>
#include <cmath>

#include "base/text.h"
#include "monitor/engine_page.h"
#include "monitor/probes.h"
#include "net/fetch.h"

namespace tacho {
namespace {

/// A page is fetched anew each second; one that takes longer than this is none.
constexpr Duration scrape_limit = std::chrono::seconds(5);

/// Where the page is: what was typed, with /metrics where it names none.
std::string page_url(const std::string& typed) {
  const auto url = parse_url(typed);
  std::string path = url->path;
  while (path.ends_with('/')) path.pop_back();
  if (path.ends_with("/v1")) path.resize(path.size() - 3);
  if (path.empty()) path = "/metrics";
  return url->origin() + path;
}

class EngineProbe final : public Probe {
 public:
  explicit EngineProbe(const std::string& url)
      : url_(page_url(url)), pages_(parse_url(url)->origin()) {}

  std::string_view name() const override { return "engine"; }
  void interrupt() override { is_given_up_ = true; }

  void read(std::vector<Subject>& out) override {
    FetchRequest request;
    request.url = url_;
    // Asked for the newer format, one client library rewrites the names.
    request.header_lines = {"Accept: text/plain;version=0.0.4"};
    request.timeout = scrape_limit;
    request.most_bytes = longest_page;
    request.is_given_up = &is_given_up_;
    const Instant began = monotonic_now();
    const auto reply = fetch(request);
    const Duration took = monotonic_now() - began;
    if (!reply) return pages_.down(reply.error().message, out);
    if (reply->status != 200)
      return pages_.down(format("{} answered with status {}", url_, reply->status), out);
    const MetricsText page = parse_metrics_text(reply->body);
    // Another number in each life of llama.cpp's server, but none of Unix': it counts from boot.
    const auto header = parse_number(reply->head.field("Process-Start-Time-Unix"));
    const std::size_t first = out.size();
    if (!pages_.read(page, header.value_or(std::nan("")), out))
      return pages_.down(not_known(page), out);
    out[first].add(quantity::engine_scrape, to_s(took));
  }

 private:
  std::string not_known(const MetricsText& page) const {
    if (page.lines.empty()) return format("{} is no page of metrics", url_);
    return format("{} is a page of metrics of no engine that tacho knows (it begins with '{}')",
                  url_, page.lines.front().name);
  }

  std::string url_;
  EnginePages pages_;
  std::atomic<bool> is_given_up_{false};
};

}  // namespace

ProbePtr make_engine_probe(const std::string& url) { return std::make_unique<EngineProbe>(url); }

}  // namespace tacho
