#include "ui/columns.h"

#include <doctest/doctest.h>

namespace tacho {
namespace {

constexpr Column three[] = {{"a", 4}, {"b", 6, 1, 8, 1}, {"c", 5, 3, 20, 2}};

TEST_CASE("columns that matter less go first when there is no room") {
  CHECK(place_columns(three, 0, 17).size() == 3);
  const auto two = place_columns(three, 0, 16);
  REQUIRE(two.size() == 2);
  CHECK(two[1].column == 1);
  CHECK(place_columns(three, 0, 1).size() == 1);  // The first never goes.
}

TEST_CASE("what is left over is dealt to those that can grow, up to their most") {
  const auto places = place_columns(three, 2, 27);
  REQUIRE(places.size() == 3);
  CHECK(places[0].x == 2);
  CHECK(places[0].width == 4);
  CHECK(places[1].width == 8);
  CHECK(places[2].width == 13);
  CHECK(places[2].x == 2 + 4 + 1 + 8 + 1);
  CHECK(place_columns(three, 0, 100)[2].width == 20);
}

}  // namespace
}  // namespace tacho
