// The canary's lines below the engines: what one small request has just met, or why it failed.
#include <cmath>

#include "base/text.h"
#include "ui/numbers.h"
#include "ui/panels.h"

namespace tacho {
namespace {

/// Its address without the scheme.
std::string_view address_of(const Subject& canary) {
  std::string_view instance = label(canary.labels, "instance");
  const std::size_t scheme = instance.find("://");
  return scheme == std::string_view::npos ? instance : instance.substr(scheme + 3);
}

/// Why there is no time: the server's word for it.
std::string reason_of(const Subject& canary) {
  for (const Reading& reading : canary.readings) {
    if (reading.quantity == &quantity::canary_ttft && !reading.missing.empty()) {
      return reading.missing;
    }
  }
  return "no answer yet";
}

int put_time(const Canvas& canvas, int x, int y, std::string_view name, double seconds) {
  x = canvas.frame.put(x, y, name, {Role::dim}) + 1;
  return canvas.frame.put(x, y, std::isfinite(seconds) ? time_text(seconds) : "-", {}) + 2;
}

void draw_canary(const Canvas& canvas, const Area& line, const Subject& canary) {
  Frame& frame = canvas.frame;
  int x = frame.put(line.x + 1, line.y, "canary", {Role::accent}) + 1;
  x = frame.put(x, line.y, address_of(canary), {}) + 2;
  if (!(canary.value(quantity::canary_success) > 0.0)) {
    frame.put(x, line.y, reason_of(canary), {Role::heavy}, line.x + line.width - x);
    return;
  }
  x = put_time(canvas, x, line.y, "TTFT", canary.value(quantity::canary_ttft));
  x = put_time(canvas, x, line.y, "TPOT", canary.value(quantity::canary_tpot));
  x = put_time(canvas, x, line.y, "whole", canary.value(quantity::canary_e2e));
  const double failures = canary.value(quantity::canary_failures);
  if (failures > 0.0) {
    x = frame.put(x, line.y, format("{} failed", count_text(failures)), {Role::heavy}) + 2;
  }
  const double share = canary.value(quantity::canary_share);
  if (!std::isfinite(share)) return;
  const std::string words = ratio_text(share) + " of the load";
  if (x + static_cast<int>(words.size()) < line.x + line.width) {
    frame.put(x, line.y, words, {Role::dim});
  }
}

}  // namespace

int canaries_height(const ScreenInput& input) {
  return static_cast<int>(subjects_of(input.snapshot, SubjectKind::canary).size());
}

void draw_canaries(const Canvas& canvas, const Area& area) {
  int y = area.y;
  for (const Subject* canary : subjects_of(canvas.input.snapshot, SubjectKind::canary)) {
    if (y >= area.y + area.height) return;
    draw_canary(canvas, {area.x, y++, area.width, 1}, *canary);
  }
}

}  // namespace tacho
