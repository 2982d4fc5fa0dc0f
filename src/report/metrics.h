// The metrics, each with one meaning: the list that every table, file and page is made from, and
// that docs/metrics.md is checked against.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "record/record.h"

namespace tacho {

/// The metrics that are a distribution over requests (or, for itl and chunk_gap, over what requests
/// consist of).
enum class Metric : std::uint8_t {
  ttft,
  ttft_from_due,
  ttfo,
  tpot,
  itl,
  chunk_gap,
  e2e,
  e2e_from_due,
  input_tokens,
  output_tokens,
  client_lag,
  send_lag,
};
inline constexpr std::size_t metric_count = 12;

/// What is to be said of a metric.
struct MetricInfo {
  Metric metric;
  std::string_view key;  ///< With its unit: ttft_ms.
  std::string_view title;
  std::string_view title_zh;
  std::string_view meaning;
  bool is_time;  ///< In milliseconds; else a count.
};

/// All of them, in the order of the enum.
const std::array<MetricInfo, metric_count>& metric_infos();
/// The entry of one metric.
const MetricInfo& info(Metric metric);

/// Figures of a whole cell: key with unit, and meaning.
struct FigureInfo {
  std::string_view key;
  std::string_view meaning;
};
const std::vector<FigureInfo>& figure_infos();

/// Where a count of tokens came from.
enum class TokenSource : std::uint8_t { none, usage, tokenizer, chunks, mixed };
std::string_view token_source_name(TokenSource source);

/// A request's token counts after the chain usage, tokenizer, chunks.
struct TokenCount {
  std::uint32_t tokens = 0;
  TokenSource source = TokenSource::none;
};
TokenCount input_tokens(const Record& record);
/// `counted` is the tokenizer's count of the answer's text, 0 where it was not counted.
TokenCount output_tokens(const Record& record, std::uint32_t counted);

/// Tokens of each chunk: as the server said, else one each, else (fewer chunks than tokens) by
/// their share of the bytes.
std::vector<std::uint32_t> tokens_per_chunk(const Record& record, std::uint32_t output_tokens);

/// One request's value, in ms or tokens; nothing where it does not apply. Not for itl and
/// chunk_gap.
std::optional<double> value_of(Metric metric, const Record& record, std::uint32_t output_tokens);

}  // namespace tacho
