#include "monitor/engine_names.h"

#include <doctest/doctest.h>

#include <cmath>
#include <set>

namespace tacho {
namespace {

/// The subjects of a page, which must be recognised as that engine's.
std::vector<Subject> subjects_of(std::string_view text, std::string_view engine) {
  const MetricsText page = parse_metrics_text(text);
  const EngineKind* kind = recognise_engine(page);
  REQUIRE(kind != nullptr);
  CHECK(kind->name == engine);
  return normalise(page, *kind, "http://host:8000");
}

TEST_CASE("vLLM's names, with a colon and without, become canonical ones") {
  for (const std::string prefix : {"vllm:", "vllm_"}) {
    const auto subjects = subjects_of(
        prefix + "num_requests_running{engine=\"0\",model_name=\"m\"} 3\n" + prefix +
            "kv_cache_usage_perc{engine=\"0\",model_name=\"m\"} 0.25\n" + prefix +
            "cache_config_info{engine=\"0\",block_size=\"16\",num_gpu_blocks=\"100\"} 1\n" +
            prefix +
            "request_success_total{finished_reason=\"stop\",model_name=\"m\",engine=\"0\"} 5\n" +
            prefix +
            "request_success_total{finished_reason=\"length\",model_name=\"m\",engine=\"0\"} 2\n" +
            prefix +
            "request_success_total{finished_reason=\"abort\",model_name=\"m\",engine=\"0\"} 1\n" +
            prefix +
            "time_to_first_token_seconds_bucket{le=\"0.1\",model_name=\"m\",engine=\"0\"} 4\n" +
            prefix +
            "time_to_first_token_seconds_bucket{le=\"+Inf\",model_name=\"m\",engine=\"0\"} 7\n" +
            prefix + "time_to_first_token_seconds_count{model_name=\"m\",engine=\"0\"} 7\n" +
            prefix + "time_to_first_token_seconds_sum{model_name=\"m\",engine=\"0\"} 1.5\n",
        "vllm");
    // The cache's line names no model; it is of the same subject all the same.
    REQUIRE(subjects.size() == 1);
    const Subject* subject = &subjects[0];
    CHECK(label(subject->labels, "model") == "m");
    CHECK(subject->value(quantity::engine_kv_capacity) == 1600.0);
    CHECK(subject->value(quantity::engine_running) == 3.0);
    CHECK(subject->value(quantity::engine_kv_usage) == 0.25);
    CHECK(subject->value(quantity::engine_succeeded) == 7.0);
    CHECK(subject->value(quantity::engine_failed) == 1.0);
    CHECK(subject->find(quantity::engine_waiting) == nullptr);
    const HistogramReading* ttft = subject->histogram(quantity::engine_ttft);
    REQUIRE(ttft != nullptr);
    CHECK(ttft->bounds == std::vector<double>{0.1});
    CHECK(ttft->cumulative == std::vector<double>{4.0});
    CHECK(ttft->count == 7.0);
    CHECK(ttft->sum == 1.5);
  }
}

TEST_CASE("tensor-parallel ranks are not added up, data-parallel replicas stand apart") {
  const auto subjects = subjects_of(
      "sglang:num_running_reqs{model_name=\"m\",tp_rank=\"0\",dp_rank=\"0\"} 4\n"
      "sglang:num_running_reqs{model_name=\"m\",tp_rank=\"1\",dp_rank=\"0\"} 4\n"
      "sglang:num_running_reqs{model_name=\"m\",tp_rank=\"0\",dp_rank=\"1\"} 6\n",
      "sglang");
  REQUIRE(subjects.size() == 2);
  CHECK(subjects[0].value(quantity::engine_running) == 4.0);
  CHECK(subjects[1].value(quantity::engine_running) == 6.0);
  CHECK(subjects[0].id != subjects[1].id);
}

TEST_CASE("of a replica the lowest rank counts, whatever its number") {
  const auto subjects = subjects_of(
      "sglang:num_running_reqs{model_name=\"m\",tp_rank=\"0\",pp_rank=\"0\",dp_rank=\"0\"} 4\n"
      "sglang:num_running_reqs{model_name=\"m\",tp_rank=\"0\",pp_rank=\"1\",dp_rank=\"0\"} 4\n"
      "sglang:num_running_reqs{model_name=\"m\",tp_rank=\"4\",pp_rank=\"0\",dp_rank=\"1\"} 6\n"
      "sglang:num_running_reqs{model_name=\"m\",tp_rank=\"10\",pp_rank=\"0\",dp_rank=\"1\"} 6\n",
      "sglang");
  REQUIRE(subjects.size() == 2);
  CHECK(subjects[0].value(quantity::engine_running) == 4.0);
  CHECK(subjects[1].value(quantity::engine_running) == 6.0);
}

TEST_CASE("a total is not added to its parts, nor what a name includes to that") {
  const auto sglang = subjects_of(
      "sglang:num_queue_reqs{model_name=\"m\",priority=\"\"} 5\n"
      "sglang:num_queue_reqs{model_name=\"m\",priority=\"1\"} 3\n"
      "sglang:num_queue_reqs{model_name=\"m\",priority=\"2\"} 2\n",
      "sglang");
  CHECK(sglang.front().value(quantity::engine_waiting) == 5.0);
  const auto dynamo = subjects_of(
      "dynamo_frontend_inflight_requests{model=\"m\"} 16\n"
      "dynamo_frontend_queued_requests{model=\"m\"} 6\n",
      "dynamo");
  CHECK(dynamo.front().value(quantity::engine_running) == 10.0);
  CHECK(dynamo.front().value(quantity::engine_waiting) == 6.0);
}

TEST_CASE("a share in percent becomes a ratio, milliseconds become seconds") {
  const auto mindie = subjects_of("npu_cache_usage_perc{model_name=\"m\"} 30\n", "mindie");
  CHECK(mindie.front().value(quantity::engine_kv_usage) == doctest::Approx(0.3));
  const auto triton = subjects_of(
      "nv_inference_request_success{model=\"m\"} 2\n"
      "nv_inference_first_response_histogram_ms_bucket{model=\"m\",le=\"100\"} 1\n"
      "nv_inference_first_response_histogram_ms_count{model=\"m\"} 2\n"
      "nv_inference_first_response_histogram_ms_sum{model=\"m\"} 250\n",
      "triton");
  const HistogramReading* ttft = triton.front().histogram(quantity::engine_ttft);
  REQUIRE(ttft != nullptr);
  CHECK(ttft->bounds.front() == doctest::Approx(0.1));
  CHECK(ttft->sum == doctest::Approx(0.25));
}

TEST_CASE("a page of another program is no engine's") {
  CHECK(recognise_engine(parse_metrics_text("node_cpu_seconds_total{cpu=\"0\"} 1\n")) == nullptr);
}

TEST_CASE("each quantity has one name, which says its unit and kind") {
  std::set<std::string_view> names;
  for (const Quantity* quantity : all_quantities()) {
    CHECK(names.insert(quantity->name).second);
    CHECK(quantity->name.starts_with("tacho_"));
    CHECK(quantity->name.ends_with("_total") == (quantity->kind == QuantityKind::counter));
    CHECK(quantity->help.ends_with("."));
    CHECK(find_quantity(quantity->name) == quantity);
  }
}

}  // namespace
}  // namespace tacho
