// Everything a run can be rendered as. Each is a pure function from the summary to text; a new one
// is one new file and one line where the command line calls them.
#pragma once

#include <string>
#include <vector>

#include "report/summary.h"

namespace tacho {

/// A distribution with all its percentiles; null when it is empty.
Json to_json(const Distribution& distribution);
/// One cell's figures.
Json summary_json(const CellSummary& cell, const Manifest& manifest);
/// All cells' figures: run.json's `summary`.
Json summary_json(const RunSummary& run, const Manifest& manifest);

/// How the table is to look.
struct TableOptions {
  bool has_color = false;
  std::vector<double> percentiles{50, 99};  ///< Of each time in the grid.
};
/// The table that a terminal shows.
std::string table_text(const RunData& data, const RunSummary& run, const TableOptions& options);

/// One row per measured request: requests.csv.
std::string requests_csv(const RunSummary& run);
/// One row per cell: summary.csv.
std::string summary_csv(const RunSummary& run, const Manifest& manifest);
/// One row per cell in the layout of the Ascend suite, with a bilingual header; docs/outputs.md
/// lists the columns.
std::string ascend_csv(const RunSummary& run, const Manifest& manifest);
/// The self-contained page: report.html.
std::string html_page(const RunData& data, const RunSummary& run);
/// The same page with other data, such as a plan's: its `kind` says which parts are drawn.
std::string page_with(const Json& data);
/// The data that the page is made from.
Json page_data(const RunData& data, const RunSummary& run);

/// Which of vLLM's optional fields a result has.
struct VllmOptions {
  std::vector<std::string> metrics{"ttft", "tpot", "itl"};  ///< Of ttft, tpot, itl, e2el.
  std::vector<double> percentiles{99};
  bool is_detailed = false;  ///< Lengths, times and errors of every request.
};
/// One cell as `vllm bench serve --save-result` writes it, by vLLM's definitions.
Json vllm_result(const CellSummary& cell, const RunData& data, const VllmOptions& options);

/// One cell as GenAI-Perf's profile_export_genai_perf.json and .csv, and its profile_export.json.
Json genai_perf_json(const CellSummary& cell, const RunData& data);
std::string genai_perf_csv(const CellSummary& cell);
Json genai_perf_profile(const CellSummary& cell, const RunData& data);

}  // namespace tacho
