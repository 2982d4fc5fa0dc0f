// What a program prints, for sources that offer nothing better. It never outlives its patience.
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace tacho {

/// Runs programs, one at a time.
class ProgramOutput {
 public:
  /// Its standard output. An error when it cannot be started, fails, takes longer than `limit` or
  /// is interrupted; it is killed then.
  Result<std::string> run(const std::vector<std::string>& words, Duration limit);
  /// Ends what runs, from another thread, and all that would run later.
  void interrupt() { is_interrupted_ = true; }

 private:
  std::atomic<bool> is_interrupted_ = false;
};

}  // namespace tacho
