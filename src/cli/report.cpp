// `tacho report`: renders a run directory again, whether the run finished or was killed.
#include <unistd.h>

#include <cstdio>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/outputs.h"

namespace tacho {
namespace {

/// Options of `tacho report`, as typed.
struct ReportFlags {
  bool is_json = false, is_dry = false;
  std::string benchmark_csv, genai_perf_dir;
  bool saves_vllm_result = false, saves_detailed = false;
  std::vector<std::string> percentiles;
};

FlagTable report_flags(ReportFlags& f) {
  FlagTable t;
  t.group("Output");
  t.toggle({"--json"}, f.is_json, "Print the whole result as JSON instead of a table.");
  t.toggle({"--no-write"}, f.is_dry, "Print only; leave the directory's files as they are.");
  t.texts({"--metric-percentiles"}, "LIST", f.percentiles,
          "Percentiles of the table. [default: 50,99]");
  t.text({"--benchmark-csv"}, "FILE", f.benchmark_csv,
         "Also write the CSV of the Ascend layout here.");
  t.toggle({"--save-result"}, f.saves_vllm_result, "Also write each cell as vLLM's bench does.");
  t.toggle({"--save-detailed"}, f.saves_detailed,
           "The same, with every request's lengths and times.");
  t.text({"--artifact-dir"}, "DIR", f.genai_perf_dir, "Also write GenAI-Perf's files here.");
  return t;
}

int run_report(const std::vector<std::string>& arguments) {
  ReportFlags flags;
  auto others = report_flags(flags).parse(arguments);
  if (!others) return fail(others.error());
  if (others->size() != 1) return fail(input_error("tacho report takes one run directory"));
  TableOptions table;
  table.has_color = ::isatty(STDOUT_FILENO) == 1;
  if (!flags.percentiles.empty()) table.percentiles.clear();
  for (const auto& text : flags.percentiles) {
    const auto percent = parse_number(text);
    if (!percent || *percent <= 0 || *percent > 100) {
      return fail(input_error(format("--metric-percentiles: '{}' is not between 0 and 100", text)));
    }
    table.percentiles.push_back(*percent);
  }
  auto data = load_run(others->front());
  if (!data) return fail(data.error());
  const RunSummary run = summarize(*data);
  ExtraOutputs extras;
  extras.ascend_csv = flags.benchmark_csv;
  extras.writes_vllm = flags.saves_vllm_result || flags.saves_detailed;
  extras.vllm.is_detailed = flags.saves_detailed;
  extras.genai_perf_dir = flags.genai_perf_dir;
  std::vector<std::string> written;
  if (!flags.is_dry) {
    auto paths = write_outputs(*data, run, extras);
    if (!paths) return fail(paths.error());
    written = std::move(*paths);
  }
  if (flags.is_json) {
    data->manifest.summary = summary_json(run, data->manifest);
    std::printf("%s\n", dump_json(to_json(data->manifest), 1).c_str());
    return 0;
  }
  std::printf("%s\n", table_text(*data, run, table).c_str());
  for (const auto& path : written) std::printf(" wrote %s\n", path.c_str());
  return 0;
}

}  // namespace

Command report_command() {
  return {"report",
          "renders a run directory again: table, CSV, JSON, HTML",
          "DIR [OPTIONS]",
          "  tacho report runs/2026-11-21T08-00-00-llama-3-8b\n",
          [] {
            static ReportFlags flags;
            return report_flags(flags);
          },
          run_report};
}

}  // namespace tacho
