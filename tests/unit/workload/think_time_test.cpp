// Users who think: the laws, and what is said of them.
#include "workload/think_time.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

using namespace std::chrono_literals;

namespace tacho {
namespace {

double mean(const std::vector<Duration>& times) {
  double sum = 0.0;
  for (const Duration time : times) sum += to_s(time);
  return sum / static_cast<double>(times.size());
}

TEST_CASE("think times keep their law, and fewer are a prefix of more") {
  constexpr std::size_t count = 100'000;
  const ThinkTime constant{ThinkTime::Law::constant, 2.0, 2.0};
  CHECK(think_times(constant, 3, Seed{1}) == std::vector<Duration>(3, 2s));

  const ThinkTime range{ThinkTime::Law::uniform, 1.0, 3.0};
  const auto uniform = think_times(range, count, Seed{1});
  CHECK(*std::min_element(uniform.begin(), uniform.end()) >= 1s);
  CHECK(*std::max_element(uniform.begin(), uniform.end()) <= 3s);
  // Five standard errors: a uniform law's deviation is its width through sqrt(12).
  CHECK(std::abs(mean(uniform) - 2.0) < 5.0 * 2.0 / std::sqrt(12.0 * count));

  const ThinkTime exponential{ThinkTime::Law::exponential, 2.0, 0.0};
  const auto times = think_times(exponential, count, Seed{1});
  CHECK(std::abs(mean(times) - 2.0) < 5.0 * 2.0 / std::sqrt(1.0 * count));
  const auto head = think_times(exponential, 10, Seed{1});
  CHECK(std::equal(head.begin(), head.end(), times.begin()));
  CHECK(think_times(exponential, 10, Seed{2}) != head);
  for (const auto& [think, expected] :
       {std::pair{constant, 2.0}, {range, 2.0}, {exponential, 2.0}, {ThinkTime{}, 0.0}}) {
    CHECK(mean_s(think) == expected);
  }
}

TEST_CASE("think times have words, and none has none") {
  CHECK(think_words({}) == "");
  CHECK(think_words({ThinkTime::Law::constant, 2.0, 2.0}) == "think 2 s");
  CHECK(think_words({ThinkTime::Law::uniform, 1.0, 3.5}) == "think 1 to 3.5 s");
  CHECK(think_words({ThinkTime::Law::exponential, 2.0, 0.0}) ==
        "think 2 s on average (exponential)");
}

}  // namespace
}  // namespace tacho
