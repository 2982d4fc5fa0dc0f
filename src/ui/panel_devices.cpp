// The panel of GPUs and NPUs: one line each when there is little room, two when there is more.
#include <algorithm>
#include <array>
#include <cmath>
#include <span>

#include "base/text.h"
#include "ui/columns.h"
#include "ui/device_words.h"
#include "ui/numbers.h"
#include "ui/panels.h"

namespace tacho {
namespace {

/// What a column shows.
enum class Part {
  index,
  name,
  fan,
  temperature,
  state,
  power,
  memory,
  memory_bar,
  load_bar,
  power_bar,
  sm,
  tensor,
  dram,
  clock,
  pcie,
  link,
  ecc,
  remark,
};

/// A column and its part.
struct PartColumn {
  Part part;
  Column column;
};

/// One line for each device. What nvidia-smi's users look at stays longest.
constexpr PartColumn compact_columns[] = {
    {Part::index, {"GPU", 3}},
    {Part::name, {"Name", 9, 1, 26, 12, false}},
    {Part::fan, {"Fan", 4, 0, 4, 8}},
    {Part::temperature, {"Temp", 4}},
    {Part::state, {"Perf", 4, 0, 4, 7, false}},
    {Part::power, {"Pwr:Use/Cap", 11, 0, 11, 2}},
    {Part::memory, {"Memory", 13, 0, 15, 1}},
    {Part::memory_bar, {"MEM", 11, 4, 40, 3, false}},
    {Part::load_bar, {"UTL", 11, 4, 40, 0, false}},
    {Part::sm, {"SM", 4, 0, 4, 9}},
    {Part::tensor, {"TNSR", 4, 0, 4, 10}},
    {Part::dram, {"DRAM", 4, 0, 4, 9}},
    {Part::clock, {"SM clock", 8, 0, 8, 13}},
    {Part::pcie, {"PCIe ↓/↑", 11, 0, 11, 14}},
    {Part::link, {"Link ↓/↑", 11, 0, 11, 15}},
    {Part::ecc, {"ECC", 4, 0, 4, 16}},
    {Part::remark, {"Remarks", 9, 3, 60, 11, false}},
};

constexpr PartColumn upper_columns[] = {
    {Part::index, {"GPU", 3}},
    {Part::name, {"Name", 16, 6, 40, 0, false}},
    {Part::fan, {"Fan", 4, 0, 4, 8}},
    {Part::temperature, {"Temp", 4}},
    {Part::state, {"Perf", 4, 0, 4, 7, false}},
    {Part::power, {"Pwr:Use/Cap", 11}},
    {Part::clock, {"SM clock", 8, 0, 8, 6}},
    {Part::sm, {"SM", 4, 0, 4, 4}},
    {Part::tensor, {"TNSR", 4, 0, 4, 5}},
    {Part::dram, {"DRAM", 4, 0, 4, 4}},
    {Part::pcie, {"PCIe ↓/↑", 11, 0, 11, 9}},
    {Part::link, {"Link ↓/↑", 11, 0, 11, 10}},
    {Part::ecc, {"ECC", 4, 0, 4, 11}},
    {Part::remark, {"Remarks", 20, 8, 100, 12, false}},
};

constexpr PartColumn lower_columns[] = {
    {Part::remark, {"Remarks", 19, 3, 60, 0, false}},
    {Part::memory, {"Memory", 15}},
    {Part::memory_bar, {"MEM", 11, 4, 60, 0, false}},
    {Part::load_bar, {"UTL", 11, 4, 60, 0, false}},
    {Part::power_bar, {"PWR", 16, 2, 40, 1, false}},
};

/// One line of a device being drawn.
struct Line {
  const Canvas& canvas;
  const Subject& device;
  int y = 0;
  bool is_part = false;  ///< A MIG instance: what it does not have is left blank.

