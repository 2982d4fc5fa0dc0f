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
#include "sim/sequence.h"

namespace tacho {

/// The truth of one request.
struct Truth {
  std::string id;
  std::string fault;          ///< The one that it met; empty: none.
  Instant received = never;   ///< When its last byte had arrived.
  Instant queued = never;     ///< When the scheduler had it.
  Instant scheduled = never;  ///< When its first step began.
  std::uint32_t input_tokens = 0;
  std::uint32_t output_tokens = 0;
  std::uint32_t replica = no_replica;          ///< Which answered it; no_replica: the clock did.
  std::uint32_t prefill_replica = no_replica;  ///< Which read its prompt, if that was another one.
  std::vector<Instant>
      planned;  ///< For each piece written: when its step ended by the engine's time.
  std::vector<Instant> written;  ///< And the moment before it was handed to the kernel.
  /// And the moment after that: it left between the two, however long the engine was kept from its
  /// core. `never` when the kernel did not take all of it at once.
  std::vector<Instant> taken;
  bool is_cut = false;  ///< There was no room for it: its times are gone, and it is not kept.
};

/// The truths of the latest requests, within a bound of memory (24 bytes a piece).
class TruthStore {
 public:
  /// Holds at most so many pieces, those of requests that are still going on included.
  explicit TruthStore(std::size_t pieces_max) : pieces_max_(pieces_max) {}

  /// Notes one more piece of a request. For its room the oldest requests are dropped, and when
  /// there are none left, this one is cut.
  void note(Truth& truth, Instant planned, Instant written, Instant taken);
  /// Keeps the truth of a request that is over, unless it was cut.
  void keep(Truth truth);
  /// Lets go of the room of a request whose truth is not kept.
  void forget(const Truth& truth) { pieces_ -= truth.written.size(); }
  /// The truth of that request id, or null.
  const Truth* find(const std::string& id) const;
  const std::deque<Truth>& all() const { return truths_; }
  /// Requests that are over and whose truth is not here any more.
  std::size_t dropped() const { return dropped_ + cut_; }
  /// Forgets the requests that are over.
  void clear();

 private:
  void drop_oldest();

  std::size_t pieces_max_;
  std::size_t pieces_ = 0;
  std::size_t dropped_ = 0;
  std::size_t cut_ = 0;
  std::deque<Truth> truths_;
  std::unordered_map<std::string, std::size_t>
      index_;  ///< Id to position, counted from the first one ever kept.
};

/// One truth as one line of JSON, without a line end.
std::string to_json_line(const Truth& truth);

}  // namespace tacho
