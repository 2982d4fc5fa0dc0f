// What the table in the terminal is put together from: columns of text, figures with as many digits
// as they carry, and the parts that speak of one cell.
#pragma once

#include <string>
#include <vector>

#include "report/outputs.h"

namespace tacho {

/// Lays cells of text out in columns, the first ones to the left, the rest to the right.
class Grid {
 public:
  explicit Grid(std::size_t left_columns) : left_columns_(left_columns) {}
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  std::string text() const;

 private:
  std::size_t left_columns_;
  std::vector<std::vector<std::string>> rows_;
};

/// Three digits; "–" for what is none.
std::string value_text(double value);

/// A percentile; "–" where too few samples reach its rank.
std::string percentile_text(const CellSummary& cell, Metric metric, double percent);

/// True where the table prints "–" for a percentile that has samples at all.
bool is_rank_thin(const CellSummary& cell, Metric metric, double percent);

/// One cell's distributions, with intervals.
std::string detail_text(const CellSummary& cell);

/// One cell's throughputs by window, and Little's law.
std::string windows_text(const CellSummary& cell);

/// What the "–" of the grid stand for, and which window its throughputs are of.
std::string grid_notes(const RunSummary& run, const TableOptions& options);

/// What was read of the server and its devices, a line for each cell; empty without --monitor.
std::string monitored_text(const RunData& data, const RunSummary& run);

/// What holds the service back, a line for each finding.
std::string findings_text(const RunSummary& run);

/// How closed loops scale, a line for each pair of lengths.
std::string scaling_text(const RunSummary& run);

}  // namespace tacho
