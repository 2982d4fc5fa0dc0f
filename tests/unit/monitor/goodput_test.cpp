// The share of requests that were served well: what buckets can say of it, and what they cannot.
#include "monitor/goodput.h"

#include <doctest/doctest.h>

namespace tacho {
namespace {

const HistogramGain ttft{{0.1, 0.5, 1.0}, {40.0, 90.0, 100.0}, 100.0, 30.0};
const HistogramGain tpot{{0.02, 0.04}, {60.0, 80.0}, 100.0, 3.0};

TEST_CASE("a share is exact at a bucket's bound, and between its neighbours elsewhere") {
  CHECK(share_within(ttft, 0.5)->low == doctest::Approx(0.9));
  CHECK(share_within(ttft, 0.5)->high == doctest::Approx(0.9));
  CHECK(share_within(ttft, 0.3)->low == doctest::Approx(0.4));
  CHECK(share_within(ttft, 0.3)->high == doctest::Approx(0.9));
  CHECK(share_within(ttft, 0.05)->low == 0.0);
  CHECK(share_within(ttft, 0.05)->high == doctest::Approx(0.4));
  // Above the last bound nothing more is known.
  CHECK(share_within(tpot, 9.0)->low == doctest::Approx(0.8));
  CHECK(share_within(tpot, 9.0)->high == 1.0);
  CHECK_FALSE(share_within({{1.0}, {0.0}, 0.0, 0.0}, 1.0));
}

TEST_CASE("goodput: both times and success, as little and as much as the three allow") {
  const auto share = goodput_share(ttft, tpot, 1.0, {0.5, 0.04});
  REQUIRE(share);
  CHECK(share->low == doctest::Approx(0.7));   // 0.9 + 0.8 - 1
  CHECK(share->high == doctest::Approx(0.8));  // No more than the worse of the two.
  CHECK(goodput_share(ttft, tpot, 0.5, {0.5, 0.04})->low == doctest::Approx(0.2));
  CHECK(goodput_share(ttft, tpot, 0.5, {0.5, 0.04})->high == doctest::Approx(0.5));
  CHECK(goodput_share(ttft, tpot, 0.1, {0.5, 0.04})->low == 0.0);
}

TEST_CASE("goodput: an engine without one of the times is judged by the other; without both, not") {
  CHECK(goodput_share(ttft, std::nullopt, 1.0, {0.5, 0.04})->low == doctest::Approx(0.9));
  CHECK_FALSE(goodput_share(std::nullopt, std::nullopt, 1.0, {}));
}

}  // namespace
}  // namespace tacho
