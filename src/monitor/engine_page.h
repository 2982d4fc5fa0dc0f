// One engine's metrics pages, one after another: its subjects in canonical names, and its restarts,
// which only show between two pages.
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "monitor/engine_names.h"

namespace tacho {

/// Reads the pages of one engine.
class EnginePages {
 public:
  /// `instance` is its address in labels and ids.
  explicit EnginePages(std::string instance) : instance_(std::move(instance)) {}

  /// Appends what the page says; false when it is of no engine that is known. `start_beside` is a
  /// number that is another one in each life of the engine, where it says one beside the page; NaN:
  /// it does not.
  bool read(const MetricsText& page, double start_beside, std::vector<Subject>& out);
  /// Appends that there is no page, and why.
  void down(std::string why, std::vector<Subject>& out) const;

 private:
  void watch_restarts(std::vector<Subject>& subjects, const MetricsText& page, double start_beside);

  std::string instance_;
  double start_ = std::nan("");
  double tokens_ = 0.0;
  double restarts_ = 0.0;
};

}  // namespace tacho
