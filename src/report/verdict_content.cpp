#include <algorithm>
#include <cmath>
#include <set>

#include "base/text.h"
#include "report/verdict.h"

namespace tacho {
namespace {

constexpr double length_tolerance = 0.10;
constexpr double cached_share_max = 0.10;

/// With ignore_eos, answers of another length than asked mean that the load was another one.
void judge_lengths(const CellSummary& cell, Verdict& verdict) {
  if (!cell.cell.ignore_eos || !cell.cell.output_tokens || cell.completed == 0) return;
  std::size_t off = 0;
  for (std::size_t i = 0; i < cell.records.size(); ++i) {
    const Record& record = *cell.records[i];
    if (record.outcome != Outcome::ok) continue;
    // Without usage the text is counted again, which joins tokens that the server sent apart; that
    // it stopped at the limit is then the better witness.
    if (!record.usage.output_tokens && record.finish_reason == "length") continue;
    const double asked = *cell.cell.output_tokens;
    if (std::abs(cell.out_tokens[i] - asked) > length_tolerance * asked) ++off;
  }
  if (off * 100 <= cell.completed) return;
  verdict.reasons.push_back(
      format("output length off: {} of {} answers are not within 10 % of the {} tokens "
             "asked for",
             off, cell.completed, *cell.cell.output_tokens));
}

/// The same prompt twice may be answered from a cache.
void judge_prompts(const CellSummary& cell, Verdict& verdict) {
  std::set<std::uint32_t> seen;
  std::size_t repeated = 0;
  for (const Record* record : cell.records) {
    if (!seen.insert(record->prompt).second) ++repeated;
  }
  if (repeated == 0) return;
  verdict.reasons.push_back(
      format("prompts repeated: {} of {} requests sent a prompt again, which a prefix "
             "cache may have answered",
             repeated, cell.records.size()));
}

/// Prompts of a given length begin differently from each other by design; what a cache answers of
/// them beyond the chat template's few tokens was sent before, by an earlier run say.
void judge_cache(const CellSummary& cell, Verdict& verdict) {
  if (!cell.cell.input_tokens) return;
  double input = 0.0, cached = 0.0;
  for (const Record* record : cell.records) {
    if (record->outcome != Outcome::ok) continue;
    input += input_tokens(*record).tokens;
    cached += record->usage.cached_tokens.value_or(0);
  }
  if (input <= 0.0 || cached <= cached_share_max * input) return;
  verdict.reasons.push_back(
      format("served from the prefix cache: {:.0f} % of the input tokens, though no two prompts of "
             "this run begin alike; another --seed has other prompts",
             100 * cached / input));
}

}  // namespace

void judge_content(const CellSummary& cell, Verdict& verdict) {
  judge_lengths(cell, verdict);
  judge_prompts(cell, verdict);
  judge_cache(cell, verdict);
}

}  // namespace tacho
