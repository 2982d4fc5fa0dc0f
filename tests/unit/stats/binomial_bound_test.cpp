// The binomial bound against MLPerf's own numbers, and what it says on either side of them.
#include "stats/binomial_bound.h"

#include <doctest/doctest.h>

#include <array>
#include <cmath>

namespace tacho {
namespace {

TEST_CASE("p99 and p90 take as many requests as MLPerf says, for each number over the limit") {
  struct Row {
    double allowed;
    std::size_t bad, needed;
  };
  constexpr std::array<Row, 10> rows{{{0.01, 0, 459},
                                      {0.01, 1, 662},
                                      {0.01, 2, 838},
                                      {0.01, 5, 1307},
                                      {0.01, 10, 2010},
                                      {0.10, 0, 44},
                                      {0.10, 1, 64},
                                      {0.10, 2, 81},
                                      {0.10, 5, 127},
                                      {0.10, 10, 197}}};
  for (const Row& row : rows) {
    CAPTURE(row.allowed);
    CAPTURE(row.bad);
    CHECK(requests_needed(row.bad, row.allowed) == row.needed);
    CHECK(judge_share(row.bad, row.needed, row.allowed) == Bound::holds);
    CHECK(judge_share(row.bad, row.needed - 1, row.allowed) == Bound::open);
  }
}

TEST_CASE("far too many over the limit fail it, and what lies between is left open") {
  CHECK(judge_share(0, 0, 0.01) == Bound::open);
  CHECK(judge_share(1, 2, 0.01) == Bound::open);
  CHECK(judge_share(10, 1000, 0.01) == Bound::open);
  CHECK(judge_share(30, 1000, 0.01) == Bound::fails);
  CHECK(judge_share(1000, 1000, 0.5) == Bound::fails);
  CHECK(judge_share(0, 1000, 0.5) == Bound::holds);
}

TEST_CASE("a long run is settled at once, too") {
  const std::size_t needed = requests_needed(900, 0.001);
  CHECK(needed > 900'000);
  CHECK(needed < 1'100'000);
  CHECK(judge_share(900, needed, 0.001) == Bound::holds);
}

}  // namespace
}  // namespace tacho
