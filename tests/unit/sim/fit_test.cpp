// Fits: constants that were changed on purpose are found back, and a family that is left out is
// not looked at.
#include "sim/fit.h"

#include <doctest/doctest.h>

#include <cmath>

namespace tacho {
namespace {

MeasuredPoint point_of(const char* gpu, std::uint32_t input, std::uint32_t concurrency) {
  const PointRow row{{"model", "llama-3-8b"}, {"gpu", gpu},
                     {"engine", "vllm"},      {"precision", "bf16"},
                     {"tp_size", "1"},        {"isl", std::to_string(input)},
                     {"osl", "64"},           {"concurrency", std::to_string(concurrency)},
                     {"ttft_ms", "1"},        {"tpot_ms", "1"}};
  auto point = read_point(row, {});
  REQUIRE(point.ok());
  return *point;
}

/// Points as a server with other constants would have been measured.
std::vector<MeasuredPoint> measured_with(double step_ms, double request_ms) {
  std::vector<MeasuredPoint> points;
  for (const char* gpu : {"h100", "a100"}) {
    for (const std::uint32_t concurrency : {1u, 4u, 16u}) {
      MeasuredPoint point = point_of(gpu, 512, concurrency);
      MeasuredPoint truth = point;
      truth.serving.engine.step_s = step_ms * 1e-3;
      truth.serving.engine.request_s = request_ms * 1e-3;
      const PointFigures figures = simulate(truth, 4);
      point.ttft_ms = figures.ttft_ms;
      point.tpot_ms = figures.tpot_ms;
      point.gpu.fitted.clear();
      point.serving.engine.fitted = {"step_ms", "request_ms"};
      point.serving.engine.priors = {{"step_ms", 1.5}, {"request_ms", 15.0}};
      points.push_back(std::move(point));
    }
  }
  return points;
}

TEST_CASE("constants are found by their names in the files, and know their units and bounds") {
  EngineProfile engine;
  REQUIRE(find_constant(engine, "step_ms") == &engine.step_s);
  for (const auto& name : engine_constants()) CHECK(find_constant(engine, name) != nullptr);
  GpuProfile gpu = *find_gpu("h100");
  REQUIRE(find_constant(gpu, "gemm.fp8.0") == &gpu.gemm["fp8"].compute);
  CHECK(find_constant(gpu, "gemm.trtllm/fp8-block.1") == &gpu.gemm["trtllm/fp8-block"].bandwidth);
  CHECK(find_constant(gpu, "gemm.fp9.0") == nullptr);
  CHECK(find_constant(gpu, "efficiency") == &gpu.efficiency);
  CHECK(constant_unit("step_ms") == 1e-3);
  CHECK(constant_unit("gemm.fp8.2") == 1e-6);
  CHECK(constant_max("gemm.fp8.0") == 1.0);
  CHECK(constant_max("step_ms") > 1e300);
}

TEST_CASE("every constant that a profile names as fitted is there, and has a value from before") {
  for (EngineProfile engine : engine_profiles()) {
    for (const auto& name : engine.fitted) {
      CAPTURE(engine.id + " " + name);
      CHECK(find_constant(engine, name) != nullptr);
      CHECK(engine.priors.contains(name));
    }
  }
  for (GpuProfile gpu : gpu_profiles()) {
    for (const auto& name : gpu.fitted) {
      CAPTURE(gpu.id + " " + name);
      CHECK(find_constant(gpu, name) != nullptr);
      CHECK(gpu.priors.contains(name));
    }
  }
}

TEST_CASE("least squares: a line through points, one of them far off") {
  const Residuals residuals = [](const std::vector<double>& factors) {
    std::vector<double> all;
    for (const double x : {1.0, 2.0, 4.0, 8.0})
      all.push_back(std::log((3.0 * factors[0] + factors[1] * x) / (2.0 + 5.0 * x)));
    all.push_back(3.0);  // Whatever the constants are.
    return all;
  };
  const double none = 1e300;
  const auto factors = fit_factors({none, none}, residuals, FitRules{.rounds = 30, .prior = 100.0});
  CHECK(3.0 * factors[0] == doctest::Approx(2.0).epsilon(0.01));
  CHECK(factors[1] == doctest::Approx(5.0).epsilon(0.01));
  const auto bounded = fit_factors({none, 4.0}, residuals, FitRules{.rounds = 30, .prior = 100.0});
  CHECK(bounded[1] <= 4.0 + 1e-9);
}

TEST_CASE("constants that were changed on purpose are found back") {
  std::vector<MeasuredPoint> points = measured_with(2.4, 30.0);
  const auto fitted =
      fit_constants(points, fitted_constants(points), 4, FitRules{.rounds = 10, .prior = 10.0});
  REQUIRE(fitted.size() == 2);
  CHECK(fitted[0].name.text() == "vllm step_ms");
  CHECK(fitted[0].after * 1e3 == doctest::Approx(2.4).epsilon(0.03));
  CHECK(fitted[1].after * 1e3 == doctest::Approx(30.0).epsilon(0.03));
}

TEST_CASE("a family that is left out is simulated with what the others say") {
  std::vector<MeasuredPoint> points = measured_with(2.4, 30.0);
  // The second family is measured wrongly; the first must not be fitted to it, but is seen by it.
  for (std::size_t i = 3; i < points.size(); ++i) points[i].tpot_ms *= 1.5;
  const Validation unseen =
      validate_left_out(points, 4, FitRules{.rounds = 10, .prior = 10.0}, [](std::size_t) {});
  REQUIRE(unseen.families.size() == 3);
  CHECK(unseen.families[1].tpot.bias < -0.25);
  CHECK(unseen.families[0].tpot.bias > 0.1);
  const std::string table = left_out_table(unseen, unseen);
  CHECK(table.find("left out") != std::string::npos);
}

TEST_CASE("known settings: batch waiting at 1024/1024 below 8 GPUs, one prompt a step, SGLang") {
  PointRow row{{"model", "llama-3.1-70b"},
               {"gpu", "h200"},
               {"engine", "trtllm"},
               {"precision", "fp8"},
               {"tp_size", "4"},
               {"isl", "1024"},
               {"osl", "1024"},
               {"concurrency", "16"},
               {"len_rule", "uniform[0.8L,L]"},
               {"ttft_ms", "1"},
               {"tpot_ms", "1"}};
  CHECK(read_point(row, {})->engine.batch_wait_steps == 20);
  row["tp_size"] = "8";
  CHECK(read_point(row, {})->engine.batch_wait_steps == 0);
  row["len_rule"] = "fixed";
  CHECK(read_point(row, {})->engine.max_num_batched_tokens == 1024 + 16);
  row["engine"] = "sglang";
  CHECK(read_point(row, {})->engine.policy == BatchPolicy::sglang);
}

}  // namespace
}  // namespace tacho
