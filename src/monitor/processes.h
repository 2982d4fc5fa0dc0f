// What the host says of a process that a device's driver names: whose it is, what it runs, what it
// costs the processor. One table for every vendor.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/time.h"
#include "monitor/snapshot.h"

namespace tacho {

/// What /proc says of one process.
struct ProcessFacts {
  std::string missing;  ///< Why nothing is known; empty when something is.
  std::string user;
  std::string command;  ///< Its words, without what looks like a secret, at most 200 bytes.
  double cores = 0.0;   ///< NaN at the first reading: it is a difference of two.
  double busiest_thread_cores = 0.0;
  double memory_bytes = 0.0;
  double start_time_s = 0.0;  ///< Seconds since 1970.
};

/// Looks processes up, and remembers what it needs to tell what they did since.
class ProcessTable {
 public:
  /// `root` stands before /proc and /etc.
  explicit ProcessTable(std::string root);

  /// Begins a round of readings: forgets processes that nobody asked for in the last one.
  void begin_round();
  /// What is known of the process; the same answer to each question in one round.
  const ProcessFacts& look_up(std::int64_t pid, Instant now);
  /// Adds a subject's facts: the labels pid, user, command, and the values; or why there are none.
  void describe(std::int64_t pid, Instant now, Subject& subject);

 private:
  /// Processor time of a process, or a thread, when it was read last.
  struct Ticks {
    double ticks = 0.0;
    Instant at = never;
  };
  /// What is kept of a process.
  struct Known {
    ProcessFacts facts;
    std::uint64_t round = 0, rounds = 0;
    double start_ticks = 0.0;  ///< A pid may be used again; its start tells.
    Ticks all;
    std::map<std::string, Ticks> threads;
  };
  void read(std::int64_t pid, Instant now, Known& known);
  void read_threads(const std::string& folder, Instant now, Known& known);
  std::string user_name(std::int64_t uid);

  std::string root_;
  std::uint64_t round_ = 0;
  double boot_time_s_ = 0.0;
  bool is_own_namespace_ = false;  ///< Our pids are not the host's.
  std::map<std::int64_t, std::string> users_;
  std::map<std::int64_t, Known> known_;
};

/// A command line in one piece: its words, secrets left out, cut to 200 bytes.
std::string shown_command(std::string_view nul_separated);

}  // namespace tacho
