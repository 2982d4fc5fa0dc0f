// The part of the table that is not the client's: what was read of engines and devices while each
// cell ran, and what it says.
#include <cmath>

#include "base/text.h"
#include "report/monitored.h"
#include "report/table_parts.h"

namespace tacho {
namespace {

std::string percent_text(const Known& share) {
  return share ? format("{:.0f}%", 100 * *share) : "–";
}

std::string number_text(const Known& value) { return value ? value_text(*value) : "–"; }

/// Joules a generated token; nothing when no device says what it uses.
Known joules_per_token(const CellSummary& cell) {
  const double tokens = cell.output_token_throughput_per_s * cell.duration_s;
  if (cell.monitored.energy_j <= 0.0 || tokens <= 0.0) return std::nullopt;
  return cell.monitored.energy_j / tokens;
}

bool has_device(const RunSummary& run) {
  for (const CellSummary& cell : run.cells) {
    for (const MonitoredValue& value : cell.monitored.values) {
      if (value.kind == "device") return true;
    }
  }
  return false;
}

void add_row(Grid& grid, const CellSummary& cell, const Situation& s, bool has_devices) {
  std::vector<std::string> row{"",
                               cell_label(cell.cell),
                               number_text(s.engine.running),
                               number_text(s.engine.waiting),
                               percent_text(s.engine.kv_usage),
                               percent_text(s.engine.kv_usage_max),
                               percent_text(s.engine.prefix_hit_share),
                               number_text(s.client.ttft_ms),
                               number_text(s.engine.ttft_ms),
                               number_text(s.engine.queue_ms)};
  if (has_devices) {
    row.insert(row.end(),
               {percent_text(s.device.utilization), percent_text(s.device.sm_active),
                percent_text(s.device.dram_active), number_text(joules_per_token(cell))});
  }
  grid.add(row);
}

std::string troubles_text(const RunData& data) {
  std::string out;
  for (const std::string& trouble : data.readings.troubles) {
    out += format(" not read: {}\n", trouble);
  }
  return out;
}

}  // namespace

std::string monitored_text(const RunData& data, const RunSummary& run) {
  if (data.readings.empty()) return "";
  const bool has_devices = has_device(run);
  Grid grid(2);
  std::vector<std::string> above{"", "", "", "", "KV", "", "prefix", "TTFT", "mean ms", "of it"};
  std::vector<std::string> head{"",     "the server's own", "running", "waiting", "mean", "max",
                                "hits", "client",           "server",  "queue"};
  if (has_devices) {
    above.insert(above.end(), {"device", "SM", "DRAM", "J a"});
    head.insert(head.end(), {"util", "", "", "token"});
  }
  grid.add(above);
  grid.add(head);
  for (const CellSummary& cell : run.cells) {
    if (cell.monitored.empty()) continue;
    add_row(grid, cell, situation_of(cell, data, nullptr), has_devices);
  }
  return "\n" + grid.text() + troubles_text(data);
}

std::string findings_text(const RunSummary& run) {
  std::string out;
  for (const CellSummary& cell : run.cells) {
    for (const Finding& finding : cell.findings) {
      out += format(" {} {}: {}\n", finding.is_cause ? "→" : "?", cell_label(cell.cell),
                    finding_line(finding));
    }
  }
  return out;
}

}  // namespace tacho
