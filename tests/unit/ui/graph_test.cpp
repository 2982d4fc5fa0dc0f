#include "ui/graph.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

namespace tacho {
namespace {

TEST_CASE("a bar is filled in eighths, and empty when its value is not known") {
  Frame frame(4, 3);
  draw_bar(frame, {0, 0, 4, 1}, 0.5 + 1.0 / 32.0, Role::good);
  draw_bar(frame, {0, 1, 4, 1}, 7.0, Role::good);
  draw_bar(frame, {0, 2, 4, 1}, std::nan(""), Role::good);
  CHECK(frame.row(0) == "██▏─");
  CHECK(frame.row(1) == "████");
  CHECK(frame.row(2) == "────");
}

TEST_CASE("a graph grows up from its bottom or down from its top, two values to a column") {
  const std::vector<double> values = {1.0, 0.5, 0.25, 0.01};
  Frame up(2, 2), down(2, 2);
  draw_graph(up, up.area(), values, {});
  GraphLook look;
  look.is_down = true;
  draw_graph(down, down.area(), values, look);
  CHECK(up.row(0) == "⡇");
  CHECK(up.row(1) == "⣿⣄");
  CHECK(down.row(0) == "⣿⠋");
  CHECK(down.row(1) == "⡇");
}

TEST_CASE("a graph keeps its last values at the right, and leaves gaps where nothing is known") {
  Frame frame(3, 1);
  draw_graph(frame, frame.area(), std::vector<double>{1.0, 1.0, std::nan(""), std::nan("")}, {});
  CHECK(frame.row(0) == " ⣿");
  CHECK(frame.at(1, 0).style.role == Role::heavy);
}

TEST_CASE("a sparkline shows the last values, at least one eighth each") {
  Frame frame(4, 1);
  draw_sparkline(frame, 0, 0, 4, std::vector<double>{9.0, 8.0, 4.0, 0.1, 0.0}, 8.0, Role::good);
  CHECK(frame.row(0) == "█▄▁▁");
  CHECK(frame.at(2, 0).style.role == Role::good);
  CHECK(frame.at(3, 0).style.role == Role::border);
}

TEST_CASE("scales end at round numbers") {
  CHECK(round_up(36.0) == doctest::Approx(50.0));
  CHECK(round_up(5.0) == doctest::Approx(5.0));
  CHECK(round_up(0.07) == doctest::Approx(0.1));
  CHECK(round_up(0.0) == 1.0);
}

TEST_CASE("loads have three roles, and none when they are not known") {
  CHECK(load_role(0.05, {0.1, 0.8}) == Role::good);
  CHECK(load_role(0.10, {0.1, 0.8}) == Role::moderate);
  CHECK(load_role(0.95, {0.1, 0.8}) == Role::heavy);
  CHECK(load_role(std::nan(""), {0.1, 0.8}) == Role::dim);
}

}  // namespace
}  // namespace tacho
