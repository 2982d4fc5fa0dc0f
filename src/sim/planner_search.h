// The search for the fewest replicas of one configuration with which a load's bounds hold.
#pragma once

#include "sim/planner.h"

namespace tacho {

/// Searches one configuration, and writes what it finds into it.
class ReplicaSearch {
 public:
  /// `load` may be another than the question's; all must outlive the search.
  ReplicaSearch(const PlanQuestion& question, const PlanLoad& load, PlanChoice& choice);

  /// Finds the state, the replicas and the figures.
  void run();

  /// Of a choice that holds: what it could carry at most, what breaks then, and how many replicas
  /// it takes if all times are longer or shorter by the error band.
  void explore();

  /// The fewest replicas, found with few requests; 0: none do.
  std::uint32_t estimate();

  /// True when weights and the longest request fit; else the choice says what is missing.
  bool has_room();

  /// One replica under its share of the load.
  LoadFigures run_one(const ReplicaRun& run) const;

 private:
  bool is_fast_enough();
  std::uint32_t least_replicas() const;
  bool try_replicas(std::uint32_t replicas);
  void note_failure(const LoadFigures& figures);
  bool is_near(const std::vector<double>& bound_ms) const;
  std::uint32_t fewest(std::uint32_t from);
  bool confirm();
  void find_capacity();
  std::uint32_t replicas_at(double time_scale);
  std::string binds_of(const LoadFigures& figures) const;

  const PlanQuestion& question_;
  const PlanLoad& load_;
  PlanChoice& choice_;
  StepTime time_;
  PlanReplica replica_;
  std::vector<PlanBound> bounds_;  ///< The question's, tighter when the model may be wrong.
  std::uint32_t replicas_max_ = 1;
  double time_scale_ = 1.0;
  std::string failure_;
  bool is_near_ = false;  ///< That failure is within the error band.
  LoadFigures failed_;    ///< The last failure under the load itself, or under more of it.
  bool has_failed_ = false;
};

}  // namespace tacho
