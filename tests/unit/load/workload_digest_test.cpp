// The digest of a cell changes with all that the server can see of it, and with nothing else.
#include "load/workload_digest.h"

#include <doctest/doctest.h>

namespace tacho {
namespace {

CellPlan small_plan() {
  CellPlan plan;
  plan.prompts = {{"POST /a HTTP/1.1\r\nHost: h:1\r\n\r\n{\"one\"}", 1, 2},
                  {"POST /a HTTP/1.1\r\nHost: h:1\r\n\r\n{\"two\"}", 1, 2}};
  plan.warmup = {{0, 0, Duration(0)}};
  plan.measure = {{1, 0, Duration(5)}, {2, 1, Duration(9)}};
  return plan;
}

TEST_CASE("a seed's workload has this digest, on every machine and for ever") {
  CHECK(workload_digest(small_plan()) == "f4a94eee8da95719");
}

TEST_CASE("each part of a workload changes its digest") {
  const std::string before = workload_digest(small_plan());
  const auto changed = [&](auto change) {
    CellPlan plan = small_plan();
    change(plan);
    return workload_digest(plan) != before;
  };
  CHECK(changed([](CellPlan& p) { p.measure[1].due = Duration(10); }));
  CHECK(changed([](CellPlan& p) { p.measure[1].id = 3; }));
  CHECK(changed([](CellPlan& p) { p.measure[1].think = Duration(1); }));
  CHECK(changed([](CellPlan& p) { p.measure[1].prompt = 0; }));
  CHECK(changed([](CellPlan& p) { p.measure.pop_back(); }));
  CHECK(changed([](CellPlan& p) { p.warmup.clear(); }));
  CHECK(changed([](CellPlan& p) { p.prompts[0].request += " "; }));
  CHECK(changed([](CellPlan& p) { p.concurrency = 2; }));
  CHECK(changed([](CellPlan& p) { p.slot_starts = {Duration(0)}; }));
}

TEST_CASE("where the server is and who asks it is no part of a workload") {
  CellPlan plan = small_plan();
  for (PlannedPrompt& prompt : plan.prompts) {
    prompt.request.replace(prompt.request.find("h:1"), 3, "other:99");
  }
  CHECK(workload_digest(plan) == workload_digest(small_plan()));
}

}  // namespace
}  // namespace tacho
