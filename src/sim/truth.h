// What really happened: for each request, when it had arrived and when each of its tokens was
// planned and written. The client's measurements are judged against this. Times are nanoseconds on
// the machine's monotonic clock.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/time.h"

namespace tacho {

/// The truth of one request.
struct Truth {
  std::string id;
  Instant received = never;   ///< When its last byte had arrived.
  Instant scheduled = never;  ///< When its first step began.
  std::uint32_t input_tokens = 0;
  std::uint32_t output_tokens = 0;
  std::vector<Instant>
      planned;  ///< For each piece written: when its step ended by the engine's time.
  std::vector<Instant> written;  ///< And the moment before it was handed to the kernel.
  /// And the moment after that: it left between the two, however long the engine was kept from its
  /// core. `never` when the kernel did not take all of it at once.
  std::vector<Instant> taken;
};

/// The truths of the latest requests, within a bound of memory.
class TruthStore {
 public:
  /// Keeps at most so many token times; the oldest requests are dropped for it.
  explicit TruthStore(std::size_t tokens_max = 8'000'000) : tokens_max_(tokens_max) {}

  /// Adds one; drops the oldest ones beyond the bound.
  void keep(Truth truth);
  /// The truth of that request id, or null.
  const Truth* find(const std::string& id) const;
  const std::deque<Truth>& all() const { return truths_; }
  std::size_t dropped() const { return dropped_; }
  void clear();

 private:
  std::size_t tokens_max_;
  std::size_t tokens_ = 0;
  std::size_t dropped_ = 0;
  std::deque<Truth> truths_;
  std::unordered_map<std::string, std::size_t>
      index_;  ///< Id to position, counted from the first one ever kept.
};

/// One truth as one line of JSON, without a line end.
std::string to_json_line(const Truth& truth);

}  // namespace tacho
