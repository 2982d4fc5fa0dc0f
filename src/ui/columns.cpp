#include "ui/columns.h"

#include <algorithm>

namespace tacho {
namespace {

int width_of(std::span<const Column> columns, const std::vector<Place>& places) {
  int sum = places.empty() ? 0 : static_cast<int>(places.size()) - 1;
  for (const Place& place : places) sum += columns[place.column].width;
  return sum;
}

/// Gives what is left over to those that can grow, until nobody can.
void grow(std::span<const Column> columns, std::vector<Place>& places, int left) {
  while (left > 0) {
    int flex = 0;
    const auto room = [&](const Place& place) {
      return columns[place.column].flex > 0 ? columns[place.column].most - place.width : 0;
    };
    for (const Place& place : places) {
      if (room(place) > 0) flex += columns[place.column].flex;
    }
    if (flex == 0) return;
    const int before = left;
    for (Place& place : places) {
      const int share = std::max(before * columns[place.column].flex / flex, 1);
      const int more = std::min({share, room(place), left});
      place.width += more;
      left -= more;
    }
  }
}

}  // namespace

std::vector<Place> place_columns(std::span<const Column> columns, int x, int width) {
  std::vector<Place> places;
  for (std::size_t i = 0; i < columns.size(); ++i) places.push_back({i, 0, columns[i].width});
  while (width_of(columns, places) > width) {
    // Backwards, so that of equals the right one goes.
    const auto last =
        std::max_element(places.rbegin(), places.rend(), [&](const Place& a, const Place& b) {
          return columns[a.column].rank < columns[b.column].rank;
        });
    if (last == places.rend() || columns[last->column].rank == 0) break;
    places.erase(std::next(last).base());
  }
  grow(columns, places, width - width_of(columns, places));
  for (Place& place : places) {
    place.x = x;
    x += place.width + 1;
  }
  return places;
}

}  // namespace tacho
