#include "monitor/boards.h"

#include <algorithm>
#include <array>

#include "base/embedded.h"
#include "base/text.h"
#include "base/yaml.h"

namespace tacho {
namespace {

TACHO_EMBEDDED(boards)

/// A unit of the table, and what the two programs call it.
struct BoardUnit {
  std::string_view name, grafana, nightingale;
};

constexpr BoardUnit units[] = {
    {"none", "short", "none"},
    {"ratio", "percentunit", "percentUnit"},
    {"seconds", "s", "seconds"},
    {"bytes", "bytes", "bytesIEC"},
    {"bytes_per_second", "Bps", "bytesSecIEC"},
    {"watts", "watt", "none"},
    {"celsius", "celsius", "none"},
    {"hertz", "hertz", "none"},
    {"per_second", "reqps", "cps"},
    {"tokens_per_second", "suffix:tok/s", "none"},
    {"tokens", "suffix:tok", "none"},
};

constexpr std::array<std::string_view, 4> kinds{"stat", "timeseries", "heatmap", "table"};

const BoardUnit* find_unit(std::string_view name) {
  const auto found = std::find_if(std::begin(units), std::end(units),
                                  [&](const BoardUnit& u) { return u.name == name; });
  return found != std::end(units) ? found : nullptr;
}

std::string text(const Json& json, const char* key) { return json_string(json, key); }

/// The list at a key; an empty one where there is none.
const Json& list(const Json& json, const char* key) {
  static const Json none = Json::array();
  const auto found = json.is_object() ? json.find(key) : json.end();
  return json.is_object() && found != json.end() && found->is_array() ? *found : none;
}

Result<BoardPanel> read_panel(const Json& json, std::string_view what) {
  BoardPanel panel;
  panel.title = text(json, "title");
  panel.about = text(json, "about");
  panel.kind = text(json, "kind");
  panel.unit = json_string(json, "unit", "none");
  panel.limit = text(json, "limit");
  panel.width = static_cast<int>(parse_integer(json_string(json, "width", "8")).value_or(0));
  for (const Json& target : list(json, "targets")) {
    panel.targets.push_back({text(target, "expr"), text(target, "legend")});
  }
  if (panel.title.empty() || find_unit(panel.unit) == nullptr || panel.width < 1 ||
      panel.width > 24 || panel.targets.empty() ||
      std::find(kinds.begin(), kinds.end(), panel.kind) == kinds.end()) {
    return input_error(
        format("{}: the panel '{}' lacks a known kind, unit, width or target", what, panel.title));
  }
  return panel;
}

Result<Board> read_board(const Json& json, std::string_view what) {
  Board board;
  board.name = text(json, "name");
  board.title = text(json, "title");
  board.summary = text(json, "summary");
  for (const Json& v : list(json, "variables")) {
    board.variables.push_back({text(v, "name"), text(v, "metric"), text(v, "label")});
  }
  for (const Json& r : list(json, "rows")) {
    BoardRow row;
    row.title = text(r, "title");
    for (const Json& p : list(r, "panels")) {
      auto panel = read_panel(p, what);
      if (!panel) return panel.error();
      row.panels.push_back(std::move(*panel));
    }
    board.rows.push_back(std::move(row));
  }
  return board;
}

/// Where a panel stands: 24 columns, rows of the same height one below the other.
struct Place {
  int x = 0, y = 0, w = 0, h = 0;
};

/// Gives places in reading order, a new line where one is full.
class Places {
 public:
  Place title() {
    close_line();
    const Place place{0, y_, 24, 1};
    y_ += 1;
    return place;
  }
  Place panel(const BoardPanel& panel) {
    const int height = panel.kind == "stat" ? 4 : 8;
    if (x_ + panel.width > 24) close_line();
    const Place place{x_, y_, panel.width, height};
    x_ += panel.width;
    line_ = std::max(line_, height);
    return place;
  }

