#include "ui/screen.h"

#include <algorithm>

#include "base/text.h"
#include "ui/numbers.h"
#include "ui/panels.h"

namespace tacho {
namespace {

/// The lines of each panel.
struct Lines {
  int devices = 0, engines = 0, host = 0, graphs = 0, notices = 0, processes = 0;
  bool has_host_title = false;
  bool is_full = false;     ///< Two lines for each device.
  bool has_sparks = false;  ///< Two lines for each engine.
};

/// The fewest lines in which the list of processes is of use.
constexpr int least_processes = 5;
/// Graphs of fewer lines say little; of more, no more.
constexpr int least_graphs = 5, most_graphs = 13;

/// Deals the lines: what everybody needs first, then the better forms of it, in the order in which
/// they are worth their lines; the processes take the rest.
Lines deal(const ScreenInput& input, const ViewState& view, int height, int row_count) {
  Lines lines;
  const bool has_host = !subjects_of(input.snapshot, SubjectKind::host).empty();
  const bool has_devices = !subjects_of(input.snapshot, SubjectKind::device).empty();
  lines.host = has_host ? 1 : 0;
  lines.notices = std::clamp(static_cast<int>(input.notices.size()), 1, 3);
  const int fixed = 2;  // The first line and the last.
  const int wanted = has_devices ? std::clamp(row_count + 2, 3, least_processes) : 3;
  int left = height - fixed - lines.host - lines.notices - wanted;
  lines.engines = std::min(engines_height(input, false), std::max(left / 2, 0));
  left -= lines.engines;
  lines.is_full = view.detail == Detail::full;
  lines.devices = std::clamp(devices_height(input, lines.is_full), 1, std::max(left, 1));
  left -= lines.devices;
  lines.processes = wanted;
  const auto take = [&](int more) {
    if (more > left) return false;
    left -= more;
    return true;
  };
  if (left > 0 && lines.engines == engines_height(input, false)) {
    const int more = engines_height(input, true) - lines.engines;
    lines.has_sparks = more > 0 && take(more);
    if (lines.has_sparks) lines.engines += more;
  }
  if (take(least_graphs)) lines.graphs = least_graphs;
  lines.has_host_title = lines.graphs > 0 && lines.host > 0 && take(1);
  const int full = devices_height(input, true) - lines.devices;
  if (view.detail == Detail::automatic && lines.graphs > 0 && full > 0 && take(full)) {
    lines.devices += full;
    lines.is_full = true;
  }
  // The rest: processes that there are, then larger graphs, then empty rows.
  const int rows = std::clamp(row_count + 2 - lines.processes, 0, std::max(left, 0));
  const int some_rows = std::min(rows, std::max(left / 2, 10));
  if (take(some_rows)) lines.processes += some_rows;
  const int larger = lines.graphs > 0 ? std::clamp(left, 0, most_graphs - lines.graphs) : 0;
  if (take(larger)) lines.graphs += larger;
  lines.processes += std::max(left, 0);
  return lines;
}

void draw_top(const Canvas& canvas) {
  const ScreenInput& input = canvas.input;
  Frame& frame = canvas.frame;
  int x = frame.put(1, 0, "tacho monitor", {Role::title, true});
  x = frame.put(x + 2, 0, input.source, {Role::plain});
  if (input.is_remote) x = frame.put(x + 1, 0, "(remote)", {Role::dim});
  if (canvas.view.is_readonly) x = frame.put(x + 1, 0, "(read only)", {Role::dim});
  const std::string right = format("every {:.3g} s   {}", to_s(input.interval), input.clock);
  const int at = frame.width() - 1 - static_cast<int>(display_width(right));
  if (at > x + 1) frame.put(at, 0, right, {Role::dim});
}

struct Hint {
  std::string_view key, what;
  TargetKind kind;
  bool can_click;
};

constexpr Hint hints[] = {
    {"?", "help", TargetKind::help, true},        {"q", "quit", TargetKind::quit, true},
    {"↑↓", "select", TargetKind::help, false},    {"o", "order", TargetKind::help, false},
    {"\\", "filter", TargetKind::filter, true},   {"t", "tree", TargetKind::help, false},
    {"T", "end", TargetKind::help, false},        {"w", "window", TargetKind::help, false},
    {"a f c", "layout", TargetKind::help, false},
};

/// The last line: what is being typed, the outcome of the last key, or the keys.
void draw_bottom(const Canvas& canvas) {
  const ViewState& view = canvas.view;
  Frame& frame = canvas.frame;
  const int y = frame.height() - 1;
  if (view.is_typing_filter) {
    const int x = frame.put(1, y, "filter: ", {Role::accent, true});
    const int end = frame.put(x, y, view.filter, {});
    frame.set(end, y, U' ', {Role::plain, false, true});
    return;
  }
  if (view.waits_for_sort_key) {
    frame.put(1, y,
              "order by: n device  u user  p pid  g gpu-mem  s sm  b gmbw  c cpu  m mem  t time",
              {Role::accent}, frame.width() - 2);
    return;
  }
  if (!view.message.empty()) {
    frame.put(1, y, view.message, {Role::moderate}, frame.width() - 2);
    return;
  }
  int x = 1;
  for (const Hint& hint : hints) {
    const int width = static_cast<int>(display_width(hint.key) + display_width(hint.what)) + 1;
    if (x + width > frame.width() - 1) return;
    const int end =
        frame.put(frame.put(x, y, hint.key, {Role::accent}) + 1, y, hint.what, {Role::dim});
    if (hint.can_click) canvas.targets.push_back({{x, y, end - x, 1}, hint.kind});
    x = end + 2;
  }
}

void draw_main(const Canvas& canvas, const std::vector<ProcessRow>& rows, int& fit) {
  const int width = canvas.frame.width();
  const Lines lines =
      deal(canvas.input, canvas.view, canvas.frame.height(), static_cast<int>(rows.size()));
  int y = 1;
  const auto next = [&](int height) {
    const Area area{0, y, width, height};
    y += height;
    return area;
  };
  const auto inside = [](const Area& area) {
    return Area{area.x + 1, area.y, area.width - 2, area.height};
  };
  draw_top(canvas);
  draw_devices(canvas, next(lines.devices), lines.is_full);
  if (lines.engines > 2) {
    draw_engines(canvas, next(lines.engines), lines.has_sparks);
  } else {
    next(lines.engines);
  }
  if (lines.has_host_title) draw_title(canvas, next(1), "Host");
  if (lines.host > 0) draw_host(canvas, inside(next(1)));
  if (lines.graphs > 0) draw_graphs(canvas, next(lines.graphs));
  fit = draw_processes(canvas, next(lines.processes), rows);
  draw_notices(canvas, next(lines.notices));
  draw_bottom(canvas);
}

}  // namespace

void draw_title(const Canvas& canvas, const Area& line, std::string_view title,
                std::string_view right) {
  Frame& frame = canvas.frame;
  frame.fill(line, U'─', {Role::border});
  const int x = frame.put(line.x + 1, line.y, format(" {} ", title), {Role::title, true});
  const int room = line.x + line.width - 2 - x;
  if (right.empty() || room < 6) return;
  const std::string words = format(" {} ", right);
  const int width = std::min(static_cast<int>(display_width(words)), room);
  frame.put(line.x + line.width - 1 - width, line.y, words, {Role::dim}, width);
}

std::vector<const Subject*> subjects_of(const Snapshot& snapshot, SubjectKind kind) {
  std::vector<const Subject*> found;
  for (const Subject& subject : snapshot.subjects) {
    if (subject.kind == kind) found.push_back(&subject);
  }
  return found;
}

void draw_notices(const Canvas& canvas, const Area& area) {
  const auto& notices = canvas.input.notices;
  if (notices.empty()) {
    canvas.frame.put(area.x + 1, area.y, "no findings", {Role::dim});
    return;
  }
  for (int i = 0; i < area.height; ++i) {
    const auto at = static_cast<std::size_t>(i);
    if (at >= notices.size()) return;
    const bool has_more = i + 1 == area.height && at + 1 < notices.size();
    const std::string more = has_more ? format(" (and {} more)", notices.size() - at - 1) : "";
    canvas.frame.set(area.x + 1, area.y + i, U'●', {notices[at].role});
    canvas.frame.put(area.x + 3, area.y + i, notices[at].text + more, {notices[at].role},
                     area.width - 4);
  }
}

Picture draw_screen(const ScreenInput& input, const ViewState& view, int width, int height) {
  Picture picture{Frame(width, height), {}, 0};
  const Canvas canvas{picture.frame, picture.targets, input, view};
  if (width < 40 || height < 10) {
    picture.frame.put(0, 0, "tacho monitor needs 40 × 10", {});
    return picture;
  }
  const std::vector<ProcessRow> rows = process_rows(input, view);
  const auto selected = std::find_if(
      rows.begin(), rows.end(), [&](const ProcessRow& row) { return view.selected == row.id; });
  if (view.overlay == Overlay::process && selected != rows.end()) {
    draw_process(canvas, *selected);
  } else {
    draw_main(canvas, rows, picture.process_rows);
  }
  if (view.overlay == Overlay::help) draw_help(canvas);
  if (view.question) draw_question(canvas);
  return picture;
}

}  // namespace tacho