  void text(const Place& place, const std::string& words, Style style) const {
    const bool is_missing = words == not_available;
    if (is_missing && is_part) return;
    canvas.frame.put_right(place.x, y, place.width, words, is_missing ? Style{Role::dim} : style);
  }
  void load(const Place& place, const Quantity& quantity) const {
    const double value = device.value(quantity);
    text(place, ratio_text(value), {load_role(value, canvas.view.utilization)});
  }
  /// A bar with its share behind it.
  void bar(const Place& place, double ratio, const LoadBounds& bounds,
           std::string_view name) const {
    if (is_part && std::isnan(ratio)) return;
    const Role role = load_role(ratio, bounds);
    int x = place.x;
    if (!name.empty()) x = canvas.frame.put(x, y, name, {Role::dim}) + 1;
    const int width = place.x + place.width - x - 5;
    draw_bar(canvas.frame, {x, y, width, 1}, ratio, role);
    canvas.frame.put_right(x + width, y, 5, ratio_text(ratio), {role});
  }
};

void draw_left(const Line& line, const Place& place, Part part) {
  Frame& frame = line.canvas.frame;
  if (part == Part::name) {
    frame.put(place.x, line.y, device_name(line.device), {}, place.width);
  } else if (part == Part::state) {
    const double state = line.device.value(quantity::device_performance_state);
    if (line.is_part && std::isnan(state)) return;
    // Where remarks have no room, the mark says that there is one.
    const bool is_throttled = !marked_labels(line.device, quantity::device_throttled).empty();
    const std::string words = std::isnan(state) ? "N/A" : format("P{:.0f}", state);
    const Role role = is_throttled ? Role::moderate : std::isnan(state) ? Role::dim : Role::plain;
    frame.put(place.x, line.y, words + (is_throttled ? "!" : ""), {role}, place.width);
  } else if (part == Part::remark) {
    // In two-line form a part has one line, and its name stands here.
    const Notice notice = line.is_part ? Notice{Role::plain, device_name(line.device)}
                                       : device_remark(line.canvas.input, line.device);
    frame.put(place.x, line.y, notice.text, {notice.role}, place.width);
  }
}

void draw_number(const Line& line, const Place& place, Part part) {
  const Subject& device = line.device;
  switch (part) {
    case Part::index:
      return line.text(place, device_index(device), {Role::plain, true});
    case Part::fan:
      return line.text(place, ratio_text(device.value(quantity::device_fan)), {});
    case Part::temperature: {
      const double limit = device.value(quantity::device_temperature_limit);
      const double now = core_temperature(device);
      const bool is_hot = now > (std::isfinite(limit) ? limit - 5.0 : 85.0);
      return line.text(place, number_text(now, "C"), {is_hot ? Role::heavy : Role::plain});
    }
    case Part::power:
      return line.text(place, device_power_text(device), {});
    case Part::memory:
      return line.text(place,
                       memory_text(device.value(quantity::device_memory_used),
                                   device.value(quantity::device_memory_total)),
                       {});
    case Part::clock:
      return line.text(place, number_text(1e-6 * device.value(quantity::device_clock, "sm"), "MHz"),
                       {});
    case Part::pcie:
      return line.text(place,
                       pair_text(device.value(quantity::device_pcie_receive),
                                 device.value(quantity::device_pcie_transmit)),
                       {});
    case Part::link: {
      const auto rate = [&](const Quantity& quantity) {
        return line.canvas.input.history.rate(device, quantity, 5 * line.canvas.input.interval);
      };
      return line.text(
          place,
          pair_text(rate(quantity::device_link_receive), rate(quantity::device_link_transmit)), {});
    }
    case Part::ecc: {
      const double errors = uncorrected_errors(device);
      return line.text(place, count_text(errors), {errors > 0.0 ? Role::heavy : Role::plain});
    }
    default:
      return draw_left(line, place, part);
  }
}

void draw_part(const Line& line, const Place& place, Part part, bool is_named) {
  const Subject& device = line.device;
  const ViewState& view = line.canvas.view;
  switch (part) {
    case Part::memory_bar:
      return line.bar(place, device_memory_share(device), view.memory, is_named ? "MEM" : "");
    case Part::load_bar: {
      // Of a part the driver does not know how long it was busy, only how much of it.
      const double load = device.value(quantity::device_utilization);
      const bool has_load = !line.is_part || !std::isnan(load);
      return line.bar(place, has_load ? load : device.value(quantity::device_sm_active),
                      view.utilization,
                      !is_named  ? ""
                      : has_load ? "UTL"
                                 : "SM ");
    }
    case Part::power_bar:
      return line.bar(place, device_power_share(device), {0.8, 0.97}, "PWR");
    case Part::sm:
      return line.load(place, quantity::device_sm_active);
    case Part::tensor:
      return line.load(place, quantity::device_tensor_active);
    case Part::dram:
      return line.load(place, quantity::device_dram_active);
    default:
      return draw_number(line, place, part);
  }
}

/// Columns of which no device says anything go, so that the others have more room.
bool has_part(const std::vector<const Subject*>& devices, Part part) {
  const auto any = [&](const Quantity& quantity) {
    return std::any_of(devices.begin(), devices.end(),
                       [&](const Subject* one) { return one->find(quantity) != nullptr; });
  };
  switch (part) {
    case Part::fan:
      return any(quantity::device_fan);
    case Part::sm:
      return any(quantity::device_sm_active);
    case Part::state:
      return any(quantity::device_performance_state) || any(quantity::device_throttled);
    case Part::tensor:
      return any(quantity::device_tensor_active);
    case Part::dram:
      return any(quantity::device_dram_active);
    case Part::clock:
      return any(quantity::device_clock);
    case Part::pcie:
      return any(quantity::device_pcie_receive) || any(quantity::device_pcie_transmit);
    case Part::link:
      return any(quantity::device_link_receive) || any(quantity::device_link_transmit);
    case Part::ecc:
      return any(quantity::device_ecc_errors);
    default:
      return true;
  }
}

/// The columns that fit, of those of which something is known.
struct Layout {
  std::vector<Part> parts;
  std::vector<Column> columns;
  std::vector<Place> places;
  bool has_remarks = true;  ///< False where the other line has them.

