#include "report/truth.h"

#include <cmath>

#include "base/simd_json.h"
#include "base/text.h"
#include "report/outputs.h"

namespace tacho {
namespace {

void read_instants(const simdjson::dom::element& object, std::vector<Instant>& out) {
  simdjson::dom::array array;
  if (object["written_ns"].get(array)) return;
  for (const auto item : array) {
    std::int64_t ns = 0;
    if (!item.get(ns)) out.push_back(instant_from_ns(ns));
  }
}

}  // namespace

Result<std::unordered_map<std::string, TrueTimes>> read_truths(std::string_view lines) {
  std::unordered_map<std::string, TrueTimes> truths;
  simdjson::dom::parser parser;
  for (const auto line : split(lines, '\n')) {
    if (line.empty()) continue;
    simdjson::dom::element object;
    std::string_view id;
    std::int64_t received = 0;
    if (parser.parse(line.data(), line.size()).get(object) || object["id"].get(id) ||
        object["received_ns"].get(received)) {
      return world_error("/sim/truth: not what the built-in engine sends");
    }
    TrueTimes& times = truths[std::string(id)];
    times.received = instant_from_ns(received);
    read_instants(object, times.written);
  }
  return truths;
}

Json truth_errors(const std::vector<const Record*>& records,
                  const std::unordered_map<std::string, TrueTimes>& truths) {
  std::vector<double> ttft, gaps;
  std::size_t requests = 0;
  for (const Record* record : records) {
    const auto found = truths.find(record->response_id);
    if (found == truths.end() || record->outcome != Outcome::ok || record->chunks.empty()) continue;
    const TrueTimes& truth = found->second;
    if (truth.written.size() != record->chunks.size()) continue;
    ++requests;
    const Duration measured = record->chunks[0].at - record->sent;
    ttft.push_back(std::abs(to_ms(measured - (truth.written[0] - truth.received))));
    for (std::size_t i = 1; i < truth.written.size(); ++i) {
      const Duration gap = record->chunks[i].at - record->chunks[i - 1].at;
      gaps.push_back(std::abs(to_ms(gap - (truth.written[i] - truth.written[i - 1]))));
    }
  }
  return {{"ttft_error_ms", to_json(summarize(std::move(ttft)))},
          {"gap_error_ms", to_json(summarize(std::move(gaps)))},
          {"requests", requests}};
}

}  // namespace tacho
