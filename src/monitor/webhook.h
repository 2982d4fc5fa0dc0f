// Tells another program of alerts: a POST with the JSON that Alertmanager's webhooks have, so that
// whatever takes those takes ours.
#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "monitor/alerts.h"

namespace tacho {

/// Sends in a thread of its own: a receiver that hangs holds nobody up.
class Webhook {
 public:
  /// The URL must be sound.
  explicit Webhook(std::string url);
  /// Sends what is waiting, once each.
  ~Webhook();
  Webhook(const Webhook&) = delete;
  Webhook& operator=(const Webhook&) = delete;

  /// Sends what began to fire or was resolved since the last call; inhibited alerts say nothing.
  /// `wall_ns` is the wall clock at `now`.
  void tell(const Alerts& alerts, Instant now, std::int64_t wall_ns);
  /// What went wrong with the last message, or "".
  std::string trouble() const;
  /// Messages that were taken.
  std::size_t sent() const;

 private:
  void work();
  bool post(const std::string& body);

  std::string url_;
  std::map<std::string, Alert> known_;  ///< Those that were told as firing, by their labels.
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::string> waiting_;
  std::string trouble_;
  std::size_t sent_ = 0;
  bool is_stopping_ = false;
  std::thread thread_;
};

/// The message of Alertmanager's webhooks, version 4, with these alerts.
std::string webhook_body(const std::vector<Alert>& alerts, Instant now, std::int64_t wall_ns);

}  // namespace tacho
