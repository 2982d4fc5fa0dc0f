#include "monitor/webhook.h"

#include <algorithm>

#include "base/text.h"
#include "net/fetch.h"
#include "record/manifest.h"

namespace tacho {
namespace {

constexpr Duration post_limit = std::chrono::seconds(5);
constexpr int tries = 3;
// Beyond this a receiver is gone, and what it missed is old.
constexpr std::size_t waiting_max = 1000;

Json object_of(const Labels& labels) {
  Json json = Json::object();
  for (const auto& [name, value] : labels) json[name] = value;
  return json;
}

/// RFC 3339, from an instant of the monotonic clock.
std::string time_text(Instant at, Instant now, std::int64_t wall_ns) {
  return iso_time(wall_ns - (now - at).count());
}

Json alert_json(const Alert& alert, Instant now, std::int64_t wall_ns) {
  const bool is_over = alert.state == AlertState::resolved;
  Json json = Json::object();
  json["status"] = is_over ? "resolved" : "firing";
  json["labels"] = object_of(alert.labels);
  json["annotations"] = object_of(alert.annotations);
  json["startsAt"] = time_text(alert.fired, now, wall_ns);
  json["endsAt"] = is_over ? time_text(alert.resolved, now, wall_ns) : "0001-01-01T00:00:00Z";
  json["generatorURL"] = "";
  // FNV-1a of the labels: the same alert has the same one.
  std::uint64_t hash = 14695981039346656037ull;
  for (const auto& [name, value] : alert.labels) {
    for (const char c : name + '\1' + value + '\2') {
      hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ull;
    }
  }
  json["fingerprint"] = format("{:016x}", hash);
  return json;
}

/// What all alerts have.
Labels common(const std::vector<Alert>& alerts, Labels Alert::*which) {
  Labels shared = alerts.front().*which;
  for (const Alert& alert : alerts) {
    std::erase_if(shared,
                  [&](const auto& item) { return label(alert.*which, item.first) != item.second; });
  }
  return shared;
}

std::string key_of(const Alert& alert) { return dump_json(object_of(alert.labels)); }

}  // namespace

std::string webhook_body(const std::vector<Alert>& alerts, Instant now, std::int64_t wall_ns) {
  const bool has_firing = std::any_of(alerts.begin(), alerts.end(),
                                      [](const Alert& a) { return a.state == AlertState::firing; });
  Json body = Json::object();
  body["version"] = "4";
  body["groupKey"] = "tacho";
  body["truncatedAlerts"] = 0;
  body["status"] = has_firing ? "firing" : "resolved";
  body["receiver"] = "tacho";
  body["groupLabels"] = Json::object();
  body["commonLabels"] = object_of(common(alerts, &Alert::labels));
  body["commonAnnotations"] = object_of(common(alerts, &Alert::annotations));
  body["externalURL"] = "";
  body["alerts"] = Json::array();
  for (const Alert& alert : alerts) body["alerts"].push_back(alert_json(alert, now, wall_ns));
  return dump_json(body);
}

Webhook::Webhook(std::string url) : url_(std::move(url)), thread_([this] { work(); }) {}

Webhook::~Webhook() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void Webhook::tell(const Alerts& alerts, Instant now, std::int64_t wall_ns) {
  std::vector<Alert> news;
  std::map<std::string, Alert> firing;
  for (const Alert& alert : alerts.all()) {
    if (alert.state != AlertState::firing) continue;
    const std::string key = key_of(alert);
    const bool was_told = known_.contains(key);
    // An alert that was told before something explained it stays told until it is over.
    if (!alert.inhibited_by.empty() && !was_told) continue;
    if (!was_told) news.push_back(alert);
    firing.emplace(key, alert);
  }
  for (auto& [key, alert] : known_) {
    if (firing.contains(key)) continue;
    alert.state = AlertState::resolved;
    alert.resolved = now;
    news.push_back(alert);
  }
  known_ = std::move(firing);
  if (news.empty()) return;
  const std::lock_guard lock(mutex_);
  if (waiting_.size() >= waiting_max) waiting_.pop_front();
  waiting_.push_back(webhook_body(news, now, wall_ns));
  changed_.notify_all();
}

std::string Webhook::trouble() const {
  const std::lock_guard lock(mutex_);
  return trouble_;
}

std::size_t Webhook::sent() const {
  const std::lock_guard lock(mutex_);
  return sent_;
}

void Webhook::work() {
  for (;;) {
    std::string body;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return is_stopping_ || !waiting_.empty(); });
      if (waiting_.empty()) return;
      body = std::move(waiting_.front());
      waiting_.pop_front();
    }
    for (int i = 0; i < tries && !post(body); ++i) {
      std::unique_lock lock(mutex_);
      if (is_stopping_) break;
      changed_.wait_for(lock, std::chrono::seconds(1 << i), [&] { return is_stopping_; });
    }
  }
}

bool Webhook::post(const std::string& body) {
  FetchRequest request;
  request.url = url_;
  request.method = "POST";
  request.header_lines = {"Content-Type: application/json"};
  request.body = body;
  request.timeout = post_limit;
  const auto reply = fetch(request);
  const bool is_taken = reply && reply->status >= 200 && reply->status < 300;
  const std::lock_guard lock(mutex_);
  if (is_taken) {
    ++sent_;
    trouble_.clear();
  } else {
    trouble_ =
        reply ? format("{} answered with status {}", url_, reply->status) : reply.error().message;
  }
  return is_taken;
}

}  // namespace tacho
