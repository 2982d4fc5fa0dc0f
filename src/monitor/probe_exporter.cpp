// Devices that another exporter reads, on this machine or on others: its page is fetched and said
// in canonical names.
#include "base/text.h"
#include "monitor/device_exporters.h"
#include "monitor/probes.h"
#include "net/fetch.h"

namespace tacho {
namespace {

/// A page is fetched anew each second; one that takes longer than this is none.
constexpr Duration scrape_limit = std::chrono::seconds(5);

class ExporterProbe final : public Probe {
 public:
  explicit ExporterProbe(const std::string& typed) {
    const auto url = parse_url(typed);
    instance_ = format("{}:{}", url->host, url->port);
    url_ = url->origin() + (url->path.empty() || url->path == "/" ? "/metrics" : url->path);
  }

  std::string_view name() const override { return "exporter"; }

  void read(std::vector<Subject>& out) override {
    FetchRequest request;
    request.url = url_;
    // The older format, whose stamps are in milliseconds.
    request.header_lines = {"Accept: text/plain;version=0.0.4"};
    request.timeout = scrape_limit;
    request.most_bytes = longest_page;
    const auto reply = fetch(request);
    if (!reply) return down(out, reply.error().message);
    if (reply->status != 200) {
      return down(out, format("{} answered with status {}", url_, reply->status));
    }
    const MetricsText page = parse_metrics_text(reply->body);
    const DeviceExporter* exporter = recognise_exporter(page);
    if (exporter == nullptr) {
      return down(out, format("{} is no page of dcgm-exporter or npu-exporter", url_));
    }
    std::vector<Subject> subjects =
        normalise_devices(page, *exporter, instance_, wall_clock_ns() / 1'000'000);
    if (subjects.empty()) return down(out, format("{} names no device", url_));
    for (Subject& subject : subjects) out.push_back(std::move(subject));
  }

 private:
  void down(std::vector<Subject>& out, std::string why) const {
    Subject subject;
    subject.kind = SubjectKind::device;
    subject.id = instance_;
    subject.labels = {{"instance", instance_}};
    subject.trouble = std::move(why);
    out.push_back(std::move(subject));
  }

  std::string url_, instance_;
};

}  // namespace

ProbePtr make_exporter_probe(const std::string& url) {
  return std::make_unique<ExporterProbe>(url);
}

}  // namespace tacho
