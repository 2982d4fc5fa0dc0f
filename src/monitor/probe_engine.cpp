// Reads an inference engine's metrics page over HTTP and says it in canonical names. Notices a
// restart: a start time that changed, or a counter that sank.
#include <cmath>
#include <map>

#include "base/text.h"
#include "monitor/engine_names.h"
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
      : url_(page_url(url)), instance_(parse_url(url)->origin()) {}

  std::string_view name() const override { return "engine"; }

  void read(std::vector<Subject>& out) override {
    FetchRequest request;
    request.url = url_;
    // Asked for the newer format, one client library rewrites the names.
    request.header_lines = {"Accept: text/plain;version=0.0.4"};
    request.timeout = scrape_limit;
    request.most_bytes = longest_page;
    const Instant began = monotonic_now();
    const auto reply = fetch(request);
    const Duration took = monotonic_now() - began;
    if (!reply) return down(out, reply.error().message);
    if (reply->status != 200) {
      return down(out, format("{} answered with status {}", url_, reply->status));
    }
    const MetricsText page = parse_metrics_text(reply->body);
    const EngineKind* kind = recognise_engine(page);
    if (kind == nullptr) return down(out, not_known(page));
    std::vector<Subject> subjects = normalise(page, *kind, instance_);
    if (subjects.empty()) return down(out, not_known(page));
    Subject& first = subjects.front();
    first.add(quantity::engine_up, 1.0);
    first.add(quantity::engine_scrape, to_s(took));
    watch_restarts(subjects, page, *reply);
    for (Subject& subject : subjects) out.push_back(std::move(subject));
  }

 private:
  void down(std::vector<Subject>& out, std::string why) {
    Subject subject;
    subject.kind = SubjectKind::engine;
    subject.id = instance_;
    subject.labels = {{"instance", instance_}};
    subject.trouble = std::move(why);
    subject.add(quantity::engine_up, 0.0);
    subject.add(quantity::engine_restarts, restarts_);
    out.push_back(std::move(subject));
  }

  std::string not_known(const MetricsText& page) const {
    if (page.lines.empty()) return format("{} is no page of metrics", url_);
    return format("{} is a page of metrics of no engine that tacho knows (it begins with '{}')",
                  url_, page.lines.front().name);
  }

  void watch_restarts(std::vector<Subject>& subjects, const MetricsText& page,
                      const FetchReply& reply) {
    const MetricLine* line = page.find("process_start_time_seconds");
    // Another number in each life of llama.cpp's server, but none of Unix': it counts from boot.
    const auto header = parse_number(reply.head.field("Process-Start-Time-Unix"));
    const double start = line != nullptr ? line->value : header.value_or(std::nan(""));
    double tokens = 0.0;
    for (const Subject& subject : subjects) {
      const double value = subject.value(quantity::engine_generation_tokens);
      if (std::isfinite(value)) tokens += value;
    }
    // The start time is the better witness: an engine that has just begun may have caught up.
    const bool is_new =
        std::isfinite(start) && std::isfinite(start_) ? start != start_ : tokens < tokens_;
    if (is_new) restarts_ += 1.0;
    start_ = start;
    tokens_ = tokens;
    if (line != nullptr) subjects.front().add(quantity::engine_start_time, start);
    subjects.front().add(quantity::engine_restarts, restarts_);
  }

  std::string url_;
  std::string instance_;
  double start_ = std::nan("");
  double tokens_ = 0.0;
  double restarts_ = 0.0;
};

}  // namespace

ProbePtr make_engine_probe(const std::string& url) { return std::make_unique<EngineProbe>(url); }

}  // namespace tacho
