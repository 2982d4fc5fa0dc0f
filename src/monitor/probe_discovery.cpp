// What a list names is watched, each target on a thread of its own: the list may change while we
// watch, and a target is what its page says it is.
#include <atomic>
#include <map>

#include "base/file.h"
#include "base/text.h"
#include "monitor/device_exporters.h"
#include "monitor/engine_names.h"
#include "monitor/probes.h"
#include "monitor/sampler.h"
#include "monitor/targets.h"
#include "net/fetch.h"

namespace tacho {
namespace {

/// How often the list is read again; a server of lists may take so long.
constexpr Duration file_period = std::chrono::seconds(5), http_period = std::chrono::seconds(30);
constexpr Duration list_limit = std::chrono::seconds(10);
/// The first pages of new targets are waited for so long.
constexpr Duration first_limit = std::chrono::seconds(2);

bool is_http(const std::string& source) {
  return source.starts_with("http://") || source.starts_with("https://");
}

Result<std::string> read_list(const std::string& source, const std::atomic<bool>* is_given_up) {
  if (!is_http(source)) return read_file(source);
  FetchRequest request;
  request.url = source;
  request.header_lines = {"Accept: application/json"};
  request.timeout = list_limit;
  request.most_bytes = longest_page;
  request.is_given_up = is_given_up;
  auto reply = fetch(request);
  if (!reply) return reply.error();
  if (reply->status != 200)
    return world_error(format("{} answered with status {}", source, reply->status));
  return std::move(reply->body);
}

/// A page of which only the address is known: an engine's, an exporter's of devices, or another
/// tacho monitor's.
class UnknownProbe final : public Probe {
 public:
  UnknownProbe(std::string url, const WatchOptions& options)
      : url_(std::move(url)), options_(options) {}
  std::string_view name() const override { return "discovered"; }
  void interrupt() override {
    is_given_up_ = true;
    if (Probe* known = known_.load()) known->interrupt();
  }

  void read(std::vector<Subject>& out) override {
    if (probe_ == nullptr) recognise();
    // A page that says nothing yet is an engine's that starts, until it is known better.
    if (probe_ != nullptr) return probe_->read(out);
    make_engine_probe(url_)->read(out);
  }

 private:
  void recognise() {
    FetchRequest request;
    request.url = url_;
    request.timeout = std::chrono::seconds(5);
    request.most_bytes = longest_page;
    request.is_given_up = &is_given_up_;
    const auto reply = fetch(request);
    if (!reply || reply->status != 200) return;
    const MetricsText page = parse_metrics_text(reply->body);
    if (page.find(quantity::monitor_probe_up.name) != nullptr) {
      probe_ = make_remote_probe(url_, options_, true);
    } else if (recognise_engine(page) != nullptr) {
      probe_ = make_engine_probe(url_);
    } else if (recognise_exporter(page) != nullptr) {
      probe_ = make_exporter_probe(url_);
    }
    known_ = probe_.get();
  }

  std::string url_;
  const WatchOptions& options_;
  ProbePtr probe_;
  std::atomic<Probe*> known_{nullptr};
  std::atomic<bool> is_given_up_{false};
};

class DiscoveryProbe final : public Probe {
 public:
  DiscoveryProbe(std::string source, std::vector<WatchTarget> targets, const WatchOptions& options)
      : source_(std::move(source)), options_(options) {
    watch(std::move(targets));
    listed_ = monotonic_now();
  }

  std::string_view name() const override { return "discovery"; }
  void interrupt() override { is_given_up_ = true; }

  void read(std::vector<Subject>& out) override {
    if (monotonic_now() - listed_ >= (is_http(source_) ? http_period : file_period)) list_again();
    wait_for_new();
    if (!trouble_.empty()) add_trouble(out);
    for (const auto& [url, watched] : watched_) {
      for (Subject& subject : watched.sampler->latest().subjects) {
        if (subject.kind == SubjectKind::monitor) continue;  // What the inner sampler says of us.
        for (const auto& [name, value] : watched.labels) {
          if (label(subject.labels, name).empty()) subject.labels.emplace_back(name, value);
        }
        out.push_back(std::move(subject));
      }
    }
  }

 private:
  struct Watched {
    Labels labels;
    std::unique_ptr<Sampler> sampler;
    bool is_new = true;
  };

  void list_again() {
    listed_ = monotonic_now();
    const auto text = read_list(source_, &is_given_up_);
    auto targets = text ? parse_targets(*text, source_) : text.error();
    trouble_ = targets ? "" : targets.error().message;
    // A list that cannot be read says nothing of its targets, so they stay.
    if (targets) watch(std::move(*targets));
  }

  void watch(std::vector<WatchTarget> targets) {
    std::map<std::string, Watched> now;
    for (WatchTarget& target : targets) {
      Watched& watched = now[target.url];
      watched.labels = std::move(target.labels);
      if (watched.sampler != nullptr) continue;
      if (const auto known = watched_.find(target.url); known != watched_.end()) {
        watched.sampler = std::move(known->second.sampler);
        watched.is_new = known->second.is_new;
        watched_.erase(known);
        continue;
      }
      std::vector<ProbePtr> probes;
      probes.push_back(std::make_unique<UnknownProbe>(target.url, options_));
      watched.sampler = std::make_unique<Sampler>(std::move(probes), options_.period);
    }
    watched_ = std::move(now);
  }

  void wait_for_new() {
    const Instant until = monotonic_now() + first_limit;
    for (auto& [url, watched] : watched_) {
      if (!watched.is_new) continue;
      watched.is_new = false;
      watched.sampler->wait_for_round(std::max(Duration(0), until - monotonic_now()));
    }
  }

  void add_trouble(std::vector<Subject>& out) const {
    Subject subject;
    subject.kind = SubjectKind::engine;
    subject.id = source_;
    subject.labels = {{"instance", source_}};
    subject.trouble = trouble_;
    out.push_back(std::move(subject));
  }

  std::string source_;
  WatchOptions options_;
  std::map<std::string, Watched> watched_;
  Instant listed_ = never;
  std::string trouble_;
  std::atomic<bool> is_given_up_{false};
};

}  // namespace

Result<ProbePtr> make_discovery_probe(const std::string& source, const WatchOptions& options) {
  const auto text = read_list(source, nullptr);
  if (!text) return text.error();
  auto targets = parse_targets(*text, source);
  if (!targets) return targets.error();
  return ProbePtr(std::make_unique<DiscoveryProbe>(source, std::move(*targets), options));
}

}  // namespace tacho
