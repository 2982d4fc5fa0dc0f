// What bench/server.cpp knows to be true of its answers, and how it tells it.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "script.h"

/// What really happened to one request, in nanoseconds of CLOCK_MONOTONIC.
struct Truth {
  int64_t received = 0;         // The kernel's stamp of the request's last segment.
  int64_t read = 0;             // When we read it.
  std::vector<int64_t> before;  // For each token the clock before its send() ...
  std::vector<int64_t> after;   // ... and after it.
};

/// A JSON object a line. Of `before`, the first is an instant and the rest are differences; `width`
/// is what to add to each for the clock after its send().
inline std::string truth_lines(const std::deque<Truth>& truths, int64_t first_request) {
  std::string text;
  int64_t request = first_request;
  for (const Truth& truth : truths) {
    const std::string id = script::id_of(request++);
    if (truth.before.empty()) continue;
    text += "{\"id\":\"" + id + "\",\"received\":" + std::to_string(truth.received) +
            ",\"read\":" + std::to_string(truth.read) + ",\"before\":[";
    int64_t previous = 0;
    for (const int64_t before : truth.before) {
      text += std::to_string(before - previous) + ',';
      previous = before;
    }
    text.back() = ']';
    text += ",\"width\":[";
    for (size_t i = 0; i < truth.before.size(); ++i) {
      text += std::to_string(truth.after[i] - truth.before[i]) + ',';
    }
    text.back() = ']';
    text += "}\n";
  }
  return text;
}
