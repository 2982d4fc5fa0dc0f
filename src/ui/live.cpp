#include "ui/live.h"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>

#include "base/file.h"
#include "base/text.h"
#include "ui/screen.h"
#include "ui/signals.h"

namespace tacho {
namespace {

/// The time of day where the user is.
std::string clock_text(std::int64_t wall_ns) {
  const std::time_t seconds = wall_ns / 1'000'000'000;
  std::tm local{};
  ::localtime_r(&seconds, &local);
  return format("{:02}:{:02}:{:02}", local.tm_hour, local.tm_min, local.tm_sec);
}

std::string host_name() {
  char name[256] = "";
  ::gethostname(name, sizeof name - 1);
  return name;
}

/// The user's name; none for root, to whom all processes are alike.
std::string own_user() {
  if (::geteuid() == 0) return "";
  const passwd* entry = ::getpwuid(::geteuid());
  return entry != nullptr ? entry->pw_name : "";
}

/// The parent of a process, or 0.
int parent_of(int pid) {
  const auto stat = read_file(format("/proc/{}/stat", pid));
  if (!stat) return 0;
  const std::size_t bracket = stat->rfind(')');
  if (bracket == std::string::npos) return 0;
  const auto fields = split(std::string_view(*stat).substr(bracket + 1), ' ');
  return fields.size() > 2 ? static_cast<int>(parse_integer(fields[2]).value_or(0)) : 0;
}

/// The ancestors of all processes of the snapshot.
std::map<int, int> parents_of(const Snapshot& snapshot) {
  std::map<int, int> parents;
  for (const Subject& subject : snapshot.subjects) {
    if (subject.kind != SubjectKind::process) continue;
    int pid = static_cast<int>(parse_integer(label(subject.labels, "pid")).value_or(0));
    while (pid > 1 && !parents.contains(pid)) {
      parents[pid] = parent_of(pid);
      pid = parents[pid];
    }
  }
  return parents;
}

/// The screen while it lives.
class Live {
 public:
  Live(Sampler& sampler, const LiveOptions& options, Terminal& terminal)
      : sampler_(sampler),
        options_(options),
        terminal_(terminal),
        view_(options.view),
        history_(std::max<Duration>(1200 * options.interval, std::chrono::seconds(320))),
        source_(options.source.empty() ? host_name() : options.source),
        user_(options.is_remote ? "" : own_user()) {}

  int run() {
    Instant due = monotonic_now();
    while (!terminal_.is_ended()) {
      if (monotonic_now() >= due) {
        read();
        while (due <= monotonic_now()) due += options_.interval;
      }
      const ScreenInput now = input();
      const Picture picture = draw_screen(now, view_, terminal_.width(), terminal_.height());
      terminal_.show(picture.frame);
      // Of keys that have been typed meanwhile all are applied before the next picture.
      auto key = terminal_.wait_key(due - monotonic_now());
      for (; key; key = terminal_.wait_key(Duration(0))) {
        const Action action = apply_key(*key, now, picture, view_);
        if (action.kind == Action::Kind::quit) return 0;
        if (action.kind == Action::Kind::interrupt) return 130;
        if (action.kind == Action::Kind::redraw) terminal_.forget();
        if (action.kind == Action::Kind::send_signal) {
          view_.message = send_signals(snapshot_, action.signal, action.pids);
        }
        if (key->code == KeyCode::click) break;  // The next may be meant for another picture.
      }
    }
    return 130;
  }

 private:
  void read() {
    snapshot_ = sampler_.latest();
    history_.add(snapshot_);
    if (options_.notices) notices_ = options_.notices(snapshot_, history_);
    parents_.clear();
    if (view_.is_tree && !options_.is_remote) parents_ = parents_of(snapshot_);
  }

  ScreenInput input() const {
    return {
        snapshot_, history_,          notices_,           source_, clock_text(snapshot_.wall_ns),
        user_,     options_.interval, options_.is_remote, parents_};
  }

  Sampler& sampler_;
  const LiveOptions& options_;
  Terminal& terminal_;
  ViewState view_;
  History history_;
  Snapshot snapshot_;
  std::vector<Notice> notices_;
  std::map<int, int> parents_;
  std::string source_;
  std::string user_;
};

}  // namespace

Result<int> run_live(Sampler& sampler, const LiveOptions& options) {
  auto terminal = Terminal::open(options.terminal);
  if (!terminal) return terminal.error();
  // With the first readings there is something to see; a slow probe is not waited for.
  sampler.wait_for_round(std::chrono::milliseconds(300));
  return Live(sampler, options, **terminal).run();
}

}  // namespace tacho
