// Graphs over time, side by side, each with two quantities: one grows up from the axis, the other
// down. The axis names both and marks the time.
#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "ui/numbers.h"
#include "ui/panels.h"

namespace tacho {
namespace {

/// The narrowest graph that is worth its place.
constexpr int least_width = 36;

/// One half of a graph.
struct Half {
  std::string name;  ///< With its value now.
  std::vector<double> values;
  GraphLook look;
};

/// A graph: what grows up, and what grows down.
struct Graph {
  Half up, down;
};

using Values = std::vector<double>;

/// Adds the values of several subjects; what is not known of one is left out of its step.
class Sum {
 public:
  explicit Sum(std::size_t count) : sum_(count, std::nan("")), parts_(count, 0.0) {}
  void add(const Values& values, double scale = 1.0) {
    for (std::size_t i = 0; i < sum_.size() && i < values.size(); ++i) {
      if (!std::isfinite(values[i] * scale)) continue;
      sum_[i] = (parts_[i] > 0.0 ? sum_[i] : 0.0) + values[i] * scale;
      parts_[i] += 1.0;
    }
  }
  Values total() const { return sum_; }
  Values mean() const {
    Values out = sum_;
    for (std::size_t i = 0; i < out.size(); ++i) out[i] /= std::max(parts_[i], 1.0);
    return out;
  }

 private:
  Values sum_, parts_;
};

double last_of(const Values& values) { return values.empty() ? std::nan("") : values.back(); }

/// What graphs are made from.
struct Source {
  const Canvas& canvas;
  std::size_t count;

