// What a step takes beside the model's own time.
#include "sim/step_cost.h"

#include <doctest/doctest.h>

namespace tacho {
namespace {

const GpuProfile& h100() {
  static const GpuProfile gpu = *find_gpu("h100");
  return gpu;
}
const ModelProfile& llama_8b() {
  static const ModelProfile model = *find_model("llama-3-8b");
  return model;
}

TEST_CASE("a burst of decodes has the GPU's time of each and the host's once") {
  const StepTime time(h100(), llama_8b(), 1);
  StepWork one = StepWork{}.add_decodes(8, 8000);
  StepWork later = StepWork{}.add_decodes(8, 8008);
  StepWork burst = one;
  burst.iterations = 2;
  const EngineProfile host;
  const double once = host.step_s + 8 * host.sequence_s;
  CHECK(to_s(time.of(burst)) ==
        doctest::Approx(to_s(time.of(one)) + to_s(time.of(later)) - once).epsilon(1e-6));
}

TEST_CASE(
    "verifying drafts costs little while memory is the bound, and as much as tokens do later") {
  const StepTime time(h100(), llama_8b(), 1);
  StepWork few = StepWork{}.add_decodes(1, 1000), many = StepWork{}.add_decodes(256, 256'000);
  const double few_s = to_s(time.of(few)), many_s = to_s(time.of(many));
  few.draft_tokens = 3;
  many.draft_tokens = 3 * 256;
  CHECK(to_s(time.of(few)) < 1.05 * few_s);
  CHECK(to_s(time.of(many)) > 1.3 * many_s);
}

TEST_CASE("a draft model takes its own decodes, one after the other") {
  const Serving serving;
  StepExtras extras;
  extras.draft_model = *find_model("qwen2.5-0.5b");
  extras.drafts = 4;
  const StepCost with = make_step_cost(h100(), llama_8b(), serving, extras);
  const StepCost without = make_step_cost(h100(), llama_8b(), serving);
  StepWork work = StepWork{}.add_decodes(2, 500);
  CHECK(with(work) == without(work));
  work.draft_tokens = 8;
  StepWork drafting = StepWork{}.add_decodes(2, 500);
  drafting.iterations = 4;
  CHECK(with(work) - without(work) == StepTime(h100(), *extras.draft_model, serving).of(drafting));
}

TEST_CASE("a LoRA adapter makes a step some per cent longer, and its loading some ms once") {
  const StepCost cost = make_step_cost(h100(), llama_8b(), {});
  StepWork work = StepWork{}.add_decodes(16, 16'000);
  const double plain = to_s(cost(work));
  work.adapters = 1;
  work.adapter_ranks = 16;
  work.adapter_tokens = 16;
  const double adapted = to_s(cost(work));
  CHECK(adapted > 1.02 * plain);
  CHECK(adapted < 1.15 * plain);
  work.adapters = 8;
  work.adapter_ranks = 8 * 16;
  CHECK(to_s(cost(work)) > adapted);
  // 41.9 million parameters at rank 16, as PEFT counts them with all linear layers.
  CHECK(16.0 * adapter_bytes_per_rank(llama_8b()) / 2.0 == doctest::Approx(41.9e6).epsilon(0.01));
  StepWork loading = work;
  loading.adapter_loads = 1;
  loading.loaded_ranks = 16;
  const double load = to_s(cost(loading) - cost(work));
  CHECK(load == doctest::Approx(1.5e-3 + 84e6 / 25e9).epsilon(0.01));
}

}  // namespace
}  // namespace tacho
