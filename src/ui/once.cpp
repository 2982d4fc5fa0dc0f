#include "ui/once.h"

#include <algorithm>

#include "ui/panels.h"

namespace tacho {

std::string once_text(const Snapshot& snapshot, const History& history, int width, bool is_ascii,
                      const ServiceBounds& service) {
  ScreenInput input{snapshot, history, {}, "", "", ""};
  input.is_once = true;
  ViewState view;
  view.service = service;
  const auto rows = process_rows(input, view);
  const int devices = devices_height(input, true);
  const int engines = engines_height(input, false);
  const int processes = rows.empty() ? 0 : static_cast<int>(rows.size()) + 2;
  const bool has_host = !subjects_of(snapshot, SubjectKind::host).empty();
  Frame frame(std::max(width, 60), devices + engines + (has_host ? 2 : 0) + processes);
  std::vector<ClickTarget> targets;
  const Canvas canvas{frame, targets, input, view};
  int y = 0;
  const auto next = [&](int height) {
    const Area area{0, y, frame.width(), height};
    y += height;
    return area;
  };
  draw_devices(canvas, next(devices), true);
  if (engines > 0) draw_engines(canvas, next(engines), false);
  if (has_host) {
    draw_title(canvas, next(1), "Host");
    const Area line = next(1);
    draw_host(canvas, {1, line.y, line.width - 2, 1});
  }
  if (processes > 0) draw_processes(canvas, next(processes), rows);
  if (is_ascii) frame.make_ascii();
  return frame.text();
}

}  // namespace tacho
