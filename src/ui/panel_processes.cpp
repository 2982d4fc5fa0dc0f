// The list of processes, its columns as nvitop's users know them.
#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "base/utf8.h"
#include "ui/columns.h"
#include "ui/numbers.h"
#include "ui/panels.h"

namespace tacho {
namespace {

struct ProcessColumn {
  SortKey sort;
  Column column;
};

constexpr ProcessColumn all_columns[] = {
    {SortKey::device, {"GPU", 3}},
    {SortKey::pid, {"PID", 7}},
    {SortKey::device, {"T", 1, 0, 1, 7, false}},
    {SortKey::user, {"USER", 7, 1, 12, 5, false}},
    {SortKey::device_memory, {"GPU-MEM", 7}},
    {SortKey::sm, {"%SM", 4}},
    {SortKey::memory_busy, {"%GMBW", 5, 0, 5, 6}},
    {SortKey::cpu, {"%CPU", 5, 0, 5, 1}},
    {SortKey::memory, {"%MEM", 5, 0, 5, 4}},
    {SortKey::time, {"TIME", 8, 0, 8, 3}},
    {SortKey::device, {"COMMAND", 12, 1, 1 << 20, 0, false}},
};
constexpr std::size_t type_column = 2, command_column = 10;

std::string percent(double ratio, int decimals = 0) {
  return number_text(100.0 * ratio, "", decimals);
}

std::string text_of(const ProcessRow& row, std::size_t column) {
  switch (column) {
    case 0:
      return row.id.device;
    case 1:
      return format("{}", row.id.pid);
    case 2:
      return row.type;
    case 3:
      return row.user;
    case 4:
      return bytes_text(row.device_memory);
    case 5:
      return percent(row.sm);
    case 6:
      return percent(row.memory_busy);
    case 7:
      return percent(row.cpu, row.cpu < 9.995 ? 1 : 0);
    case 8:
      return percent(row.memory, 1);
    case 9:
      return age_text(row.age);
    default:
      return row.command;
  }
}

/// The command from the column that is scrolled to.
std::string_view scrolled(std::string_view text, int columns) {
  std::size_t at = 0;
  while (columns-- > 0 && at < text.size()) next_code_point(text, at);
  return text.substr(at);
}

Style style_of(const Canvas& canvas, const ProcessRow& row) {
  Style style;
  const std::string& own = canvas.input.own_user;
  if (!own.empty() && row.user != own) style.role = Role::dim;
  if (is_stale(canvas.input, *row.subject)) style.role = Role::dim;
  if (canvas.view.tagged.contains(row.id)) style = {Role::moderate, true};
  if (canvas.view.selected == row.id) style = {Role::accent, true, true};
  return style;
}

void draw_row(const Canvas& canvas, const ProcessRow& row, const std::vector<Place>& places,
              const Area& line) {
  Frame& frame = canvas.frame;
  const Style style = style_of(canvas, row);
  const bool is_selected = style.is_reverse;
  if (is_selected) frame.fill(line, U' ', style);
  for (const Place& place : places) {
    const std::string text = text_of(row, place.column);
    const bool is_dim = text == not_available && !is_selected;
    const Style shown = is_dim ? Style{Role::dim} : style;
    if (place.column == command_column) {
      const int x = frame.put(place.x, line.y, row.branch,
                              is_selected ? style : Style{Role::border}, place.width);
      frame.put(x, line.y, scrolled(text, canvas.view.command_scroll), shown,
                place.x + place.width - x);
    } else if (all_columns[place.column].column.is_right) {
      frame.put_right(place.x, line.y, place.width, text, shown);
    } else {
      frame.put(place.x, line.y, text, shown, place.width);
    }
  }
  if (canvas.view.tagged.contains(row.id)) frame.set(line.x, line.y, U'●', style);
  canvas.targets.push_back({line, TargetKind::process, row.id});
}

void draw_headings(const Canvas& canvas, const std::vector<Place>& places, int y) {
  const ViewState& view = canvas.view;
  for (const Place& place : places) {
    const auto& [sort, column] = all_columns[place.column];
    const bool is_sortable = place.column != type_column && place.column != command_column;
    const bool is_sorted = is_sortable && sort == view.sort;
    const Style style{is_sorted ? Role::accent : Role::dim, is_sorted};
    std::string text(column.heading);
    // Loads begin with the largest, names and numbers with the smallest.
    const bool falls = sort != SortKey::device && sort != SortKey::pid && sort != SortKey::user;
    if (is_sorted) text += falls != view.is_reversed ? "▼" : "▲";
    if (column.is_right) {
      const int width = std::max(place.width, static_cast<int>(display_width(text)));
      canvas.frame.put_right(place.x + place.width - width, y, width, text, style);
    } else {
      canvas.frame.put(place.x, y, text, style, place.width);
    }
    if (is_sortable) {
      canvas.targets.push_back({{place.x, y, place.width, 1}, TargetKind::sort, {}, sort});
    }
  }
}

/// "12 processes, filter python, tree".
std::string summary(const ViewState& view, std::size_t count) {
  std::string text = format("{} {}", count, count == 1 ? "process" : "processes");
  if (!view.tagged.empty()) text += format(", {} tagged", view.tagged.size());
  if (!view.filter.empty() && !view.is_typing_filter) text += ", filter " + view.filter;
  if (view.is_tree) text += ", tree";
  return text;
}

}  // namespace

int draw_processes(const Canvas& canvas, const Area& area, const std::vector<ProcessRow>& rows) {
  if (area.height < 1) return 0;
  draw_title(canvas, {area.x, area.y, area.width, 1}, "Processes",
             summary(canvas.view, rows.size()));
  std::vector<Column> columns;
  for (const ProcessColumn& one : all_columns) columns.push_back(one.column);
  const auto places = place_columns(columns, area.x + 1, area.width - 2);
  if (area.height > 1) draw_headings(canvas, places, area.y + 1);
  const int fit = std::max(area.height - 2, 0);
  // The selected row stays in sight.
  std::size_t selected = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (canvas.view.selected == rows[i].id) selected = i;
  }
  const std::size_t page = static_cast<std::size_t>(std::max(fit, 1));
  const std::size_t first = selected < page ? 0 : selected - page + 1;
  for (int i = 0; i < fit; ++i) {
    const std::size_t at = first + static_cast<std::size_t>(i);
    if (at >= rows.size()) break;
    draw_row(canvas, rows[at], places, {area.x, area.y + 2 + i, area.width, 1});
  }
  if (rows.empty() && fit > 0) {
    const std::string_view why = canvas.view.filter.empty()
                                     ? "no process uses a device"
                                     : "no process passes the filter; Esc clears it";
    canvas.frame.put(area.x + 1, area.y + 2, why, {Role::dim}, area.width - 2);
  }
  return fit;
}

}  // namespace tacho
