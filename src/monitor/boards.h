// Boards for Grafana and Nightingale, drawn from one table (data/boards.yaml).
#pragma once

#include <string>
#include <vector>

#include "base/json.h"

namespace tacho {

/// One expression of a panel.
struct BoardTarget {
  std::string expr, legend;
};

/// One panel; `limit` is a number as written, or empty.
struct BoardPanel {
  std::string title, about, kind, unit, limit;
  int width = 8;  ///< Of 24 columns.
  std::vector<BoardTarget> targets;
};

/// A row of panels below one title.
struct BoardRow {
  std::string title;
  std::vector<BoardPanel> panels;
};

/// A choice at the top of a board: the values of one label of one metric.
struct BoardVariable {
  std::string name, metric, label;
};

/// One board.
struct Board {
  std::string name;  ///< Short, for files and addresses.
  std::string title, summary;
  std::vector<BoardVariable> variables;
  std::vector<BoardRow> rows;
};

/// Reads a table of boards; the error names what is wrong with it.
Result<std::vector<Board>> read_boards(std::string_view yaml, std::string_view what);

/// The boards that ship with tacho.
Result<std::vector<Board>> shipped_boards();

/// A board for Grafana: the classic schema, its data source a variable of the board.
Json grafana_board(const Board& board);

/// A board for Nightingale, as its import takes it.
Json nightingale_board(const Board& board);

}  // namespace tacho
