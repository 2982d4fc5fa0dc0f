// The host in one line, and the graphs of host, devices and engines over time.
#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "ui/columns.h"
#include "ui/numbers.h"
#include "ui/panels.h"

namespace tacho {
namespace {

const Subject* host_of(const Snapshot& snapshot) {
  const auto hosts = subjects_of(snapshot, SubjectKind::host);
  return hosts.empty() ? nullptr : hosts.front();
}

double memory_used(const Subject& host) {
  return host.value(quantity::host_memory_total) - host.value(quantity::host_memory_available);
}

/// Writes words one after the other, as long as they fit.
class Writer {
 public:
  Writer(Frame& frame, const Area& line) : frame_(frame), x_(line.x), line_(line) {}

  /// Begins a group that needs `width` columns; false when it does not fit.
  bool begin(int width, std::string_view name) {
    const int gap = x_ > line_.x ? 3 : 0;
    if (x_ + gap + width > line_.x + line_.width) return false;
    x_ = frame_.put(x_ + gap, line_.y, name, {Role::dim}) + 1;
    return true;
  }
  /// Writes what fits as a whole, or nothing of it.
  void words(std::string_view text, Style style = {}) {
    if (x_ + static_cast<int>(display_width(text)) > line_.x + line_.width) return;
    x_ = frame_.put(x_, line_.y, text, style) + 1;
  }
  void bar(double ratio, const LoadBounds& bounds, int width) {
    draw_bar(frame_, {x_, line_.y, width, 1}, ratio, load_role(ratio, bounds));
    x_ += width + 1;
    const std::string text = ratio_text(ratio);
    frame_.put_right(x_, line_.y, 4, text, {load_role(ratio, bounds)});
    x_ += 5;
  }

 private:
  Frame& frame_;
  int x_;
  Area line_;
};

/// How much of the fastest link is in use; NaN when no link says what it can carry.
double link_share(const Canvas& canvas, const Subject& host, Duration window) {
  double most = std::nan("");
  for (const Series* series : canvas.input.history.all(host, quantity::host_network_speed)) {
    if (series->points.empty() || series->labels.empty()) continue;
    const std::string& name = series->labels.front().second;
    for (const Quantity* quantity :
         {&quantity::host_network_receive, &quantity::host_network_transmit}) {
      const double rate = canvas.input.history.rate(host, *quantity, window, name);
      most = std::fmax(most, rate / series->points.back().value);
    }
  }
  return most;
}

}  // namespace

void draw_host(const Canvas& canvas, const Area& line) {
  const Subject* host = host_of(canvas.input.snapshot);
  if (host == nullptr) return;
  if (!host->trouble.empty()) {
    canvas.frame.put(line.x, line.y, host->id + ": " + host->trouble, {Role::heavy}, line.width);
    return;
  }
  const int bar = std::clamp((line.width - 64) / 8, 6, 30);
  const LoadBounds bounds{0.5, 0.9};
  const Duration window = 5 * canvas.input.interval;
  const auto rate = [&](const Quantity& quantity) {
    return canvas.input.history.rate(*host, quantity, window);
  };
  Writer out(canvas.frame, line);
  if (out.begin(bar + 9, "CPU")) out.bar(host->value(quantity::host_cpu), bounds, bar);
  if (out.begin(bar + 9, "MEM")) {
    out.bar(memory_used(*host) / host->value(quantity::host_memory_total), bounds, bar);
  }
  if (out.begin(15, "load")) {
    out.words(number_text(host->value(quantity::host_load), "", 2));
    out.words("/ " + count_text(host->value(quantity::host_cores)), {Role::dim});
  }
  const double swap = host->value(quantity::host_swap_total);
  if (swap > 0.0 && out.begin(8, "SWP")) {
    const double used = 1.0 - host->value(quantity::host_swap_free) / swap;
    out.words(ratio_text(used), {load_role(used, {0.1, 0.5})});
  }
  if (out.begin(22, "NET")) {
    out.words("↓" + bit_rate_text(rate(quantity::host_network_receive)) + " ↑" +
              bit_rate_text(rate(quantity::host_network_transmit)));
    const double share = link_share(canvas, *host, window);
    if (std::isfinite(share) && share >= 0.05) {
      out.words(format("({} of the link)", ratio_text(share)), {load_role(share, {0.5, 0.8})});
    }
  }
  if (out.begin(24, "memory")) {
    out.words(memory_text(memory_used(*host), host->value(quantity::host_memory_total)));
  }
  if (out.begin(22, "DISK")) {
    out.words("r " + byte_rate_text(rate(quantity::host_disk_read)) + "B/s w " +
              byte_rate_text(rate(quantity::host_disk_written)) + "B/s");
  }
  if (out.begin(14, "up")) {
    const double wall = static_cast<double>(canvas.input.snapshot.wall_ns) / 1e9;
    out.words(age_text(wall - host->value(quantity::host_boot_time)));
  }
  if (is_stale(canvas.input, *host)) canvas.frame.restyle(line, {Role::dim});
}

}  // namespace tacho
