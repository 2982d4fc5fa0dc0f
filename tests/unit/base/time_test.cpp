// Time is a strong type, and going through seconds loses nothing that was there.
#include "base/time.h"

#include <doctest/doctest.h>

using namespace std::chrono_literals;

namespace tacho {
namespace {

TEST_CASE("an instant that has not happened is before every other") {
  CHECK_FALSE(happened(never));
  CHECK(happened(instant_from_ns(0)));
  CHECK(never < instant_from_ns(-1));
}

TEST_CASE("instants and nanoseconds are the same thing") {
  CHECK(to_ns(instant_from_ns(123)) == 123);
  CHECK(instant_from_ns(5'000) - instant_from_ns(2'000) == 3us);
}

TEST_CASE("seconds are rounded to the nearest nanosecond") {
  CHECK(from_s(1.5) == 1500ms);
  CHECK(from_s(0.1) == 100ms);
  CHECK(from_s(-0.25) == -250ms);
  CHECK(from_s(1e-9 / 3.0) == 0ns);
  CHECK(to_s(2500ms) == 2.5);
  CHECK(to_ms(1us) == 0.001);
}

TEST_CASE("the monotonic clock does not go back, and the wall clock is in this century") {
  const Instant first = monotonic_now();
  CHECK(monotonic_now() >= first);
  CHECK(wall_clock_ns() > 1'600'000'000'000'000'000);
}

}  // namespace
}  // namespace tacho
