#include "base/time.h"

#include <time.h>

#include <algorithm>
#include <cmath>

namespace tacho {
namespace {

std::int64_t read_clock_ns(clockid_t id) {
  timespec spec{};
  clock_gettime(id, &spec);
  return std::int64_t{spec.tv_sec} * 1'000'000'000 + spec.tv_nsec;
}

}  // namespace

Duration from_s(double seconds) {
  constexpr double ns_max = 4e18;  // 126 years, and an instant can still be added to it.
  return Duration(std::llround(std::clamp(seconds * 1e9, -ns_max, ns_max)));
}

Instant monotonic_now() { return instant_from_ns(read_clock_ns(CLOCK_MONOTONIC)); }

Duration thread_cpu_time() { return Duration(read_clock_ns(CLOCK_THREAD_CPUTIME_ID)); }

std::int64_t wall_clock_ns() { return read_clock_ns(CLOCK_REALTIME); }

}  // namespace tacho
