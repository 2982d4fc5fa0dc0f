// A plan is a claim that can be checked without a GPU: the command lines that serve one replica of
// its first choice and put that replica's share of the load on it, and what they should measure.
#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "cli/capacity.h"

namespace tacho {
namespace {

constexpr std::uint32_t check_port = 8123;

/// What was typed for a profile: an id, or the file that it came from.
std::string typed_gpu(const CapacityFlags& flags, const PlanQuestion& question,
                      const PlanChoice& choice) {
  const auto place = static_cast<std::size_t>(choice.gpu - question.grid.gpus.data());
  return place < flags.gpus.size() ? flags.gpus[place] : choice.gpu->id;
}

std::string sim_command_line(const CapacityFlags& f, const PlanQuestion& question,
                             const PlanChoice& choice) {
  std::string line =
      format("tacho sim --gpu {} --model {} --precision {}", typed_gpu(f, question, choice),
             f.model, to_text(choice.serving.precision));
  if (choice.serving.tensor_parallel > 1)
    line += format(" --tp {}", choice.serving.tensor_parallel);
  if (f.engine != "vllm") line += " --engine " + f.engine;
  if (f.kv_precision != "auto") line += " --kv-precision " + f.kv_precision;
  if (f.is_eager) line += " --eager";
  if (f.batching != "vllm") line += " --batching " + f.batching;
  if (!f.has_chunked_prefill) line += " --no-chunked-prefill";
  if (f.num_gpu_blocks > 0) line += format(" --num-gpu-blocks {}", f.num_gpu_blocks);
  return line +
         format(" --max-num-seqs {} --max-num-batched-tokens {} --no-prefix-caching --port {}",
                choice.engine.max_num_seqs, choice.engine.max_num_batched_tokens, check_port);
}

bool is_of_one_length(const PlanLoad& load) { return load.lengths.size() == 1; }

std::string bench_command_line(const CapacityFlags& f, const PlanQuestion& question,
                               const PlanChoice& choice, std::size_t requests) {
  const PlanLoad& load = question.load;
  std::string line = format("tacho bench --url http://127.0.0.1:{}", check_port);
  if (load.users > 0) {
    const std::uint32_t users = (load.users + choice.replicas - 1) / choice.replicas;
    line += format(" --users {} --num-prompts {}", users, requests);
    if (load.think_s > 0.0)
      line += format(" --think-time {:g}s --spawn-rate {:.6g}", load.think_s, users / load.think_s);
  } else if (is_of_one_length(load)) {
    line += format(" --request-rate {:.6g}", load.rate / choice.replicas);
    // The gaps at one of n replicas that take turns are gamma-distributed of shape n.
    if (choice.replicas > 1) line += format(" --burstiness {}", choice.replicas);
    line += format(" --num-prompts {}", requests);
  } else {
    return f.share_out.empty() ? "" : line + format(" --dataset {} --fixed-schedule", f.share_out);
  }
  if (is_of_one_length(load)) {
    line += format(" --input-tokens {} --output-tokens {}", load.lengths.front().input,
                   load.lengths.front().output);
  } else if (f.dataset.empty()) {
    return "";
  } else {
    line += format(" --dataset {} --ignore-eos", f.dataset);
  }
  return line + format(" --seed {}", question.limits.seed);
}

}  // namespace

LiveCheck live_check(const CapacityFlags& f, const PlanQuestion& question,
                     const PlanChoice& choice) {
  LiveCheck check;
  const double rate = choice.figures.requests_per_s;
  check.requests =
      f.check_requests > 0
          ? f.check_requests
          : static_cast<std::size_t>(std::clamp(std::ceil(rate * 60.0), 200.0, 1000.0));
  check.sim = sim_command_line(f, question, choice);
  check.bench = bench_command_line(f, question, choice, check.requests);
  check.expected = expect_run(question, choice, check.requests);
  return check;
}

}  // namespace tacho
