// --slo as people type it.
#include "cli/slo_flags.h"

#include <doctest/doctest.h>

namespace tacho {
namespace {

TEST_CASE("bounds are read with and without spaces and units") {
  for (const auto& [typed, meant] : std::initializer_list<std::pair<const char*, const char*>>{
           {"p99 ttft < 200", "p99 ttft_ms <= 200"},
           {"P99 TTFT<=200ms", "p99 ttft_ms <= 200"},
           {"p99.9 e2e < 3s", "p99.9 e2e_ms <= 3000"},
           {"p50 tpot:20", "p50 tpot_ms <= 20"},
           {" p90  ttft_from_due_ms <= 0.5 s ", "p90 ttft_from_due_ms <= 500"},
           {"error_rate < 1%", "error_rate <= 1 %"},
           {"error_rate<=0.001", "error_rate <= 0.1 %"},
           {"goodput >= 95 %", "goodput >= 95 %"}}) {
    CAPTURE(typed);
    const auto slo = parse_cell_slo(typed);
    REQUIRE(slo.ok());
    CHECK(slo_text(*slo) == meant);
  }
}

TEST_CASE("what is no bound is refused with an example of one") {
  for (const char* typed :
       {"", "p99", "p99 ttft", "p99 ttft <", "p99 ttft > 200", "p0 ttft < 1", "p100 ttft < 1",
        "px ttft < 1", "p99 speed < 1", "p99 ttft < fast", "p99 ttft < -1", "p99ttft<5",
        "error_rate < 100%", "error_rate > 1%", "error_rate < 0", "goodput < 95%",
        "goodput >= 100%", "mean ttft < 5", "itl < 5"}) {
    CAPTURE(typed);
    const auto slo = parse_cell_slo(typed);
    REQUIRE_FALSE(slo.ok());
    CHECK(slo.error().message.find("p99 ttft < 200") != std::string::npos);
  }
}

TEST_CASE("a bound without a percentile is one on each request") {
  BenchOptions options;
  options.goodput = {"ttft:100"};
  options.slos = {"tpot:50", "p99 ttft < 200"};
  options.error_budget = "2%";
  BenchPlan plan;
  REQUIRE(plan_slos(options, plan).ok());
  REQUIRE(plan.slos.size() == 2);
  CHECK(plan.slos[1].metric == "tpot_ms");
  REQUIRE(plan.cell_slos.size() == 1);
  CHECK(plan.error_budget == doctest::Approx(0.02));
  options.error_budget = "many";
  CHECK_FALSE(plan_slos(options, plan).ok());
}

}  // namespace
}  // namespace tacho
