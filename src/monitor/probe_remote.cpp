// Reads another tacho monitor over HTTP (its /snapshot), so that a machine can be watched from
// elsewhere.
#include "base/text.h"
#include "monitor/probes.h"
#include "monitor/snapshot_json.h"
#include "net/fetch.h"

namespace tacho {
namespace {

/// One that takes longer is not there.
constexpr Duration fetch_limit = std::chrono::seconds(5);

class RemoteProbe final : public Probe {
 public:
  RemoteProbe(const std::string& url, const WatchOptions& options, bool is_one_of_several)
      : address_(parse_url(url)->origin()),
        authorization_(options.remote_authorization),
        ca_file_(options.remote_ca_file),
        is_one_of_several_(is_one_of_several) {}

  std::string_view name() const override { return "remote"; }

  void read(std::vector<Subject>& out) override {
    FetchRequest request;
    request.url = address_ + "/snapshot";
    request.timeout = fetch_limit;
    request.most_bytes = longest_page;
    if (!authorization_.empty()) request.header_lines = {"Authorization: " + authorization_};
    request.route.tls.ca_file = ca_file_;
    const auto reply = fetch(request);
    if (!reply) return down(out, reply.error().message);
    if (reply->status == 401) {
      return down(out,
                  format("{} asks for a user and a password: --basic-auth USER:FILE", request.url));
    }
    if (reply->status != 200) {
      return down(out, format("{} answered with status {}; is it a tacho monitor?", request.url,
                              reply->status));
    }
    auto snapshot = read_snapshot(reply->body, request.url);
    if (!snapshot) return down(out, snapshot.error().message);
    for (Subject& subject : snapshot->subjects) {
      // What it says of itself is not what this monitor is asked for.
      if (subject.kind == SubjectKind::monitor) continue;
      if (is_one_of_several_) subject.id = address_ + " " + subject.id;
      out.push_back(std::move(subject));
    }
  }

 private:
  void down(std::vector<Subject>& out, std::string why) {
    Subject subject;
    subject.kind = SubjectKind::host;
    subject.id = address_;
    subject.trouble = std::move(why);
    out.push_back(std::move(subject));
  }

  std::string address_, authorization_, ca_file_;
  bool is_one_of_several_;
};

}  // namespace

ProbePtr make_remote_probe(const std::string& url, const WatchOptions& options,
                           bool is_one_of_several) {
  return std::make_unique<RemoteProbe>(url, options, is_one_of_several);
}

}  // namespace tacho
