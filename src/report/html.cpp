// report.html: the page that web/ builds, with this run's data put into it, so that one file is all
// there is to hand on.
#include <algorithm>
#include <cmath>

#include "base/assert.h"
#include "base/embedded.h"
#include "base/text.h"
#include "report/calibration.h"
#include "report/outputs.h"

namespace tacho {

TACHO_EMBEDDED(report_page)

namespace {

/// More rows than a plot can show; the page says how many there really are.
constexpr std::size_t rows_max = 20'000;
constexpr std::size_t series_points = 240;

Json optional_figure(const std::optional<double>& value) {
  return value && std::isfinite(*value) ? Json(std::round(*value * 1e4) / 1e4) : Json(nullptr);
}

Json request_columns(const CellSummary& cell, Instant start) {
  Json columns{{"start_s", Json::array()},      {"ttft_ms", Json::array()},
               {"e2e_ms", Json::array()},       {"tpot_ms", Json::array()},
               {"input_tokens", Json::array()}, {"output_tokens", Json::array()},
               {"outcome", Json::array()}};
  const std::size_t step = 1 + cell.records.size() / rows_max;
  for (std::size_t i = 0; i < cell.records.size(); i += step) {
    const Record& record = *cell.records[i];
    const bool is_ok = record.outcome == Outcome::ok;
    const auto value = [&](Metric m) {
      return is_ok ? optional_figure(value_of(m, record, cell.out_tokens[i])) : Json(nullptr);
    };
    columns["start_s"].push_back(optional_figure(to_s(record.due - start)));
    columns["ttft_ms"].push_back(value(Metric::ttft));
    columns["e2e_ms"].push_back(value(Metric::e2e));
    columns["tpot_ms"].push_back(value(Metric::tpot));
    columns["input_tokens"].push_back(value(Metric::input_tokens));
    columns["output_tokens"].push_back(value(Metric::output_tokens));
    columns["outcome"].push_back(outcome_name(record.outcome));
  }
  return columns;
}

/// Logarithmic bins, 12 a decade: fine enough to see two modes, coarse enough to be smooth.
Json histogram(const Distribution& distribution) {
  Json json{{"edges", Json::array()}, {"counts", Json::array()}};
  if (distribution.empty()) return json;
  constexpr double per_decade = 12.0;
  const double low = std::floor(std::log10(std::max(1e-3, distribution.min)) * per_decade);
  const double high = std::ceil(std::log10(std::max(2e-3, distribution.max)) * per_decade) + 1;
  std::vector<std::size_t> counts(static_cast<std::size_t>(high - low), 0);
  const auto count = [&](double x, std::size_t times) {
    const double bin = std::floor(std::log10(std::max(1e-3, x)) * per_decade) - low;
    counts[static_cast<std::size_t>(std::clamp(bin, 0.0, high - low - 1))] += times;
  };
  for (const double x : distribution.ascending) count(x, 1);
  distribution.histogram.each(count);
  for (double e = low; e <= high; ++e) json["edges"].push_back(std::pow(10.0, e / per_decade));
  json["counts"] = counts;
  return json;
}

/// What happened over time, in equal slices of the cell.
class TimeLine {
 public:
  TimeLine(Instant start, Instant end)
      : start_(start), slice_s_(std::max(0.05, to_s(end - start) / series_points)) {
    const auto slices = static_cast<std::size_t>(to_s(end - start) / slice_s_) + 1;
    in_flight_s.resize(slices);
    tokens.resize(slices);
    done.resize(slices);
    errors.resize(slices);
  }
  std::size_t slice(Instant at) const {
    const double position = std::max(0.0, to_s(at - start_)) / slice_s_;
    return std::min(static_cast<std::size_t>(position), done.size() - 1);
  }
  void add_span(Instant from, Instant to) { spread(in_flight_s, from, to, 1.0); }
  /// Adds `weight` for each second between the instants to the slices that they span.
  void spread(std::vector<double>& column, Instant from, Instant to, double weight) const {
    for (std::size_t s = slice(from); s <= slice(to); ++s) {
      const double begin = std::max(to_s(from - start_), static_cast<double>(s) * slice_s_);
      const double end = std::min(to_s(to - start_), static_cast<double>(s + 1) * slice_s_);
      column[s] += weight * std::max(0.0, end - begin);
    }
  }
  double slice_s() const { return slice_s_; }
  std::size_t slices() const { return done.size(); }
  Json json() const {
    Json t = Json::array();
    const auto rates = [&](const std::vector<double>& values) {
      Json column = Json::array();
      for (const double v : values) column.push_back(optional_figure(v / slice_s_));
      return column;
    };
    for (std::size_t s = 0; s < done.size(); ++s) {
      t.push_back(optional_figure((static_cast<double>(s) + 0.5) * slice_s_));
    }
    return {{"t_s", t},
            {"in_flight", rates(in_flight_s)},
            {"output_tokens_per_s", rates(tokens)},
            {"requests_per_s", rates(done)},
            {"errors_per_s", rates(errors)}};
  }

