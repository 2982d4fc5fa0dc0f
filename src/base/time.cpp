#include "base/time.h"

#include <time.h>

#include <cmath>

namespace tacho {
namespace {

std::int64_t read_clock_ns(clockid_t id) {
  timespec spec{};
  clock_gettime(id, &spec);
  return std::int64_t{spec.tv_sec} * 1'000'000'000 + spec.tv_nsec;
}

}  // namespace

Duration from_s(double seconds) { return Duration(std::llround(seconds * 1e9)); }

Instant monotonic_now() { return instant_from_ns(read_clock_ns(CLOCK_MONOTONIC)); }

std::int64_t wall_clock_ns() { return read_clock_ns(CLOCK_REALTIME); }

}  // namespace tacho
