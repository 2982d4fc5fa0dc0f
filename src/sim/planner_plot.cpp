// A plan as a picture for a terminal: what the choices cost against how long a request takes.
#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "sim/planner.h"

namespace tacho {
namespace {

constexpr std::size_t columns = 64, lines = 14;

/// A logarithmic scale of so many cells.
class Scale {
 public:
  Scale(double low, double high, std::size_t cells)
      : low_(std::log(low) - 0.02), span_(std::log(high) + 0.02 - low_), cells_(cells) {}
  std::size_t cell(double value) const {
    const double share = (std::log(value) - low_) / span_;
    return std::min(cells_ - 1,
                    static_cast<std::size_t>(std::max(0.0, share * static_cast<double>(cells_))));
  }
  /// The value in the middle of a cell.
  double value(std::size_t cell) const {
    return std::exp(low_ + span_ * (static_cast<double>(cell) + 0.5) / static_cast<double>(cells_));
  }

 private:
  double low_, span_;
  std::size_t cells_;
};

std::string x_axis(const Scale& x) {
  std::string ticks, numbers;
  for (std::size_t column = 0; column < columns; ++column) {
    const bool is_tick = column % 16 == 0;
    ticks += is_tick ? "┬" : "─";
    if (!is_tick) continue;
    numbers.resize(std::max(numbers.size(), column), ' ');
    numbers += format_significant(x.value(column), 2);
  }
  return format("{:>8} └{}\n{:>8}  {}   $/h\n", "", ticks, "", numbers);
}

}  // namespace

std::string plan_plot(const Plan& plan) {
  const auto choices = best_of_each(plan);
  if (choices.size() < 2) return "";
  const auto front = pareto_front(choices);
  const auto wait = [](const PlanChoice* choice) { return choice->figures.e2e.p50 / 1e3; };
  const auto cheaper = [](const auto* a, const auto* b) {
    return a->usd_per_hour() < b->usd_per_hour();
  };
  const auto sooner = [&](const auto* a, const auto* b) { return wait(a) < wait(b); };
  const auto [low, high] = std::minmax_element(choices.begin(), choices.end(), cheaper);
  const auto [soon, late] = std::minmax_element(choices.begin(), choices.end(), sooner);
  const Scale x((*low)->usd_per_hour(), (*high)->usd_per_hour(), columns);
  const Scale y(wait(*soon), wait(*late), lines);
  std::vector<std::string> grid(lines, std::string(columns, ' '));
  const auto mark = [&](const PlanChoice* choice, char sign) {
    grid[lines - 1 - y.cell(wait(choice))][x.cell(choice->usd_per_hour())] = sign;
  };
  for (const PlanChoice* choice : choices) mark(choice, '.');
  std::string legend = " nothing is both cheaper and faster than these:\n";
  for (std::size_t i = 0; i < std::min<std::size_t>(front.size(), 26); ++i) {
    const char sign = static_cast<char>('A' + i);
    mark(front[i], sign);
    legend += format("   {}  {:<24} ${:<8.2f} {} s\n", sign, choice_name(*front[i]),
                     front[i]->usd_per_hour(), format_significant(wait(front[i]), 3));
  }
  std::string text = format("{:>8} E2E p50, s\n", "");
  for (std::size_t line = 0; line < lines; ++line) {
    const bool has_number = line % 4 == 0 || line + 1 == lines;
    const std::string number =
        has_number ? format_significant(y.value(lines - 1 - line), 2) : std::string();
    text += format("{:>8} {}{}\n", number, has_number ? "┤" : "│",
                   grid[line].substr(0, grid[line].find_last_not_of(' ') + 1));
  }
  return text + x_axis(x) + legend;
}

}  // namespace tacho
