// Tables that fit their width: columns that matter less go first, bars and names take what is left.
#pragma once

#include <span>
#include <string_view>
#include <vector>

namespace tacho {

/// A column of a table.
struct Column {
  std::string_view heading;
  int width = 0;         ///< The least.
  int flex = 0;          ///< Its share of the columns that are left over; 0: none.
  int most = 1 << 20;    ///< The widest that it may grow.
  int rank = 0;          ///< The column of the highest rank is the first to go; 0 never goes.
  bool is_right = true;  ///< Heading and text stand at the right.
};

/// Where a column is.
struct Place {
  std::size_t column = 0;  ///< Its index in the list.
  int x = 0;
  int width = 0;
};

/// Places columns from `x` on, one column of space between two of them.
std::vector<Place> place_columns(std::span<const Column> columns, int x, int width);

}  // namespace tacho