  Layout(std::span<const PartColumn> all, const std::vector<const Subject*>& devices, int x,
         int width) {
    for (const PartColumn& one : all) {
      if (!has_part(devices, one.part)) continue;
      parts.push_back(one.part);
      columns.push_back(one.column);
    }
    places = place_columns(columns, x, width);
  }

  void draw_headings(Frame& frame, int y) const {
    for (const Place& place : places) {
      if (parts[place.column] == Part::remark && !has_remarks) continue;
      const Column& column = columns[place.column];
      if (column.is_right) {
        frame.put_right(place.x, y, place.width, column.heading, {Role::dim});
      } else {
        frame.put(place.x, y, column.heading, {Role::dim}, place.width);
      }
    }
  }

  void draw_line(const Line& line, bool is_named) const {
    for (const Place& place : places) {
      const Part part = parts[place.column];
      if (part == Part::remark && !has_remarks && !line.is_part) continue;
      // A part's name stands in one place.
      if (part == Part::remark && line.is_part && has(Part::name)) continue;
      draw_part(line, place, part, is_named);
    }
  }

  bool has(Part part) const {
    return std::any_of(places.begin(), places.end(),
                       [&](const Place& place) { return parts[place.column] == part; });
  }

  /// A device that does not answer: which it is, and why, over the whole line.
  void draw_trouble(const Line& line, const Area& inner) const {
    int x = inner.x;
    for (const Place& place : places) {
      if (parts[place.column] != Part::index && parts[place.column] != Part::name) continue;
      draw_part(line, place, parts[place.column], false);
      x = place.x + place.width + 1;
    }
    line.canvas.frame.restyle(inner, {Role::dim});
    line.canvas.frame.put(x, line.y, line.device.trouble, {Role::heavy}, inner.x + inner.width - x);
  }

