// Fits to one's own runs: what another server would have measured leads back to its constants, the
// error says so, and what a run cannot say stays as it was.
#include "sim/fit_loads.h"

#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>

#include "base/file.h"
#include "base/random.h"
#include "base/text.h"

namespace tacho {
namespace {

ModelledServer server_of(const char* gpu, const char* model) {
  ModelledServer server;
  server.gpu = *find_gpu(gpu);
  server.model = *find_model(model);
  server.serving.engine = *find_engine("vllm");
  server.serving.precision = server.model.precision;
  return server;
}

/// A closed loop when `concurrency` is not 0, else five requests a second.
ServedLoad asked(std::uint32_t concurrency, std::uint32_t input, std::size_t count) {
  Random random(Seed{concurrency + input}, "fit_loads_test");
  ServedLoad load{.label = format("c={} {}", concurrency, input)};
  if (concurrency > 0) load.concurrency = concurrency;
  double at = 0.0;
  for (std::size_t i = 0; i < count; ++i) {
    ServedRequest one;
    one.input = input / 2 + static_cast<std::uint32_t>(random.below(input));
    one.output = 16 + static_cast<std::uint32_t>(random.below(48));
    one.sent_s = at;
    one.is_measured = i > 0;
    load.requests.push_back(one);
    if (concurrency == 0) at += random.exponential() / 5.0;
  }
  return load;
}

std::vector<ServedLoad> served_by(const ModelledServer& server) {
  std::vector<ServedLoad> loads;
  for (ServedLoad load :
       {asked(1, 256, 6), asked(8, 1024, 40), asked(32, 128, 96), asked(0, 512, 60)}) {
    const auto answered = replay(server, load, true);
    REQUIRE(answered.ok());
    load.requests = *answered;
    loads.push_back(std::move(load));
  }
  return loads;
}

ModelledServer other_server() {
  ModelledServer server = server_of("h100", "llama-3-8b");
  server.gpu.gemm["bf16"].compute = 0.55;
  server.gpu.gemm["bf16"].bandwidth = 0.62;
  server.serving.engine.step_s = 2e-3;
  server.serving.engine.request_s = 25e-3;
  return server;
}

void no_progress(std::size_t, std::size_t) {}

TEST_CASE("a replay on the server that answered gives its times again, open and closed") {
  const ModelledServer server = other_server();
  const auto loads = served_by(server);
  const auto errors = load_errors(server, loads);
  REQUIRE(errors.ok());
  for (const LoadError& error : errors->loads) {
    CAPTURE(error.label);
    CHECK(std::abs(error.ttft) < 1e-6);
    CHECK(std::abs(error.e2e) < 1e-6);
    CHECK(std::abs(error.throughput) < 1e-6);
  }
  CHECK(errors->loads[1].requests == 39);  // The first one was not measured.
}

TEST_CASE("a fit finds a server whose constants differ, and says the error on unseen loads") {
  const auto loads = served_by(other_server());
  ModelledServer server = server_of("h100", "llama-3-8b");
  const auto names = usual_constants(server);
  const auto fit = fit_loads(server, loads, names, run_fit_rules(), no_progress);
  REQUIRE(fit.ok());
  CHECK(fit->before.e2e.median > 0.2);
  CHECK(fit->after.e2e.median < 0.02);
  CHECK(fit->after.tpot.p90 < 0.05);
  REQUIRE(fit->unseen);
  REQUIRE(fit->unseen->loads.size() == loads.size());
  CHECK(fit->unseen->e2e.median < 0.06);
  CHECK(server.serving.engine.request_s == doctest::Approx(25e-3).epsilon(0.15));
  CHECK(server.gpu.gemm["bf16"].compute == doctest::Approx(0.55).epsilon(0.15));
  for (const SettledConstant& one : fit->constants) {
    CAPTURE(one.fitted.name.text());
    REQUIRE(one.range);
    CHECK(one.range->first <= one.range->second);
  }
}

TEST_CASE("a load that the profile describes already leaves it as it is") {
  const ModelledServer truth = server_of("h100", "llama-3-8b");
  ModelledServer server = truth;
  const auto fit = fit_loads(server, {served_by(truth).front()}, usual_constants(server),
                             run_fit_rules(), no_progress);
  REQUIRE(fit.ok());
  CHECK_FALSE(fit->unseen);
  for (const SettledConstant& one : fit->constants) {
    CHECK(one.fitted.after == doctest::Approx(one.fitted.before).epsilon(1e-3));
    CHECK_FALSE(one.range);
  }
  CHECK(fit_table(*fit).find("one load only") != std::string::npos);
}

TEST_CASE("constants: the law in use, experts where there are some, no zeros, none of the memory") {
  const auto dense = usual_constants(server_of("h100", "llama-3-8b"));
  CHECK(dense.front().text() == "h100 gemm.bf16.0");
  CHECK(dense.back().text() == "vllm prompt_token_us");
  const auto sparse = usual_constants(server_of("h100", "gpt-oss-120b"));
  CHECK(std::find(sparse.begin(), sparse.end(), ConstantName{"h100", "moe.fp4.1"}) != sparse.end());
  CHECK(sparse.front().text() == "h100 gemm.bf16.0");
  ModelledServer sglang = server_of("h100", "llama-3-8b");
  sglang.serving.engine = *find_engine("sglang");
  const auto names = usual_constants(sglang);
  CHECK(names.front().text() == "h100 gemm.sglang/bf16.0");
  CHECK(names.back().text() == "sglang request_ms");  // Its prompt_token_us is 0.
  CHECK(parse_constant(sglang, "gemm.sglang/bf16.1").ok());
  CHECK_FALSE(parse_constant(sglang, "prompt_token_us").ok());
  CHECK_FALSE(parse_constant(sglang, "memory_share").ok());
  CHECK(parse_constant(sglang, "step").error().message.find("step_ms") != std::string::npos);
}

TEST_CASE("what was in the server's cache is not computed again") {
  const ModelledServer server = server_of("h100", "llama-3-8b");
  ServedLoad load{.label = "one", .requests = {{.input = 4096, .output = 2}}};
  const auto whole = replay(server, load, false);
  load.requests.front().cached = 4000;
  const auto cached = replay(server, load, false);
  REQUIRE((whole.ok() && cached.ok()));
  CHECK(cached->front().ttft_s() < 0.2 * whole->front().ttft_s());
  load.requests.front().input = 4'000'000'000;
  const auto refused = replay(server, load, false);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().message.find("does not fit into the cache") != std::string::npos);
}

TEST_CASE("the file that a fit writes is read back as the profiles that were fitted") {
  ModelledServer server = server_of("h100", "llama-3-8b");
  const auto fit = fit_loads(server, {served_by(other_server())[2]}, usual_constants(server),
                             run_fit_rules(), no_progress);
  REQUIRE(fit.ok());
  const auto profiles = fitted_profiles("h100", "vllm", server, *fit, "a test");
  REQUIRE(profiles.ok());
  const std::string path = std::filesystem::temp_directory_path() / "tacho-fit-test.json";
  REQUIRE(write_file(path, dump_json(*profiles)).ok());
  const auto gpu = find_gpu(path);
  const auto engine = find_engine(path);
  REQUIRE((gpu.ok() && engine.ok()));
  const OperatorLaw law = gpu->gemm.at("bf16"), was = server.gpu.gemm.at("bf16");
  CHECK(law.compute == doctest::Approx(was.compute).epsilon(1e-4));
  CHECK(law.bandwidth == doctest::Approx(was.bandwidth).epsilon(1e-4));
  CHECK(law.t0_s == doctest::Approx(was.t0_s));
  CHECK(engine->request_s == doctest::Approx(server.serving.engine.request_s).epsilon(1e-4));
  CHECK(engine->kernel_s == server.serving.engine.kernel_s);
  CHECK(gpu->source == "a test");
  CHECK(gpu->priors.at("gemm.bf16.0") == doctest::Approx(fit->constants[0].fitted.before));
  // A fit to a fitted profile starts from the file.
  const auto again = fitted_profiles(path, path, server, *fit, "another");
  REQUIRE(again.ok());
  CHECK((*again)["gpu"]["memory_gb"] == 80);
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace tacho
