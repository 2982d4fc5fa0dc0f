// Time as a strong type: integer nanoseconds on the monotonic clock. Code never asks the machine
// what time it is; a Loop hands its clock down, so that everything also runs in a virtual world.
#pragma once

#include <chrono>
#include <cstdint>

namespace tacho {

/// A span of time, integer nanoseconds.
using Duration = std::chrono::nanoseconds;

/// Tag of the monotonic clock (CLOCK_MONOTONIC, or the virtual world's). It cannot be read through
/// this type.
struct MonotonicTag {
  using rep = std::int64_t;
  using period = std::nano;
  using duration = Duration;
  using time_point = std::chrono::time_point<MonotonicTag>;
  static constexpr bool is_steady = true;
};

/// A point in time on the monotonic clock.
using Instant = std::chrono::time_point<MonotonicTag, Duration>;

/// The value of an Instant that has not happened.
inline constexpr Instant never = Instant::min();

/// True when the instant has happened.
constexpr bool happened(Instant instant) { return instant != never; }

/// The instant `ns` nanoseconds after the clock's own zero.
constexpr Instant instant_from_ns(std::int64_t ns) { return Instant(Duration(ns)); }

/// Nanoseconds since the clock's own zero.
constexpr std::int64_t to_ns(Instant instant) { return instant.time_since_epoch().count(); }

/// A duration in seconds, as a real number.
constexpr double to_s(Duration duration) { return static_cast<double>(duration.count()) / 1e9; }

/// A duration in milliseconds, as a real number.
constexpr double to_ms(Duration duration) { return static_cast<double>(duration.count()) / 1e6; }

/// The duration nearest to `seconds`; at most 126 years, either way.
Duration from_s(double seconds);

/// Reads CLOCK_MONOTONIC of this machine. For loops and tools that own their thread's clock.
Instant monotonic_now();

/// Processor time that the calling thread has used.
Duration thread_cpu_time();

/// Reads the wall clock, nanoseconds since 1970 UTC. For the manifest only.
std::int64_t wall_clock_ns();

}  // namespace tacho
