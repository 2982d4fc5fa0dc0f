// The panel of inference engines: what is in them, how fast they answer, what they did of late.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/text.h"
#include "monitor/goodput.h"
#include "ui/columns.h"
#include "ui/numbers.h"
#include "ui/panels.h"

namespace tacho {
namespace {

/// What a column shows.
enum class Part {
  name,
  running,
  waiting,
  kv,
  ttft,
  tpot,
  good,
  tokens,
  prompt,
  hits,
  preemptions,
  failed,
  restarts,
};

/// A column and its part.
struct PartColumn {
  Part part;
  Column column;
};

constexpr PartColumn all_columns[] = {
    {Part::name, {"Engine", 14, 1, 60, 0, false}},
    {Part::running, {"Run", 4}},
    {Part::waiting, {"Wait", 5}},
    {Part::kv, {"KV", 4, 0, 4, 1}},
    {Part::ttft, {"TTFT p50/p99", 13, 0, 13, 2}},
    {Part::tpot, {"TPOT p50/p99", 14, 0, 14, 3}},
    {Part::good, {"Good", 6, 0, 6, 4}},
    {Part::tokens, {"Tok/s", 5, 0, 5, 1}},
    {Part::prompt, {"In/s", 5, 0, 5, 9}},
    {Part::hits, {"Hit", 4, 0, 4, 5}},
    {Part::preemptions, {"Pre/s", 5, 0, 5, 6}},
    {Part::failed, {"Fail/s", 6, 0, 6, 8}},
    {Part::restarts, {"Restarts", 8, 0, 8, 10}},
};

/// An engine and what is asked of its past.
struct Row {
  const Canvas& canvas;
  const Subject& engine;
  int y = 0;

