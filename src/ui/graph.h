// Loads as pictures: bars, braille graphs that grow up or down from an axis, sparklines.
#pragma once

#include <span>

#include "ui/frame.h"

namespace tacho {

/// From where a load counts as moderate and as heavy; ratios.
struct LoadBounds {
  double moderate = 0.10;
  double heavy = 0.75;
};

/// The role of a load; dim when it is not known.
Role load_role(double ratio, const LoadBounds& bounds);

/// A bar of one line: the share in eighths of a cell, the rest as a thin line. Nothing but the line
/// when the share is not known.
void draw_bar(Frame& frame, const Area& area, double ratio, Role role);

/// How a graph is drawn.
struct GraphLook {
  double most = 1.0;     ///< The value at full height.
  bool is_down = false;  ///< Grows down from the top of its area.
  bool is_load = true;   ///< Each column has the role of its load; else `role`.
  LoadBounds bounds = {};
  Role role = Role::accent;
};

/// A graph of the values, oldest first, two to a column, the last at the right edge. Values that
/// are not known leave a gap; a value above 0 shows at least one dot.
void draw_graph(Frame& frame, const Area& area, std::span<const double> values,
                const GraphLook& look);

/// A graph of one line, one value to a column.
void draw_sparkline(Frame& frame, int x, int y, int width, std::span<const double> values,
                    double most, Role role);

/// The largest of the values that are known, at least `least`.
double most_of(std::span<const double> values, double least);

/// A round number that is at least `value`: 1, 2 or 5 times a power of ten.
double round_up(double value);

}  // namespace tacho