  /// A device whose readings are old, in grey, with their age where it can be seen.
  void draw_age(const Line& line, const Area& inner) const {
    line.canvas.frame.restyle(inner, {Role::dim});
    if (has(Part::remark)) return;
    for (const Place& place : places) {
      if (parts[place.column] != Part::name && parts[place.column] != Part::fan) continue;
      const double age = to_s(line.canvas.input.snapshot.at - line.device.at);
      line.canvas.frame.fill({place.x, line.y, place.width, 1}, U' ');
      line.canvas.frame.put(place.x, line.y, age_text(age) + " ago", {Role::dim}, place.width);
      return;
    }
  }
};

int lines_of(const Subject& device, bool is_full) {
  return is_full && !is_device_part(device) ? 2 : 1;
}

/// Layouts of the first and the second line of a device; without a second one, null.
struct Lines {
  const Layout& upper;
  const Layout* lower;
};

void draw_device(const Canvas& canvas, const Area& place, const Subject& device,
                 const Lines& lines) {
  const bool is_part = is_device_part(device);
  const Line line{canvas, device, place.y, is_part};
  const Area first{place.x + 1, place.y, place.width - 2, 1};
  const Area second{first.x, place.y + 1, first.width, place.height - 1};
  if (!device.trouble.empty()) {
    lines.upper.draw_trouble(line, first);
  } else if (is_part && lines.lower != nullptr) {
    canvas.frame.put_right(first.x, place.y, 3, device_index(device));
    lines.lower->draw_line(line, true);
  } else {
    lines.upper.draw_line(line, false);
    if (lines.lower != nullptr) lines.lower->draw_line({canvas, device, place.y + 1, false}, true);
    if (is_stale(canvas.input, device)) {
      lines.upper.draw_age(line, first);
      canvas.frame.restyle(second, {Role::dim});
    }
  }
  if (canvas.view.device == device.id) {
    canvas.frame.set(place.x, place.y, U'▶', {Role::accent, true});
  }
  canvas.targets.push_back({place, TargetKind::device, {}, SortKey::device, device.id});
}

/// The devices from the one that is scrolled to; where not all fit, the last line says so.
void draw_rows(const Canvas& canvas, const Area& area, const Lines& layouts,
               const std::vector<const Subject*>& devices) {
  const bool is_full = layouts.lower != nullptr;
  const int end = area.y + area.height;
  const int last = static_cast<int>(devices.size()) - 1;
  int y = area.y;
  for (int i = std::clamp(canvas.view.device_scroll, 0, last); i <= last; ++i) {
    const Subject& device = *devices[static_cast<std::size_t>(i)];
    const int lines = lines_of(device, is_full);
    const int more = i < last ? 1 : 0;
    if (y + lines + more > end) {
      const bool is_last_one = i == last && y + lines <= end;
      if (!is_last_one) {
        canvas.frame.put(area.x + 1, y, format("… {} more; [ and ] scroll", last - i + 1),
                         {Role::dim}, area.width - 2);
        return;
      }
    }
    draw_device(canvas, {area.x, y, area.width, lines}, device, layouts);
    y += lines;
  }
}

}  // namespace

int devices_height(const ScreenInput& input, bool is_full) {
  const auto devices = subjects_of(input.snapshot, SubjectKind::device);
  if (devices.empty()) return 1;
  int lines = 2 + (is_full ? 1 : 0);
  for (const Subject* device : devices) lines += lines_of(*device, is_full);
  return lines;
}

void draw_devices(const Canvas& canvas, const Area& area, bool is_full) {
  const auto devices = subjects_of(canvas.input.snapshot, SubjectKind::device);
  if (devices.empty())
    return draw_title(canvas, {area.x, area.y, area.width, 1}, "Devices", "none");
  draw_title(canvas, {area.x, area.y, area.width, 1}, "Devices", devices_summary(devices));
  const int inner = area.width - 2;
  const Layout upper = is_full ? Layout(upper_columns, devices, area.x + 1, inner)
                               : Layout(compact_columns, devices, area.x + 1, inner);
  // Remarks stand in the line that has room for them; parts have their name in that place.
  const bool has_parts = std::any_of(devices.begin(), devices.end(),
                                     [](const Subject* device) { return is_device_part(*device); });
  const std::span<const PartColumn> below(lower_columns);
  Layout lower(upper.has(Part::remark) && !has_parts ? below.subspan(1) : below, devices,
               area.x + 5, inner - 4);
  lower.has_remarks = !upper.has(Part::remark);
  int y = area.y + 1;
  upper.draw_headings(canvas.frame, y++);
  if (is_full) lower.draw_headings(canvas.frame, y++);
  draw_rows(canvas, {area.x, y, area.width, area.y + area.height - y},
            {upper, is_full ? &lower : nullptr}, devices);
}

}  // namespace tacho
