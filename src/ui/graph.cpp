#include "ui/graph.h"

#include <algorithm>
#include <cmath>

namespace tacho {
namespace {

constexpr char32_t line_glyph = U'─';

/// Dots of a braille cell, bottom to top, left and right column (Unicode, Braille Patterns).
constexpr std::uint8_t left_dots[] = {0x40, 0x04, 0x02, 0x01};
constexpr std::uint8_t right_dots[] = {0x80, 0x20, 0x10, 0x08};

/// How many dots of `all` a value fills.
int dots_of(double value, double most, int all) {
  if (!(value > 0.0) || !(most > 0.0)) return 0;
  return std::clamp(static_cast<int>(std::lround(value / most * all)), 1, all);
}

/// The part of a braille column that `filled` dots fill in the cell whose lowest dot has the number
/// `base`. Growing down, the cell is upside down.
std::uint8_t column_bits(const std::uint8_t (&dots)[4], int filled, int base, bool is_down) {
  std::uint8_t bits = 0;
  for (int i = 0; i < 4 && base + i < filled; ++i) {
    bits = static_cast<std::uint8_t>(bits | dots[is_down ? 3 - i : i]);
  }
  return bits;
}

}  // namespace

Role load_role(double ratio, const LoadBounds& bounds) {
  if (!std::isfinite(ratio)) return Role::dim;
  if (ratio >= bounds.heavy) return Role::heavy;
  return ratio >= bounds.moderate ? Role::moderate : Role::good;
}

void draw_bar(Frame& frame, const Area& area, double ratio, Role role) {
  const double share = std::isfinite(ratio) ? std::clamp(ratio, 0.0, 1.0) : 0.0;
  const int eighths = static_cast<int>(std::lround(share * 8.0 * area.width));
  for (int i = 0; i < area.width; ++i) {
    const int filled = std::clamp(eighths - 8 * i, 0, 8);
    if (filled == 0) {
      frame.set(area.x + i, area.y, line_glyph, {Role::border});
    } else {
      frame.set(area.x + i, area.y, U'█' + static_cast<char32_t>(8 - filled), {role});
    }
  }
}

void draw_graph(Frame& frame, const Area& area, std::span<const double> values,
                const GraphLook& look) {
  const int all = 4 * area.height;
  const auto value_at = [&](int sample) {
    const int index = static_cast<int>(values.size()) - 2 * area.width + sample;
    return index >= 0 ? values[static_cast<std::size_t>(index)] : std::nan("");
  };
  for (int column = 0; column < area.width; ++column) {
    const double left = value_at(2 * column), right = value_at(2 * column + 1);
    if (std::isnan(left) && std::isnan(right)) continue;
    const double load = std::fmax(left, right) / look.most;
    const Role role = look.is_load ? load_role(load, look.bounds) : look.role;
    const int left_filled = dots_of(left, look.most, all);
    const int right_filled = dots_of(right, look.most, all);
    for (int row = 0; row < area.height; ++row) {
      const int y = look.is_down ? area.y + row : area.y + area.height - 1 - row;
      const std::uint8_t bits =
          static_cast<std::uint8_t>(column_bits(left_dots, left_filled, 4 * row, look.is_down) |
                                    column_bits(right_dots, right_filled, 4 * row, look.is_down));
      if (bits != 0) frame.set(area.x + column, y, 0x2800 + static_cast<char32_t>(bits), {role});
    }
  }
}

void draw_sparkline(Frame& frame, int x, int y, int width, std::span<const double> values,
                    double most, Role role) {
  for (int column = 0; column < width; ++column) {
    const int index = static_cast<int>(values.size()) - width + column;
    if (index < 0 || std::isnan(values[static_cast<std::size_t>(index)])) continue;
    const int height = dots_of(values[static_cast<std::size_t>(index)], most, 8);
    const char32_t glyph = height > 0 ? U'▁' + static_cast<char32_t>(height - 1) : U'▁';
    frame.set(x + column, y, glyph, {height > 0 ? role : Role::border});
  }
}

double most_of(std::span<const double> values, double least) {
  double most = least;
  for (const double value : values) {
    if (value > most) most = value;
  }
  return most;
}

double round_up(double value) {
  if (!(value > 0.0)) return 1.0;
  const double power = std::pow(10.0, std::floor(std::log10(value)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= value * (1.0 - 1e-9)) return factor * power;
  }
  return 10.0 * power;
}

}  // namespace tacho
