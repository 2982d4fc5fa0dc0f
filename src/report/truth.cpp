#include "report/truth.h"

#include <cmath>

#include "base/simd_json.h"
#include "base/text.h"
#include "report/outputs.h"

namespace tacho {
namespace {

/// The instants of a list; null, which the engine writes for what it does not know, is `never`.
std::vector<Instant> read_instants(const simdjson::dom::element& object, const char* key) {
  std::vector<Instant> out;
  simdjson::dom::array array;
  if (object[key].get(array)) return out;
  out.reserve(array.size());
  for (const auto item : array) {
    std::int64_t ns = 0;
    out.push_back(item.get(ns) ? never : instant_from_ns(ns));
  }
  return out;
}

/// Samples of all errors, in ms.
struct Errors {
  std::vector<double> ttft, gap, stamp, send, width;
  std::size_t sent_after_arrival = 0;

  void add(const Record& record, const TrueTimes& truth);
};

void Errors::add(const Record& record, const TrueTimes& truth) {
  const Duration way = truth.received - record.sent;
  send.push_back(std::abs(to_ms(way)));
  if (way < Duration(0)) ++sent_after_arrival;
  Within last;
  for (std::size_t i = 0; i < truth.written.size(); ++i) {
    const Instant at = record.chunks[i].at;
    const Within now = truth.written[i];
    if (!happened(now.to)) {
      last = now;
      continue;
    }
    width.push_back(to_ms(now.to - now.from));
    stamp.push_back(to_ms(distance(at - now.from, Duration(0), now.to - now.from)));
    if (i == 0) {
      ttft.push_back(
          to_ms(distance(at - record.sent, now.from - truth.received, now.to - truth.received)));
    } else if (happened(last.to)) {
      gap.push_back(
          to_ms(distance(at - record.chunks[i - 1].at, now.from - last.to, now.to - last.from)));
    }
    last = now;
  }
}

}  // namespace

Duration distance(Duration value, Duration low, Duration high) {
  if (value < low) return low - value;
  return value > high ? value - high : Duration(0);
}

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
    times.planned = read_instants(object, "planned_ns");
    const auto written = read_instants(object, "written_ns");
    const auto taken = read_instants(object, "taken_ns");
    for (std::size_t i = 0; i < written.size(); ++i) {
      times.written.push_back({written[i], i < taken.size() ? taken[i] : never});
    }
  }
  return truths;
}

Json truth_errors(const std::vector<const Record*>& records,
                  const std::unordered_map<std::string, TrueTimes>& truths) {
  Errors errors;
  std::size_t requests = 0;
  for (const Record* record : records) {
    const auto found = truths.find(record->response_id);
    if (found == truths.end() || record->outcome != Outcome::ok || record->chunks.empty()) continue;
    if (found->second.written.size() != record->chunks.size()) continue;
    ++requests;
    errors.add(*record, found->second);
  }
  return {{"ttft_error_ms", to_json(summarize(std::move(errors.ttft)))},
          {"gap_error_ms", to_json(summarize(std::move(errors.gap)))},
          {"stamp_error_ms", to_json(summarize(std::move(errors.stamp)))},
          {"send_error_ms", to_json(summarize(std::move(errors.send)))},
          {"sent_after_arrival", errors.sent_after_arrival},
          {"width_ms", to_json(summarize(std::move(errors.width)))},
          {"requests", requests}};
}

}  // namespace tacho