 private:
  void close_line() {
    y_ += line_;
    x_ = line_ = 0;
  }
  int x_ = 0, y_ = 0, line_ = 0;
};

std::string reference(std::size_t index) {
  return std::string(1, static_cast<char>('A' + static_cast<char>(index % 26)));
}

Json number_json(const std::string& number) {
  const auto value = parse_number(number);
  return value ? Json(*value) : Json(nullptr);
}

Json grafana_source() { return {{"type", "prometheus"}, {"uid", "${datasource}"}}; }

Json grafana_target(const BoardPanel& panel, std::size_t index) {
  const BoardTarget& target = panel.targets[index];
  Json json = {{"refId", reference(index)},
               {"datasource", grafana_source()},
               {"expr", target.expr},
               {"legendFormat", target.legend},
               {"range", panel.kind != "table"},
               {"instant", panel.kind == "table"}};
  if (panel.kind == "heatmap") json["format"] = "heatmap";
  if (panel.kind == "table") json["format"] = "table";
  return json;
}

Json grafana_panel(const BoardPanel& panel, const Place& place, int id) {
  Json json = {{"id", id},
               {"type", panel.kind},
               {"title", panel.title},
               {"description", panel.about},
               {"datasource", grafana_source()}};
  json["gridPos"] = {{"h", place.h}, {"w", place.w}, {"x", place.x}, {"y", place.y}};
  json["targets"] = Json::array();
  for (std::size_t i = 0; i < panel.targets.size(); ++i) {
    json["targets"].push_back(grafana_target(panel, i));
  }
  Json steps = Json::array({{{"color", "green"}, {"value", nullptr}}});
  Json custom = Json::object();
  if (!panel.limit.empty()) {
    steps.push_back({{"color", "red"}, {"value", number_json(panel.limit)}});
    if (panel.kind == "timeseries") custom["thresholdsStyle"] = {{"mode", "line"}};
  }
  const BoardUnit& unit = *find_unit(panel.unit);
  json["fieldConfig"]["defaults"] = {
      {"unit", unit.grafana},
      {"custom", std::move(custom)},
      {"thresholds", {{"mode", "absolute"}, {"steps", std::move(steps)}}}};
  json["fieldConfig"]["overrides"] = Json::array();
  json["options"] = Json::object();
  if (panel.kind == "timeseries") {
    json["fieldConfig"]["defaults"]["min"] = 0;
    json["options"]["tooltip"] = {{"mode", "multi"}, {"sort", "desc"}};
  }
  if (panel.kind == "heatmap") {
    json["options"] = {{"calculate", false}, {"yAxis", {{"unit", unit.grafana}}}};
  }
  return json;
}

Json grafana_variables(const Board& board) {
  Json all = Json::array();
  all.push_back({{"name", "datasource"},
                 {"label", "Data source"},
                 {"type", "datasource"},
                 {"query", "prometheus"},
                 {"refresh", 1},
                 {"hide", 0},
                 {"includeAll", false},
                 {"multi", false},
                 {"regex", ""},
                 {"options", Json::array()},
                 {"current", Json::object()}});
  for (const BoardVariable& v : board.variables) {
    const std::string query = format("label_values({}, {})", v.metric, v.label);
    Json json = {{"name", v.name},      {"label", v.name},  {"type", "query"},
                 {"definition", query}, {"refresh", 2},     {"hide", 0},
                 {"includeAll", true},  {"allValue", ".*"}, {"multi", true},
                 {"sort", 1},           {"regex", ""},      {"options", Json::array()}};
    json["datasource"] = grafana_source();
    json["query"] = {{"query", query}, {"refId", "variable"}};
    json["current"] = {{"selected", true}, {"text", {"All"}}, {"value", {"$__all"}}};
    all.push_back(std::move(json));
  }
  return all;
}

std::string nightingale_kind(const std::string& kind) {
  return kind == "heatmap" ? "timeseries" : kind;
}

Json nightingale_panel(const std::string& type, const std::string& title, const Place& place,
                       int id) {
  const std::string name = format("tacho-{}", id);
  Json json = {{"version", "3.0.0"}, {"id", name}, {"type", type}, {"name", title}};
  json["layout"] = {{"h", place.h}, {"w", place.w}, {"x", place.x},
                    {"y", place.y}, {"i", name},    {"isResizable", type != "row"}};
  return json;
}

void fill_nightingale(const BoardPanel& panel, Json& json) {
  json["description"] = panel.about;
  json["datasourceCate"] = "prometheus";
  json["datasourceValue"] = "${datasource}";
  json["targets"] = Json::array();
  for (std::size_t i = 0; i < panel.targets.size(); ++i) {
    const BoardTarget& target = panel.targets[i];
    json["targets"].push_back(
        {{"refId", reference(i)}, {"expr", target.expr}, {"legend", target.legend}});
  }
  json["custom"] = {{"calc", "lastNotNull"}};
  if (json["type"] == "timeseries") {
    json["custom"] = {
        {"drawStyle", "lines"}, {"lineInterpolation", "linear"}, {"fillOpacity", 0.1}};
  }
  json["options"]["standardOptions"] = {{"util", find_unit(panel.unit)->nightingale}};
  Json steps = Json::array({{{"color", "#3fc453"}, {"value", nullptr}, {"type", "base"}}});
  if (!panel.limit.empty()) {
    steps.push_back({{"color", "#f5222d"}, {"value", number_json(panel.limit)}});
  }
  json["options"]["thresholds"]["steps"] = std::move(steps);
}

}  // namespace

Result<std::vector<Board>> read_boards(std::string_view yaml, std::string_view what) {
  const auto json = parse_yaml(yaml, what);
  if (!json) return json.error();
  std::vector<Board> all;
  for (const Json& item : list(*json, "boards")) {
    auto board = read_board(item, what);
    if (!board) return board.error();
    all.push_back(std::move(*board));
  }
  return all;
}

Result<std::vector<Board>> shipped_boards() { return read_boards(boards(), "the shipped boards"); }

Json grafana_board(const Board& board) {
  Json json = {{"uid", "tacho-" + board.name},
               {"title", board.title},
               {"description", board.summary},
               {"tags", {"tacho"}},
               {"schemaVersion", 39},
               {"version", 1},
               {"editable", true},
               {"graphTooltip", 1},
               {"timezone", "browser"},
               {"refresh", "10s"},
               {"links", Json::array()}};
  json["time"] = {{"from", "now-30m"}, {"to", "now"}};
  json["annotations"]["list"] = Json::array();
  json["templating"]["list"] = grafana_variables(board);
  json["panels"] = Json::array();
  Places places;
  int id = 0;
  for (const BoardRow& row : board.rows) {
    const Place place = places.title();
    Json title = {{"id", ++id}, {"type", "row"}, {"title", row.title}, {"collapsed", false}};
    title["gridPos"] = {{"h", place.h}, {"w", place.w}, {"x", place.x}, {"y", place.y}};
    title["panels"] = Json::array();
    json["panels"].push_back(std::move(title));
    for (const BoardPanel& panel : row.panels) {
      json["panels"].push_back(grafana_panel(panel, places.panel(panel), ++id));
    }
  }
  return json;
}

Json nightingale_board(const Board& board) {
  Json configs = {{"version", "3.0.0"}, {"links", Json::array()}};
  configs["var"] =
      Json::array({{{"type", "datasource"}, {"name", "datasource"}, {"definition", "prometheus"}}});
  for (const BoardVariable& v : board.variables) {
    Json variable = {{"type", "query"},
                     {"name", v.name},
                     {"definition", format("label_values({}, {})", v.metric, v.label)},
                     {"multi", true},
                     {"allOption", true},
                     {"allValue", ".*"}};
    variable["datasource"] = {{"cate", "prometheus"}, {"value", "${datasource}"}};
    configs["var"].push_back(std::move(variable));
  }
  configs["panels"] = Json::array();
  Places places;
  int id = 0;
  for (const BoardRow& row : board.rows) {
    configs["panels"].push_back(nightingale_panel("row", row.title, places.title(), ++id));
    for (const BoardPanel& panel : row.panels) {
      Json json =
          nightingale_panel(nightingale_kind(panel.kind), panel.title, places.panel(panel), ++id);
      fill_nightingale(panel, json);
      configs["panels"].push_back(std::move(json));
    }
  }
  Json json = {{"name", board.title}, {"tags", "tacho"}, {"ident", "tacho-" + board.name}};
  json["configs"] = std::move(configs);
  return json;
}

}  // namespace tacho
