// Runs one level of `tacho calibrate`: a `tacho bench` of its own, as any user would start it,
// against the built-in engine, then what came of it beside what was true.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/time.h"
#include "report/calibration.h"

namespace tacho {

/// What all levels have in common.
struct LevelSettings {
  std::string url;     ///< Of the engine.
  std::string folder;  ///< For run directories.
  double rate = 50.0;  ///< Tokens/s of each stream.
  double seconds = 5.0;
  std::uint32_t threads = 1;
  std::string stamps;  ///< Handed on to bench; "" leaves it to it.
};

/// How many requests of how many tokens make a level.
struct LevelShape {
  std::uint32_t tokens = 0;  ///< In each answer.
  std::uint32_t rounds = 0;  ///< Requests of each stream, one after the other.
};

/// Answers short enough that there are some 200 requests, so that TTFT has a distribution, but of
/// 10 tokens at least and two seconds at most.
LevelShape shape_of_level(std::uint32_t streams, double rate, double seconds);

/// Runs a level. The error is about bench or the engine, not about what was measured.
Result<CalibrationLevel> run_level(std::uint32_t streams, const LevelSettings& settings);

/// A busy loop on each of these cores for as long as it lives; on any core when there are none.
class Hog {
 public:
  explicit Hog(const std::vector<int>& cores);
  ~Hog();
  Hog(const Hog&) = delete;
  Hog& operator=(const Hog&) = delete;

 private:
  std::vector<pid_t> processes_;
};

}  // namespace tacho
