// What a screen is made of: the readings (ScreenInput), what the user has chosen (ViewState), and
// the picture that follows from both, with the places that can be clicked.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "monitor/goodput.h"
#include "monitor/history.h"
#include "ui/frame.h"
#include "ui/graph.h"

namespace tacho {

/// A line that someone should read: a finding, an alert, a probe in trouble.
struct Notice {
  Role role = Role::moderate;
  std::string text;
};

/// All that a screen shows; nothing else is read while it is drawn.
struct ScreenInput {
  const Snapshot& snapshot;
  const History& history;
  std::vector<Notice> notices;  ///< The most important first.
  std::string source;           ///< Whose readings these are: a host, or an address.
  std::string clock;            ///< The time of day, as shown.
  std::string own_user;         ///< Other users' processes are dimmed; "": nobody's are.
  Duration interval = std::chrono::seconds(1);
  bool is_remote = false;           ///< The processes are another machine's.
  std::map<int, int> parents = {};  ///< Of processes, for the tree.
  bool is_once = false;             ///< There is no window, nor a key to press.
};

/// How much of each device is shown.
enum class Detail { automatic, full, compact };

/// What the list of processes is ordered by.
enum class SortKey { device, user, pid, device_memory, sm, memory_busy, cpu, memory, time };

/// A question that must be answered before anything else.
struct Question {
  int signal = 0;
  std::vector<int> pids;
  bool is_yes_chosen = false;
};

/// A process that is shown: it may have a row for each device that it uses.
struct RowId {
  int pid = 0;
  std::string device;
  friend auto operator<=>(const RowId&, const RowId&) = default;
};

/// What covers the main screen.
enum class Overlay { none, help, process };

/// What the user has chosen.
struct ViewState {
  Detail detail = Detail::automatic;
  SortKey sort = SortKey::device;
  bool is_reversed = false;
  bool is_tree = false;
  bool is_readonly = false;
  bool waits_for_sort_key = false;  ///< After 'o'.
  bool is_typing_filter = false;
  std::string filter;  ///< Of processes: text in user, command or pid.
  std::optional<RowId> selected;
  std::set<RowId> tagged;
  int command_scroll = 0;  ///< Columns of the commands that are scrolled away.
  int device_scroll = 0;   ///< Devices that are scrolled away, where not all fit.
  std::string device;      ///< Id of the device whose graphs are shown; "": the mean.
  std::size_t window = 1;  ///< Index into `windows`.
  Overlay overlay = Overlay::none;
  std::optional<Question> question;
  std::string message;  ///< The outcome of the last key, until the next one.
  LoadBounds utilization{0.10, 0.75};
  LoadBounds memory{0.10, 0.80};
  ServiceBounds service;  ///< Within what a request is well served.
};

/// Windows of rates and quantiles, in seconds.
inline constexpr int windows_s[] = {10, 30, 60, 300};

/// The window that is chosen.
inline Duration chosen_window(const ViewState& view) {
  return std::chrono::seconds(windows_s[view.window % std::size(windows_s)]);
}

/// What a click does.
enum class TargetKind { process, sort, device, yes, no, help, quit, filter };

/// A place that can be clicked.
struct ClickTarget {
  Area area;
  TargetKind kind = TargetKind::process;
  RowId row = {};                  ///< Of a process.
  SortKey sort = SortKey::device;  ///< Of a heading.
  std::string device = {};         ///< Of a device.
};

/// A screen that was drawn.
struct Picture {
  Frame frame;
  std::vector<ClickTarget> targets;
  int process_rows = 0;  ///< How many rows of processes fit: what a page is.
};

/// True when the subject was read too long ago to be believed.
bool is_stale(const ScreenInput& input, const Subject& subject);

}  // namespace tacho