  std::vector<double> in_flight_s, tokens, done, errors;

 private:
  Instant start_;
  double slice_s_;
};

Json series(const CellSummary& cell, Instant start, const Readings& readings) {
  Instant end = start;
  for (const Record* record : cell.records) end = std::max({end, record->done, record->sent});
  TimeLine line(start, end);
  for (std::size_t i = 0; i < cell.records.size(); ++i) {
    const Record& record = *cell.records[i];
    if (!happened(record.sent) || !happened(record.done)) continue;
    line.add_span(record.sent, record.done);
    ++(is_failure(record) ? line.errors : line.done)[line.slice(record.done)];
    const double stream_s = to_s(last_token(record) - first_token(record));
    if (record.chunks_folded > 0 && stream_s > 0.0) {  // When each came is no longer known.
      line.spread(line.tokens, first_token(record), last_token(record),
                  cell.out_tokens[i] / stream_s);
      continue;
    }
    const auto tokens = tokens_per_chunk(record, cell.out_tokens[i]);
    for (std::size_t c = 0; c < tokens.size(); ++c) {
      line.tokens[line.slice(record.chunks[c].at)] += tokens[c];
    }
  }
  Json json = line.json();
  if (readings.empty()) return json;
  json["observed"] = Json::object();
  for (const ObservedLane& lane :
       observed_lanes(readings, start, from_s(line.slice_s()), line.slices())) {
    Json& column = json["observed"][lane.key] = Json::array();
    for (const auto& value : lane.values) column.push_back(optional_figure(value));
  }
  return json;
}

Json cell_data(const CellSummary& cell, const RunData& data) {
  const Manifest& manifest = data.manifest;
  Instant start = Instant::max();
  for (const Record* record : cell.records) start = std::min(start, record->due);
  Json json = to_json(manifest)["cells"].at(cell.cell.id);
  json["summary"] = summary_json(cell, manifest);
  json["requests_total"] = cell.records.size();
  json["requests"] = request_columns(cell, start);
  json["itl_ms_histogram"] = histogram(cell.of(Metric::itl));
  json["series"] = cell.records.empty() ? Json::object() : series(cell, start, data.readings);
  return json;
}

}  // namespace

Json page_data(const RunData& data, const RunSummary& run) {
  const Manifest& manifest = data.manifest;
  Json json;
  json["schema"] = 1;
  Json config{{"model", manifest.model},
              {"url", manifest.url},
              {"endpoint", manifest.endpoint},
              {"tokenizer", manifest.tokenizer},
              {"seed", manifest.seed}};
  config.update(manifest.config);
  json["run"] = {{"tacho_version", manifest.tacho_version},
                 {"command", manifest.command},
                 {"started_at", manifest.started_at},
                 {"status", manifest.status},
                 {"config", config},
                 {"environment", manifest.environment},
                 {"server", manifest.server},
                 {"notes", manifest.notes},
                 {"certificate", certificate_text(manifest)}};
  json["cells"] = Json::array();
  for (const CellSummary& cell : run.cells) json["cells"].push_back(cell_data(cell, data));
  return json;
}

std::string page_with(const Json& data) {
  constexpr std::string_view marker =
      "<script type=\"application/json\" id=\"tacho-run\">{}</script>";
  const std::string_view page = report_page();
  const auto at = page.find(marker);
  TACHO_ASSERT(at != std::string_view::npos);
  // No "<" within the script element: neither "</script>" nor "<!--" of someone's text may change
  // where it ends.
  std::string json;
  for (const char c : dump_json(data)) c == '<' ? json += "\\u003c" : json += c;
  const auto hole = at + marker.find("{}");
  return std::string(page.substr(0, hole)) + json + std::string(page.substr(hole + 2));
}

std::string html_page(const RunData& data, const RunSummary& run) {
  return page_with(page_data(data, run));
}

}  // namespace tacho