  double value(const Quantity& quantity) const { return engine.value(quantity); }
  double rate(const Quantity& quantity) const {
    return canvas.input.history.rate(engine, quantity, chosen_window(canvas.view));
  }
};

/// "vllm h:8000 llama".
std::string name_of(const Subject& engine) {
  std::string_view instance = label(engine.labels, "instance");
  if (instance.empty()) instance = engine.id;
  const std::size_t scheme = instance.find("://");
  if (scheme != std::string_view::npos) instance.remove_prefix(scheme + 3);
  std::string name;
  for (const std::string_view word :
       {label(engine.labels, "engine"), instance, label(engine.labels, "model")}) {
    if (!word.empty()) name += (name.empty() ? "" : " ") + std::string(word);
  }
  const std::string_view replica = label(engine.labels, "replica");
  return replica.empty() ? name : name + "#" + std::string(replica);
}

/// TPOT, or the time between tokens where that is all there is.
const Quantity& token_time(const Subject& engine) {
  const bool has_tpot = engine.histogram(quantity::engine_tpot) != nullptr;
  return has_tpot ? quantity::engine_tpot : quantity::engine_itl;
}

/// What the engine's histogram gained in the window; of a single reading, all that it has.
std::optional<HistogramGain> gain_of(const Row& row, const Quantity& quantity) {
  const HistogramReading* all = row.engine.histogram(quantity);
  if (all == nullptr) return std::nullopt;
  if (row.canvas.input.is_once)
    return HistogramGain{all->bounds, all->cumulative, all->count, all->sum};
  return row.canvas.input.history.gain(row.engine, quantity, chosen_window(row.canvas.view));
}

/// "~123ms/1.24s": the window's quantiles, as far as buckets can tell.
std::string quantiles_text(const Row& row, const Quantity& quantity) {
  if (row.engine.histogram(quantity) == nullptr) return std::string(not_available);
  const std::optional<HistogramGain> gain = gain_of(row, quantity);
  if (!gain || !(gain->count > 0.0)) return "-";
  const std::string p99 = quantile_text(histogram_quantile(*gain, 0.99));
  // The second one's "~" would say nothing new.
  return quantile_text(histogram_quantile(*gain, 0.5)) + "/" +
         (p99.starts_with("~") ? p99.substr(1) : p99);
}

double hit_ratio(const Row& row) {
  const double hits = row.rate(quantity::engine_prefix_hits);
  const double queries = row.rate(quantity::engine_prefix_queries);
  if (queries > 0.0) return hits / queries;
  return row.value(quantity::engine_prefix_hit_ratio);
}

/// A text with the role that its value deserves.
struct Shown {
  std::string text;
  Role role = Role::plain;
};

/// A rate; 0 is as good as nothing, anything above deserves `role`.
Shown rate_shown(const Row& row, const Quantity& quantity, Role role) {
  if (row.engine.find(quantity) == nullptr) return {std::string(not_available), Role::dim};
  const double rate = row.rate(quantity);
  return {std::isnan(rate) ? "-" : count_text(rate), rate > 0.0 ? role : Role::plain};
}

/// "93%", or "86-93%" where buckets and the unknown pairs of times leave that much open.
Shown goodput_shown(const Row& row) {
  const bool has_none = row.engine.histogram(quantity::engine_ttft) == nullptr &&
                        row.engine.histogram(quantity::engine_tpot) == nullptr;
  if (has_none) return {std::string(not_available)};
  const double ok = row.rate(quantity::engine_succeeded),
               failed = row.rate(quantity::engine_failed);
  const auto share =
      goodput_share(gain_of(row, quantity::engine_ttft), gain_of(row, quantity::engine_tpot),
                    failed > 0.0 && ok >= 0.0 ? ok / (ok + failed) : 1.0, row.canvas.view.service);
  if (!share) return {"-"};
  const int low = static_cast<int>(share->low * 100.0 + 0.5),
            high = static_cast<int>(share->high * 100.0 + 0.5);
  const Role role = share->high < 0.9   ? Role::heavy
                    : share->low < 0.99 ? Role::moderate
                                        : Role::good;
  if (high <= low + 1) return {format("{}%", low), role};
  return {format("{}-{}{}", low, high, high < 100 ? "%" : ""), role};
}

Shown show(const Row& row, Part part) {
  switch (part) {
    case Part::name:
      return {name_of(row.engine)};
    case Part::running:
      return {count_text(row.value(quantity::engine_running))};
    case Part::waiting: {
      const double waiting = row.value(quantity::engine_waiting);
      return {count_text(waiting), waiting > 0.0 ? Role::moderate : Role::plain};
    }
    case Part::kv: {
      // From 0.8 on an engine is near the end of its cache (llm-d's saturation rule).
      const double kv = row.value(quantity::engine_kv_usage);
      return {ratio_text(kv), load_role(kv, {0.8, 0.9})};
    }
    case Part::ttft:
      return {quantiles_text(row, quantity::engine_ttft)};
    case Part::tpot:
      return {quantiles_text(row, token_time(row.engine))};
    case Part::good:
      return goodput_shown(row);
    case Part::tokens:
      return rate_shown(row, quantity::engine_generation_tokens, Role::plain);
    case Part::prompt:
      return rate_shown(row, quantity::engine_prompt_tokens, Role::plain);
    case Part::hits:
      return {ratio_text(hit_ratio(row))};
    case Part::preemptions:
      return rate_shown(row, quantity::engine_preemptions, Role::moderate);
    case Part::failed:
      return rate_shown(row, quantity::engine_failed, Role::heavy);
    case Part::restarts: {
      const double restarts = row.value(quantity::engine_restarts);
      return {count_text(restarts), restarts > 0.0 ? Role::heavy : Role::plain};
    }
  }
  return {};
}

/// A name and its sparkline in the line below an engine.
struct Spark {
  std::string_view name;
  const Quantity& quantity;
  double least;  ///< The value at full height, at least.
  Role role;
};

void draw_sparks(const Row& row, const Area& line) {
  const Spark sparks[] = {
      {"run", quantity::engine_running, 4.0, Role::good},
      {"wait", quantity::engine_waiting, 4.0, Role::moderate},
      {"KV", quantity::engine_kv_usage, 1.0, Role::accent},
      {"tok/s", quantity::engine_generation_tokens, 1.0, Role::good},
  };
  const int each = line.width / static_cast<int>(std::size(sparks));
  const History& history = row.canvas.input.history;
  int x = line.x;
  for (const Spark& spark : sparks) {
    const int begin = row.canvas.frame.put(x, line.y, spark.name, {Role::dim}) + 1;
    const int width = x + each - 2 - begin;
    const auto count = static_cast<std::size_t>(std::max(width, 0));
    const bool is_counter = spark.quantity.kind == QuantityKind::counter;
    const auto values =
        is_counter
            ? history.rate_steps(row.engine, spark.quantity, row.canvas.input.interval, count)
            : history.steps(row.engine, spark.quantity, row.canvas.input.interval, count);
    draw_sparkline(row.canvas.frame, begin, line.y, width, values, most_of(values, spark.least),
                   spark.role);
    x += each;
  }
}

void draw_row(const Row& row, const Area& place, std::span<const Column> columns,
              const std::vector<Place>& places) {
  Frame& frame = row.canvas.frame;
  for (const Place& at : places) {
    const Part part = all_columns[at.column].part;
    if (part != Part::name && !row.engine.trouble.empty()) continue;
    const Shown shown = show(row, part);
    const bool is_empty = shown.text == not_available || shown.text == "-";
    const Style style{is_empty ? Role::dim : shown.role};
    if (columns[at.column].is_right) {
      frame.put_right(at.x, place.y, at.width, shown.text, style);
    } else {
      frame.put(at.x, place.y, shown.text, style, at.width);
    }
  }
  if (place.height > 1) draw_sparks(row, {place.x + 2, place.y + 1, place.width - 3, 1});
  if (!row.engine.trouble.empty()) {
    const int x = places.front().x + places.front().width + 1;
    frame.put(x, place.y, row.engine.trouble, {Role::heavy}, place.x + place.width - x);
  } else if (is_stale(row.canvas.input, row.engine)) {
    frame.restyle(place, {Role::dim});
    const double age = to_s(row.canvas.input.snapshot.at - row.engine.at);
    frame.put(places.front().x, place.y, age_text(age) + " ago: " + name_of(row.engine),
              {Role::dim}, places.front().width);
  }
}

}  // namespace

int engines_height(const ScreenInput& input, bool is_full) {
  const auto count = static_cast<int>(subjects_of(input.snapshot, SubjectKind::engine).size());
  const int canaries = canaries_height(input);
  if (count == 0) return canaries == 0 ? 0 : 1 + canaries;
  return 2 + count * (is_full ? 2 : 1) + canaries;
}

void draw_engines(const Canvas& canvas, const Area& whole, bool is_full) {
  const auto engines = subjects_of(canvas.input.snapshot, SubjectKind::engine);
  const int window = windows_s[canvas.view.window % std::size(windows_s)];
  const int canaries = std::clamp(whole.height - 1, 0, canaries_height(canvas.input));
  const Area area{whole.x, whole.y, whole.width, whole.height - canaries};
  draw_canaries(canvas, {whole.x, whole.y + area.height, whole.width, canaries});
  if (engines.empty()) return draw_title(canvas, {area.x, area.y, area.width, 1}, "Engines");
  draw_title(canvas, {area.x, area.y, area.width, 1}, "Engines",
             format("good: TTFT {:g}ms, TPOT {:g}ms; {}", canvas.view.service.ttft_s * 1e3,
                    canvas.view.service.tpot_s * 1e3,
                    canvas.input.is_once ? "since the engine began"
                                         : format("the last {} s; w: another window", window)));
  std::vector<Column> columns;
  for (const PartColumn& one : all_columns) columns.push_back(one.column);
  const bool has_tpot = std::any_of(engines.begin(), engines.end(), [](const Subject* one) {
    return one->histogram(quantity::engine_tpot) != nullptr;
  });
  const bool has_itl = std::any_of(engines.begin(), engines.end(), [](const Subject* one) {
    return one->histogram(quantity::engine_itl) != nullptr;
  });
  if (!has_tpot && has_itl) columns[static_cast<std::size_t>(Part::tpot)].heading = "ITL p50/p99";
  const auto places = place_columns(columns, area.x + 1, area.width - 2);
  for (const Place& at : places) {
    const Column& column = columns[at.column];
    if (column.is_right) {
      canvas.frame.put_right(at.x, area.y + 1, at.width, column.heading, {Role::dim});
    } else {
      canvas.frame.put(at.x, area.y + 1, column.heading, {Role::dim}, at.width);
    }
  }
  int y = area.y + 2;
  const int lines = is_full ? 2 : 1;
  for (std::size_t i = 0; i < engines.size(); ++i) {
    const int left = area.y + area.height - y;
    if (left < lines) return;
    if (left < 2 * lines && i + 1 < engines.size()) {
      canvas.frame.put(area.x + 1, y, format("… {} more", engines.size() - i), {Role::dim});
      return;
    }
    draw_row({canvas, *engines[i], y}, {area.x, y, area.width, lines}, columns, places);
    y += lines;
  }
}

}  // namespace tacho
