// The panels of the main screen. Each says how many lines it wants and draws itself into an area;
// screen.cpp deals the lines.
#pragma once

#include "ui/processes.h"
#include "ui/view.h"

namespace tacho {

/// What panels are drawn with.
struct Canvas {
  Frame& frame;
  std::vector<ClickTarget>& targets;
  const ScreenInput& input;
  const ViewState& view;
};

/// A line with a title in it; `right` stands at its right end.
void draw_title(const Canvas& canvas, const Area& line, std::string_view title,
                std::string_view right = "");

/// Devices of that kind in the snapshot, in order.
std::vector<const Subject*> subjects_of(const Snapshot& snapshot, SubjectKind kind);

/// Lines of the devices: title, headings, one or two for each; one alone when there are none.
int devices_height(const ScreenInput& input, bool is_full);
void draw_devices(const Canvas& canvas, const Area& area, bool is_full);

/// The host in one line.
void draw_host(const Canvas& canvas, const Area& line);

/// Graphs over time, as many side by side as fit: host, devices, engines.
void draw_graphs(const Canvas& canvas, const Area& area);

/// Lines of the engines: title, headings, one or two for each; and those of the canaries.
int engines_height(const ScreenInput& input, bool is_full);
void draw_engines(const Canvas& canvas, const Area& area, bool is_full);

/// Lines of the canaries, below the engines: one for each.
int canaries_height(const ScreenInput& input);
void draw_canaries(const Canvas& canvas, const Area& area);

/// Title, headings and rows; returns how many rows fit.
int draw_processes(const Canvas& canvas, const Area& area, const std::vector<ProcessRow>& rows);

/// What someone should read, a line each, or that there is nothing.
void draw_notices(const Canvas& canvas, const Area& area);

/// Boxes over the screen.
void draw_help(const Canvas& canvas);
void draw_question(const Canvas& canvas);
/// One process: its figures over time.
void draw_process(const Canvas& canvas, const ProcessRow& row);

}  // namespace tacho
