// The three windows that a throughput can stand on: the whole run, its steady state, its drain.
// Each is always named, for the figures differ.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"

namespace tacho {

struct CellSummary;

/// One stretch of a cell and the work that was done in it: of ok requests, each by the part of its
/// time that lies inside.
struct Window {
  bool is_known = false;
  double from_s = 0.0;  ///< From the cell's first due time.
  double duration_s = 0.0;
  double request_throughput_per_s = 0.0;
  double input_token_throughput_per_s = 0.0;
  double output_token_throughput_per_s = 0.0;
  double total_token_throughput_per_s() const {
    return input_token_throughput_per_s + output_token_throughput_per_s;
  }
};

/// The windows of a cell.
struct Windows {
  Window whole_run, steady_state, drain;
  std::string no_steady_state;  ///< Why there is none; empty when there is.

  /// The window of the headline: the steady state, or the whole run where there is none.
  const Window& headline() const { return steady_state.is_known ? steady_state : whole_run; }
  std::string_view headline_name() const {
    return steady_state.is_known ? "steady state" : "whole run";
  }
};

/// Finds them. Closed loops are steady while their concurrency is on its plateau; open loops of a
/// constant rate from the end of the start-up transient (MSER-5 on ttft and on throughput) to the
/// last arrival.
Windows windows_of(const CellSummary& cell);

/// All three, by name, and which is the headline.
Json to_json(const Windows& windows);

}  // namespace tacho
