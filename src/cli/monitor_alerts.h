// Alerts of `tacho monitor`: which rules, with which thresholds, and whom to tell.
#pragma once

#include <memory>
#include <optional>

#include "cli/flags.h"
#include "monitor/alerts.h"
#include "monitor/webhook.h"

namespace tacho {

/// Flags about alerts, as typed.
struct AlertFlags {
  bool has_none = false;
  bool is_check = false;  ///< One reading has to do, and decides the exit code.
  std::string rules_file;
  std::vector<std::string> settings;
  std::string webhook;
};

/// Adds the rows.
void add_alert_flags(FlagTable& table, AlertFlags& flags);

/// The rules, what they say, and the one who is told.
struct AlertDesk {
  Alerts alerts;
  std::unique_ptr<Webhook> webhook;  ///< Null when nobody is told.
  std::vector<std::string> notes;    ///< Rules that are not judged, and why.

  /// Judges when it is time, and tells. With `is_once`, one reading has to do.
  void look(const Snapshot& snapshot, bool is_once = false);
};

/// What the flags ask for. The error is about a file, a threshold or a URL.
Result<std::unique_ptr<AlertDesk>> make_alert_desk(const AlertFlags& flags);

}  // namespace tacho
