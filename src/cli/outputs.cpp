#include "cli/outputs.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "base/file.h"
#include "base/text.h"

namespace tacho {
namespace {

std::string safe_name(std::string_view text) {
  std::string name(
      text.substr(text.rfind('/') == std::string_view::npos ? 0 : text.rfind('/') + 1));
  for (char& c : name) {
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
    if (!is_plain) c = '_';
  }
  return name;
}

/// vLLM's own way to name a result file.
std::string vllm_name(const CellSummary& cell, const Json& result) {
  std::string name = json_string(result, "backend");
  const bool is_finite = result["request_rate"].is_number();
  name +=
      format("-{}qps", is_finite ? format("{:g}", result["request_rate"].get<double>()) : "inf");
  if (cell.cell.concurrency) name += format("-concurrency{}", *cell.cell.concurrency);
  if (cell.cell.input_tokens)
    name += format("-{}-{}", *cell.cell.input_tokens, cell.cell.output_tokens.value_or(0));
  return format("{}-{}-{}.json", name, safe_name(json_string(result, "model_id")),
                json_string(result, "date"));
}

Status write_vllm(const RunData& data, const RunSummary& run, const ExtraOutputs& extras,
                  std::vector<std::string>& written) {
  const std::string folder = extras.vllm_dir.empty() ? data.directory : extras.vllm_dir;
  if (auto status = make_folders(folder); !status) return status;
  for (const CellSummary& cell : run.cells) {
    const Json result = vllm_result(cell, data, extras.vllm);
    const bool has_name = !extras.vllm_name.empty() && run.cells.size() == 1;
    const std::string path =
        format("{}/{}", folder, has_name ? extras.vllm_name : vllm_name(cell, result));
    if (auto status = write_file(path, dump_json(result)); !status) return status;
    written.push_back(path);
  }
  return Nothing{};
}

Status write_genai_perf(const RunData& data, const RunSummary& run, const std::string& folder,
                        std::vector<std::string>& written) {
  for (const CellSummary& cell : run.cells) {
    const bool is_rate = cell.cell.request_rate && !std::isinf(*cell.cell.request_rate);
    const std::string load = is_rate ? format("request_rate{:g}", *cell.cell.request_rate)
                                     : format("concurrency{}", cell.cell.concurrency.value_or(0));
    std::string path = format("{}/{}-openai-{}-{}", folder, safe_name(data.manifest.model),
                              data.manifest.endpoint, load);
    if (cell.cell.input_tokens)
      path += format("-isl{}-osl{}", *cell.cell.input_tokens, cell.cell.output_tokens.value_or(0));
    if (auto status = make_folders(path); !status) return status;
    for (const auto& [name, text] :
         {std::pair{"profile_export_genai_perf.json", dump_json(genai_perf_json(cell, data), 2)},
          {"profile_export_genai_perf.csv", genai_perf_csv(cell)},
          {"profile_export.json", dump_json(genai_perf_profile(cell, data))}}) {
      if (auto status = write_file(path + "/" + name, text); !status) return status;
    }
    written.push_back(path + "/");
  }
  return Nothing{};
}

}  // namespace

Result<RunData> load_run(const std::string& directory) {
  auto data = read_run(directory, {});
  if (!data || !needs_token_counts(data->records)) return data;
  const std::string& name = data->manifest.tokenizer;
  auto choice = choose_tokenizer(name == "built-in" ? "" : name);
  if (!choice) return choice.error();
  auto counted =
      read_run(directory, [&](std::string_view text) { return choice->tokenizer.count(text); });
  if (!counted || choice->note.empty()) return counted;
  // The file has gone since: these counts are others than the run's own.
  auto& notes = counted->manifest.notes;
  if (std::find(notes.begin(), notes.end(), choice->note) == notes.end())
    notes.push_back(choice->note);
  return counted;
}

int judged_exit_code(const RunSummary& run, bool is_strict) {
  if (run.completed == 0 && run.failed > 0) return 1;
  const auto is_invalid = [](const CellSummary& c) { return !c.verdict.is_valid(); };
  if (is_strict && std::any_of(run.cells.begin(), run.cells.end(), is_invalid)) return 3;
  for (const CellSummary& cell : run.cells) {
    for (const SloVerdict& slo : cell.slos) {
      if (slo.bound == Bound::fails) return 1;
    }
  }
  return 0;
}

Result<std::vector<std::string>> write_outputs(RunData& data, const RunSummary& run,
                                               const ExtraOutputs& extras) {
  data.manifest.summary = summary_json(run, data.manifest);
  if (auto status = write_manifest(data.directory, data.manifest); !status) return status.error();
  std::vector<std::string> written;
  TableOptions plain;
  plain.has_color = false;
  const std::vector<std::pair<std::string, std::string>> files{
      {"table.txt", table_text(data, run, plain)}, {"summary.csv", summary_csv(run, data.manifest)},
      {"requests.csv", requests_csv(run)},         {"ascend.csv", ascend_csv(run, data.manifest)},
      {"report.html", html_page(data, run)},
  };
  for (const auto& [name, text] : files) {
    const std::string path = data.directory + "/" + name;
    if (auto status = write_file(path, text); !status) return status.error();
    written.push_back(path);
  }
  written.push_back(manifest_path(data.directory));
  if (!extras.ascend_csv.empty()) {
    const auto folder = std::filesystem::path(extras.ascend_csv).parent_path().string();
    if (!folder.empty()) {
      if (auto status = make_folders(folder); !status) return status.error();
    }
    if (auto status = write_file(extras.ascend_csv, ascend_csv(run, data.manifest)); !status)
      return status.error();
    written.push_back(extras.ascend_csv);
  }
  if (extras.writes_vllm) {
    if (auto status = write_vllm(data, run, extras, written); !status) return status.error();
  }
  if (!extras.genai_perf_dir.empty()) {
    if (auto status = write_genai_perf(data, run, extras.genai_perf_dir, written); !status)
      return status.error();
  }
  return written;
}

}  // namespace tacho
