#include "workload/rate_series.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/assert.h"
#include "base/text.h"

namespace tacho {
namespace {

/// Of an exponential piece; 0 where it is as good as level.
double growth(const RatePiece& piece) {
  const double log_ratio = std::log(piece.end_per_s / piece.start_per_s);
  return std::abs(log_ratio) < 1e-9 ? 0.0 : log_ratio;
}

double arrivals_of(const RatePiece& piece) {
  if (piece.is_exponential && growth(piece) != 0.0) {
    return piece.duration_s * (piece.end_per_s - piece.start_per_s) / growth(piece);
  }
  return piece.duration_s * (piece.start_per_s + piece.end_per_s) / 2.0;
}

/// When, from the piece's start, `expected` arrivals are due; 0 <= expected < arrivals_of(piece).
double time_within(const RatePiece& piece, double expected) {
  if (piece.is_exponential && growth(piece) != 0.0) {
    const double g = growth(piece);
    return piece.duration_s / g * std::log1p(expected * g / (piece.start_per_s * piece.duration_s));
  }
  if (piece.start_per_s == piece.end_per_s) return expected / piece.start_per_s;
  if (expected == 0.0) return 0.0;
  // start·t + slope·t²/2 = expected, solved so that nothing cancels when the slope is small.
  const double slope = (piece.end_per_s - piece.start_per_s) / piece.duration_s;
  const double root =
      std::sqrt(std::max(0.0, piece.start_per_s * piece.start_per_s + 2.0 * slope * expected));
  return 2.0 * expected / (piece.start_per_s + root);
}

/// The rates that it goes through; of many, the first ones and the last.
std::string rates_text(const RateSeries& series, std::string_view arrow) {
  std::vector<std::string> rates;
  const auto add = [&](double rate) {
    const std::string text = format("{:g}", rate);
    if (rates.empty() || rates.back() != text) rates.push_back(text);
  };
  for (const RatePiece& piece : series.pieces) {
    add(piece.start_per_s);
    add(piece.end_per_s);
  }
  constexpr std::size_t shown_max = 6;
  if (rates.size() > shown_max) {
    rates.erase(rates.begin() + shown_max - 2, rates.end() - 1);
    rates.insert(rates.end() - 1, "…");
  }
  return join(rates, arrow);
}

bool has_steps_only(const RateSeries& series) {
  return std::all_of(series.pieces.begin(), series.pieces.end(),
                     [](const RatePiece& p) { return p.start_per_s == p.end_per_s; });
}

bool is_on_off(const RateSeries& series) {
  return series.repeats && series.pieces.size() == 2 && series.pieces[1].end_per_s == 0.0;
}

}  // namespace

double duration_s(const RateSeries& series) {
  double sum = 0.0;
  for (const RatePiece& piece : series.pieces) sum += piece.duration_s;
  return sum;
}

double arrivals_of(const RateSeries& series) {
  double sum = 0.0;
  for (const RatePiece& piece : series.pieces) sum += arrivals_of(piece);
  return sum;
}

std::string series_label(const RateSeries& series) {
  if (!is_on_off(series)) return rates_text(series, "→") + " req/s";
  return format("{:g} req/s {:g} s on, {:g} s off", series.pieces[0].start_per_s,
                series.pieces[0].duration_s, series.pieces[1].duration_s);
}

std::string series_words(const RateSeries& series) {
  if (is_on_off(series)) {
    return format("bursts of {:g} req/s for {:g} s, then {:g} s of nothing",
                  series.pieces[0].start_per_s, series.pieces[0].duration_s,
                  series.pieces[1].duration_s);
  }
  const bool is_ramp = series.pieces.size() == 1 && !has_steps_only(series);
  const std::string_view kind = is_ramp && series.pieces[0].is_exponential ? "exponential ramp"
                                : is_ramp                                  ? "ramp"
                                : has_steps_only(series)                   ? "piecewise"
                                                                           : "piecewise-linear";
  return format("{} {} req/s over {:g} s", kind, rates_text(series, " → "), duration_s(series));
}

RateClock::RateClock(const RateSeries& series)
    : series_(series), can_repeat_(series.repeats && arrivals_of(series) > 0.0) {
  TACHO_ASSERT(!series.pieces.empty());
}

double RateClock::time_of(double expected) {
  while (piece_ < series_.pieces.size()) {
    const RatePiece& piece = series_.pieces[piece_];
    const double arrivals = arrivals_of(piece);
    if (expected < start_arrivals_ + arrivals) {
      return start_s_ + time_within(piece, std::max(0.0, expected - start_arrivals_));
    }
    start_arrivals_ += arrivals;
    start_s_ += piece.duration_s;
    ++piece_;
    if (piece_ == series_.pieces.size() && can_repeat_) piece_ = 0;
  }
  const double rate = series_.pieces.back().end_per_s;
  if (rate <= 0.0) return std::numeric_limits<double>::infinity();
  return start_s_ + (expected - start_arrivals_) / rate;
}

}  // namespace tacho