  Values steps(const Subject& subject, const Quantity& quantity) const {
    return canvas.input.history.steps(subject, quantity, canvas.input.interval, count);
  }
  Values rates(const Subject& subject, const Quantity& quantity) const {
    return canvas.input.history.rate_steps(subject, quantity, canvas.input.interval, count);
  }
};

Half load_half(std::string_view name, Values values, const LoadBounds& bounds) {
  const std::string text = format("{} {}", name, ratio_text(last_of(values)));
  return {text, std::move(values), {1.0, false, true, bounds, Role::accent}};
}

Half count_half(std::string_view name, Values values, double least, Role role, bool is_bits) {
  const double most = round_up(most_of(values, least));
  const std::string text =
      is_bits ? format("{} {}", name, bit_rate_text(last_of(values)))
              : format("{} {}/{}", name, count_text(last_of(values)), count_text(most));
  return {text, std::move(values), {most, false, false, {}, role}};
}

Graph host_graph(const Source& source, const Subject& host) {
  Values free = source.steps(host, quantity::host_memory_available);
  const double total = host.value(quantity::host_memory_total);
  for (double& value : free) value = 1.0 - value / total;
  const LoadBounds bounds{0.5, 0.9};
  return {load_half("CPU", source.steps(host, quantity::host_cpu), bounds),
          load_half("MEM", std::move(free), bounds)};
}

Graph network_graph(const Source& source, const Subject& host) {
  return {count_half("NET in", source.rates(host, quantity::host_network_receive), 125e3,
                     Role::accent, true),
          count_half("out", source.rates(host, quantity::host_network_transmit), 125e3, Role::good,
                     true)};
}

/// The mean of all devices, or the one that is chosen.
Graph device_graph(const Source& source, const std::vector<const Subject*>& devices) {
  const ViewState& view = source.canvas.view;
  const auto chosen = std::find_if(devices.begin(), devices.end(),
                                   [&](const Subject* one) { return one->id == view.device; });
  Sum load(source.count), memory(source.count);
  for (const Subject* device : devices) {
    if (chosen != devices.end() ? device != *chosen : !label(device->labels, "mig").empty())
      continue;
    load.add(source.steps(*device, quantity::device_utilization));
    memory.add(source.steps(*device, quantity::device_memory_used),
               1.0 / device->value(quantity::device_memory_total));
  }
  const std::string who = chosen != devices.end()
                              ? format("GPU {} ", label((*chosen)->labels, "device"))
                          : devices.size() > 1 ? std::string("AVG GPU ")
                                               : std::string("GPU ");
  return {load_half(who + "UTL", load.mean(), view.utilization),
          load_half(who + "MEM", memory.mean(), view.memory)};
}

Graph queue_graph(const Source& source, const std::vector<const Subject*>& engines) {
  Sum running(source.count), waiting(source.count);
  for (const Subject* engine : engines) {
    running.add(source.steps(*engine, quantity::engine_running));
    waiting.add(source.steps(*engine, quantity::engine_waiting));
  }
  return {count_half("running", running.total(), 5.0, Role::good, false),
          count_half("waiting", waiting.total(), 5.0, Role::moderate, false)};
}

Graph token_graph(const Source& source, const std::vector<const Subject*>& engines) {
  Sum tokens(source.count), kv(source.count);
  for (const Subject* engine : engines) {
    tokens.add(source.rates(*engine, quantity::engine_generation_tokens));
    kv.add(source.steps(*engine, quantity::engine_kv_usage));
  }
  return {count_half("tok/s", tokens.total(), 10.0, Role::accent, false),
          load_half("KV", kv.mean(), {0.8, 0.9})};
}

std::vector<Graph> graphs_of(const Source& source, std::size_t most) {
  const Snapshot& snapshot = source.canvas.input.snapshot;
  const auto hosts = subjects_of(snapshot, SubjectKind::host);
  const auto devices = subjects_of(snapshot, SubjectKind::device);
  const auto engines = subjects_of(snapshot, SubjectKind::engine);
  std::vector<Graph> graphs;
  if (!hosts.empty()) graphs.push_back(host_graph(source, *hosts.front()));
  if (!devices.empty()) graphs.push_back(device_graph(source, devices));
  if (!engines.empty() && graphs.size() < most) graphs.push_back(token_graph(source, engines));
  if (!engines.empty() && graphs.size() < most) graphs.push_back(queue_graph(source, engines));
  if (!hosts.empty() && graphs.size() < most) {
    graphs.push_back(network_graph(source, *hosts.front()));
  }
  if (graphs.size() > most) graphs.resize(most);
  return graphs;
}

std::size_t how_many(const Snapshot& snapshot, int width) {
  const bool has_host = !subjects_of(snapshot, SubjectKind::host).empty();
  const bool has_devices = !subjects_of(snapshot, SubjectKind::device).empty();
  const bool has_engines = !subjects_of(snapshot, SubjectKind::engine).empty();
  const int there_are = (has_host ? 2 : 0) + (has_devices ? 1 : 0) + (has_engines ? 2 : 0);
  return static_cast<std::size_t>(
      std::clamp((width + 1) / (least_width + 1), 1, std::max(there_are, 1)));
}

/// The axis: both names, then marks of time at the right.
void draw_axis(const Canvas& canvas, const Area& line, const Graph& graph) {
  Frame& frame = canvas.frame;
  frame.fill(line, U'─', {Role::border});
  int x = frame.put(line.x + 1, line.y, " " + graph.up.name + " ↑ ", {Role::plain}, line.width - 1);
  x = frame.put(x, line.y, "↓ " + graph.down.name + " ", {Role::plain}, line.x + line.width - x);
  for (const int seconds : {30, 60, 120, 300, 600}) {
    const double columns = seconds / to_s(canvas.input.interval) / 2.0;
    if (columns > line.width) break;
    const std::string mark = seconds < 120 ? format("{}s", seconds) : format("{}m", seconds / 60);
    const int at = line.x + line.width - static_cast<int>(columns);
    if (at <= x || at + static_cast<int>(mark.size()) >= line.x + line.width) continue;
    frame.set(at, line.y, U'┼', {Role::border});
    frame.put(at + 1, line.y, mark, {Role::dim});
  }
}

void draw_one(const Canvas& canvas, const Area& area, Graph graph) {
  const int down_height = (area.height - 1) / 2;
  const int up_height = area.height - 1 - down_height;
  graph.down.look.is_down = true;
  draw_graph(canvas.frame, {area.x, area.y, area.width, up_height}, graph.up.values, graph.up.look);
  draw_axis(canvas, {area.x, area.y + up_height, area.width, 1}, graph);
  draw_graph(canvas.frame, {area.x, area.y + up_height + 1, area.width, down_height},
             graph.down.values, graph.down.look);
}

}  // namespace

void draw_graphs(const Canvas& canvas, const Area& area) {
  const std::size_t most = how_many(canvas.input.snapshot, area.width);
  const int each = (area.width + 1) / static_cast<int>(most);
  const Source source{canvas, static_cast<std::size_t>(2 * each)};
  const auto graphs = graphs_of(source, most);
  int x = area.x;
  for (std::size_t i = 0; i < graphs.size(); ++i) {
    const bool is_last = i + 1 == graphs.size();
    const int width = is_last ? area.x + area.width - x : each - 1;
    draw_one(canvas, {x, area.y, width, area.height}, graphs[i]);
    x += width + 1;
  }
}

void draw_process(const Canvas& canvas, const ProcessRow& row) {
  const Area all = canvas.frame.area();
  Frame& frame = canvas.frame;
  frame.fill(all, U' ');
  draw_title(canvas, {0, 0, all.width, 1}, format("Process {}", row.id.pid),
             "Esc: back   I T K: signals");
  frame.put(1, 1,
            format("{}   GPU {}   running for {}", row.user, row.id.device, age_text(row.age)),
            {Role::plain}, all.width - 2);
  frame.put(1, 2, row.command, {Role::dim}, all.width - 2);
  const Source source{canvas, static_cast<std::size_t>(2 * all.width)};
  const Subject& process = *row.subject;
  const double total = row.bytes / row.memory;
  Values memory = source.steps(process, quantity::process_memory);
  for (double& value : memory) value /= total;
  Values device_memory = source.steps(process, quantity::process_device_memory);
  const double most = most_of(device_memory, 1 << 30);
  for (double& value : device_memory) value /= most;
  Graph host{
      count_half("CPU cores", source.steps(process, quantity::process_cpu), 1.0, Role::good, false),
      load_half("host MEM", std::move(memory), {0.5, 0.9})};
  host.down.name += " " + bytes_text(row.bytes);
  Graph device{load_half("SM", source.steps(process, quantity::process_device_utilization),
                         canvas.view.utilization),
               load_half("GPU-MEM of its most", std::move(device_memory), canvas.view.memory)};
  device.down.name += " " + bytes_text(row.device_memory);
  const int height = (all.height - 4) / 2;
  draw_one(canvas, {0, 3, all.width, height}, std::move(host));
  draw_one(canvas, {0, 3 + height, all.width, height}, std::move(device));
}

}  // namespace tacho
