#include "monitor/boards.h"

#include <doctest/doctest.h>

#include <set>

#include "base/text.h"
#include "monitor/expression.h"

namespace tacho {
namespace {

std::vector<Board> boards() {
  auto read = shipped_boards();
  REQUIRE_MESSAGE(read.ok(), (read.ok() ? "" : read.error().message));
  return *read;
}

/// Every name of tacho's in an expression.
std::vector<std::string> names_in(const std::string& expr) {
  std::vector<std::string> names;
  for (std::size_t i = expr.find("tacho_"); i != std::string::npos;
       i = expr.find("tacho_", i + 1)) {
    const std::size_t end = expr.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_", i);
    names.push_back(expr.substr(i, std::min(end, expr.size()) - i));
  }
  return names;
}

TEST_CASE("every panel asks for names that there are") {
  std::size_t asked = 0;
  for (const Board& board : boards()) {
    for (const BoardRow& row : board.rows) {
      for (const BoardPanel& panel : row.panels) {
        for (const BoardTarget& target : panel.targets) {
          for (std::string name : names_in(target.expr)) {
            ++asked;
            for (const char* ending : {"_bucket", "_sum", "_count"}) {
              if (find_quantity(name) == nullptr && name.ends_with(ending)) {
                name.resize(name.size() - std::string(ending).size());
              }
            }
            CHECK_MESSAGE(find_quantity(name) != nullptr, name);
          }
        }
      }
    }
  }
  CHECK(asked > 100);
}

TEST_CASE("a board for Grafana has one id for each panel, and panels that do not overlap") {
  for (const Board& board : boards()) {
    const Json json = grafana_board(board);
    CHECK(json["schemaVersion"] == 39);
    CHECK(json["templating"]["list"][0]["type"] == "datasource");
    std::set<int> ids;
    std::set<std::pair<int, int>> cells;
    for (const Json& panel : json["panels"]) {
      CHECK(ids.insert(panel["id"].get<int>()).second);
      const Json& at = panel["gridPos"];
      for (int x = at["x"]; x < at["x"].get<int>() + at["w"].get<int>(); ++x) {
        CHECK(x < 24);
        for (int y = at["y"]; y < at["y"].get<int>() + at["h"].get<int>(); ++y) {
          CHECK(cells.insert({x, y}).second);
        }
      }
      if (panel["type"] == "row") continue;
      CHECK(panel["datasource"]["uid"] == "${datasource}");
      CHECK(panel["targets"].size() >= 1);
    }
  }
}

TEST_CASE("a board for Nightingale has the same expressions as that for Grafana") {
  for (const Board& board : boards()) {
    const Json grafana = grafana_board(board), nightingale = nightingale_board(board);
    CHECK(nightingale["ident"] == "tacho-" + board.name);
    const auto exprs = [](const Json& panels) {
      std::vector<std::string> all;
      for (const Json& panel : panels) {
        if (!panel.contains("targets")) continue;
        for (const Json& target : panel["targets"]) all.push_back(json_string(target, "expr"));
      }
      return all;
    };
    CHECK(exprs(grafana["panels"]) == exprs(nightingale["configs"]["panels"]));
  }
}

TEST_CASE("a panel without a known kind or unit is refused by its title") {
  const auto bad = read_boards(
      "boards:\n- name: b\n  rows:\n  - panels:\n    - title: T\n      kind: pie\n      targets: "
      "[{expr: x, legend: y}]\n",
      "f");
  REQUIRE_FALSE(bad.ok());
  CHECK(bad.error().message == "f: the panel 'T' lacks a known kind, unit, width or target");
}

}  // namespace
}  // namespace tacho
