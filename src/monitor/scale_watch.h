// Measures how long autoscaling takes: from the first reading in which the load is over a trigger
// to the first request that a replica served which was not there before.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "monitor/snapshot.h"

namespace tacho {

/// Looks at the engines, reading by reading.
class ScaleWatch {
 public:
  /// The trigger is a number of requests that wait, over all engines.
  explicit ScaleWatch(double trigger = 100.0) : trigger_(trigger) {}

  /// Takes in the engines as they were read at that time.
  void look(const std::vector<const Subject*>& engines, Instant at);
  /// Seconds so far, or as they were at the latest scale-out, which is told for five minutes;
  /// nothing where there is none to speak of.
  std::optional<double> seconds(Instant at) const;

 private:
  /// What a replica has served in all; nothing where it does not say or is down.
  static std::optional<double> served(const Subject& engine);

  double trigger_;
  Instant since_ = never;                ///< The first reading over the trigger.
  std::set<std::string> before_;         ///< The replicas that were up then.
  std::map<std::string, double> fresh_;  ///< What new ones had served when first seen.
  std::optional<double> result_;
  Instant result_at_ = never;
};

}  // namespace tacho
