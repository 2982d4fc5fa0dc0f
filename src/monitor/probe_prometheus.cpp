// Engines and devices that a Prometheus scrapes already: its /federate page has the latest sample
// of each of their series, in the format of their own pages, with the target's address in a label.
#include <atomic>
#include <cmath>
#include <map>
#include <set>

#include "base/text.h"
#include "monitor/device_exporters.h"
#include "monitor/engine_page.h"
#include "monitor/probes.h"
#include "net/fetch.h"

namespace tacho {
namespace {

/// Prometheus looks through all its series for an answer, and has new samples only every some
/// seconds.
constexpr Duration federate_limit = std::chrono::seconds(10),
                   federate_period = std::chrono::seconds(5);

/// How the names of a table begin: "vllm" for vllm_num_requests_running.
std::string first_word(std::string_view name) {
  while (name.starts_with('+')) name.remove_prefix(1);
  return std::string(name.substr(0, name.find('_')));
}

/// An expression for the names of all series that tacho can read. Engines whose names have nothing
/// in common are named one by one.
std::string names_expression() {
  std::set<std::string> words, names;
  for (const EngineKind& kind : engine_kinds()) {
    const bool has_prefix = kind.mark.ends_with('_');
    for (const EngineName& name : kind.names) {
      if (has_prefix) {
        words.insert(first_word(name.name));
      } else {
        names.insert(std::string(name.name.substr(name.name.starts_with('+') ? 1 : 0)));
      }
    }
  }
  for (const DeviceExporter& exporter : device_exporters()) words.insert(first_word(exporter.mark));
  return format("(?:{})[:_].+|(?:{})(?:_bucket|_sum|_count|_total)?|process_start_time_seconds",
                join({words.begin(), words.end()}, "|"), join({names.begin(), names.end()}, "|"));
}

/// A selector as it is written into a URL.
std::string url_escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
    out += is_plain ? std::string(1, c) : format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

class PrometheusProbe final : public Probe {
 public:
  PrometheusProbe(const std::string& typed, const std::string& match) {
    const auto url = parse_url(typed);
    std::string path = url->path;
    while (path.ends_with('/')) path.pop_back();
    source_ = url->origin() + path;
    url_ = format("{}/federate?match[]={}", source_,
                  url_escaped(format("{{__name__=~\"{}\"{}{}}}", names_expression(),
                                     match.empty() ? "" : ",", match)));
  }

  std::string_view name() const override { return "prometheus"; }
  void interrupt() override { is_given_up_ = true; }

  void read(std::vector<Subject>& out) override {
    const Instant now = monotonic_now();
    if (!happened(asked_) || now - asked_ >= federate_period) {
      asked_ = now;
      subjects_.clear();
      federate(subjects_);
      for (Subject& subject : subjects_) subject.at = now;
    }
    out.insert(out.end(), subjects_.begin(), subjects_.end());
  }

 private:
  void federate(std::vector<Subject>& out) {
    FetchRequest request;
    request.url = url_;
    request.timeout = federate_limit;
    request.most_bytes = longest_page;
    request.is_given_up = &is_given_up_;
    const auto reply = fetch(request);
    if (!reply) return down(out, reply.error().message);
    if (reply->status != 200) {
      return down(out, format("{}/federate answered with status {}; is it a Prometheus?", source_,
                              reply->status));
    }
    std::map<std::string, MetricsText> pages;
    for (MetricLine& line : parse_metrics_text(reply->body).lines) {
      const std::string instance(label(line.labels, "instance"));
      pages[instance].lines.push_back(std::move(line));
    }
    for (const auto& [instance, page] : pages) read_target(instance, page, out);
    // Series of a target that is gone end at once; the target was there, so it is missed.
    for (auto& [instance, engine] : engines_) {
      if (!pages.contains(instance))
        engine.down(format("{} has no samples of it any more", source_), out);
    }
    if (out.empty())
      down(out, format("{} has no series of an engine or of devices that tacho knows", source_));
  }

  void read_target(const std::string& instance, const MetricsText& page,
                   std::vector<Subject>& out) {
    if (recognise_engine(page) != nullptr) {
      engines_.try_emplace(instance, instance).first->second.read(page, std::nan(""), out);
    } else if (const DeviceExporter* exporter = recognise_exporter(page)) {
      for (Subject& subject :
           normalise_devices(page, *exporter, instance, wall_clock_ns() / 1'000'000))
        out.push_back(std::move(subject));
    }
  }

  void down(std::vector<Subject>& out, std::string why) const {
    Subject subject;
    subject.kind = SubjectKind::engine;
    subject.id = source_;
    subject.labels = {{"instance", source_}};
    subject.trouble = std::move(why);
    out.push_back(std::move(subject));
  }

  std::string source_, url_;
  std::map<std::string, EnginePages> engines_;
  std::vector<Subject> subjects_;
  Instant asked_ = never;
  std::atomic<bool> is_given_up_{false};
};

}  // namespace

ProbePtr make_prometheus_probe(const std::string& url, const std::string& match) {
  return std::make_unique<PrometheusProbe>(url, match);
}

}  // namespace tacho
