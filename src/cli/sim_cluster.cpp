#include "cli/sim_cluster.h"

#include <algorithm>
#include <charconv>

#include "base/text.h"

namespace tacho {
namespace {

/// Two whole numbers of at least 1 with a colon between them.
Result<std::pair<std::uint32_t, std::uint32_t>> parse_pair(std::string_view flag,
                                                           std::string_view text,
                                                           std::string_view shape) {
  std::uint32_t values[2] = {0, 0};
  const auto colon = text.find(':');
  bool is_good = colon != std::string_view::npos;
  for (int i = 0; is_good && i < 2; ++i) {
    const std::string_view part = i == 0 ? text.substr(0, colon) : text.substr(colon + 1);
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), values[i]);
    is_good = error == std::errc() && end == part.data() + part.size() && values[i] > 0 &&
              values[i] <= 4096;
  }
  if (!is_good) {
    return input_error(format("{} is {}, two numbers from 1 to 4096, not '{}'", flag, shape, text));
  }
  return std::pair(values[0], values[1]);
}

Status read_scaling(const ClusterFlags& f, ClusterOptions& cluster) {
  if (f.autoscale.empty()) return Nothing{};
  auto range = parse_pair("--autoscale", f.autoscale, "MIN:MAX");
  if (!range) return range.error();
  AutoscaleOptions& scale = cluster.autoscale;
  std::tie(scale.least, scale.most) = *range;
  if (scale.least > scale.most) {
    return input_error(format("--autoscale {}: the first number is the smaller one", f.autoscale));
  }
  if (f.replicas > 1) {
    return input_error("--autoscale says how many replicas there are: leave --replicas out");
  }
  if (f.scale_waiting < 0 || f.scale_kv <= 0 || f.scale_kv > 1) {
    return input_error("--scale-waiting is at least 0, --scale-kv above 0 and at most 1");
  }
  if (f.scale_window_s < 1 || f.scale_idle_s < 1) {
    return input_error("--scale-window and --scale-idle are at least 1 s, a reading's interval");
  }
  scale.start_time = from_s(f.start_s);
  scale.window = from_s(f.scale_window_s);
  scale.idle_window = from_s(f.scale_idle_s);
  scale.waiting = f.scale_waiting;
  scale.kv_share = f.scale_kv;
  return Nothing{};
}

Status read_disaggregation(const ClusterFlags& f, ClusterOptions& cluster) {
  if (f.disaggregate.empty()) return Nothing{};
  auto pair = parse_pair("--disaggregate", f.disaggregate, "PREFILL:DECODE");
  if (!pair) return pair.error();
  if (f.replicas > 1 || cluster.scales()) {
    return input_error(
        "--disaggregate says how many replicas there are: leave --replicas and --autoscale out");
  }
  if (f.link_gb_s <= 0) return input_error("--link-gb-s must be more than 0");
  cluster.prefill_replicas = pair->first;
  cluster.replicas = pair->first + pair->second;
  cluster.link.setup = from_s(f.link_setup_s);
  cluster.link.bytes_per_s = f.link_gb_s * 1e9;
  return Nothing{};
}

Status read_adapters(const ClusterFlags& f, SimOptions& options) {
  for (const std::string& text : f.adapters) {
    const auto colon = text.rfind(':');
    SimOptions::Adapter adapter{text.substr(0, colon), 16};
    if (colon != std::string::npos) {
      const std::string rank = text.substr(colon + 1);
      const auto [end, error] =
          std::from_chars(rank.data(), rank.data() + rank.size(), adapter.rank);
      if (error != std::errc() || end != rank.data() + rank.size() || adapter.rank == 0 ||
          adapter.rank > 4096) {
        return input_error(format("--lora {}: the rank is a number from 1 to 4096", text));
      }
    }
    const bool is_known =
        std::any_of(options.adapters.begin(), options.adapters.end(),
                    [&](const auto& other) { return other.name == adapter.name; });
    if (adapter.name.empty() || is_known) {
      return input_error(format("--lora {}: adapters have names, and each its own", text));
    }
    options.adapters.push_back(std::move(adapter));
  }
  return Nothing{};
}

Status read_steps(const ClusterFlags& f, SimOptions& options) {
  if (f.speculative > 0 && f.multi_step > 1) {
    return input_error("--speculative and --multi-step exclude each other");
  }
  if (!(f.acceptance >= 0.0 && f.acceptance <= 1.0)) {
    return input_error("--acceptance is a probability from 0 to 1");
  }
  if (!f.draft_model.empty() && f.speculative == 0) {
    return input_error("--draft-model needs --speculative: how many tokens it drafts");
  }
  options.engine.multi_step = f.multi_step;
  options.engine.speculative = f.speculative;
  options.engine.acceptance = f.acceptance;
  options.engine.max_loras = f.max_loras;
  options.extras.drafts = f.speculative;
  if (f.draft_model.empty()) return Nothing{};
  auto draft = find_model(f.draft_model);
  if (!draft) return draft.error();
  options.extras.draft_model = std::move(*draft);
  return Nothing{};
}

void add_scaling_flags(FlagTable& t, ClusterFlags& f) {
  t.text({"--autoscale"}, "MIN:MAX", f.autoscale,
         "Add and take away replicas by what is waiting and by what the caches hold, read every "
         "second.");
  t.duration({"--start-time"}, f.start_s,
             "From the decision for one more replica to its first request. [default: 40s]");
  t.duration({"--scale-window"}, f.scale_window_s,
             "Means over this time decide; after a decision it begins anew. [default: 10s]");
  t.number({"--scale-waiting"}, "N", f.scale_waiting,
           "One more above this many waiting requests a replica. [default: 1]");
  t.number({"--scale-kv"}, "SHARE", f.scale_kv,
           "One more above this share of the caches in use. [default: 0.9]");
  t.duration({"--scale-idle"}, f.scale_idle_s,
             "One less after this time without anybody waiting, if the others' caches are less "
             "than half of --scale-kv full. [default: 60s]");
}

}  // namespace

void add_cluster_flags(FlagTable& t, ClusterFlags& f) {
  t.group("Replicas");
  t.integer({"--replicas", "--data-parallel-size", "--dp"}, "N", f.replicas,
            "Engines behind the one port, each with GPUs, a scheduler and a cache of its own. "
            "[default: 1]",
            1, 4096);
  t.text({"--router"}, "POLICY", f.router,
         "Which of them a request goes to: round-robin, random, least-loaded, power-of-two, "
         "prefix-affinity, joined-queue. [default: round-robin]");
  t.duration({"--stagger"}, f.stagger_s,
             "Let their steps begin apart: replicas that wake up take turns within this time. "
             "[default: 0]");
  add_scaling_flags(t, f);
  t.text({"--disaggregate"}, "P:D", f.disaggregate,
         "P replicas read prompts and emit the first token, D others answer; the cache goes over a "
         "link.");
  t.number({"--link-gb-s"}, "GB/S", f.link_gb_s,
           "With --disaggregate: the link out of each replica. [default: 50]");
  t.duration({"--link-setup"}, f.link_setup_s,
             "With --disaggregate: time before the first byte. [default: 1ms]");
  t.group("Tokens of a step");
  t.integer({"--multi-step", "--num-scheduler-steps"}, "K", f.multi_step,
            "Steps that only decode yield K tokens at once. [default: 1]", 1, 1024);
  t.integer({"--speculative", "--num-speculative-tokens"}, "K", f.speculative,
            "Draft K tokens for each decode; those that are accepted come together. [default: 0]",
            0, 64);
  t.number({"--acceptance"}, "P", f.acceptance,
           "Probability that a drafted token is accepted, when those before it were. "
           "[default: 0.7]");
  t.text({"--draft-model"}, "MODEL", f.draft_model,
         "Who drafts. [default: an n-gram of the prompt, which costs nothing]");
  t.gather({"--lora", "--lora-modules"}, "NAME[:RANK]", f.adapters,
           "LoRA adapters, models of their own on the API; the rank is 16 where none is given.");
  t.integer({"--max-loras"}, "N", f.max_loras, "Different adapters in a step. [default: 1]", 1,
            4096);
  t.toggle({"--no-request-overhead"}, f.has_request_overhead,
           "Requests reach the scheduler at once, without the engine's time for HTTP, tokens and "
           "hand-overs.",
           false);
}

Status read_cluster(const ClusterFlags& f, SimOptions& options) {
  ClusterOptions& cluster = options.cluster;
  cluster.replicas = f.replicas;
  auto router = parse_router(f.router);
  if (!router) return router.error();
  cluster.router = *router;
  cluster.stagger = from_s(f.stagger_s);
  if (auto status = read_scaling(f, cluster); !status) return status;
  if (auto status = read_disaggregation(f, cluster); !status) return status;
  if (auto status = read_adapters(f, options); !status) return status;
  if (auto status = read_steps(f, options); !status) return status;
  if (options.fixed && (cluster.replicas_max() > 1 || options.engine.multi_step > 1 ||
                        options.engine.speculative > 0 || !options.adapters.empty())) {
    return input_error("--timing fixed has no replicas, bursts, drafts and adapters");
  }
  if (!f.has_request_overhead) return Nothing{};
  cluster.plans_ahead = options.serving.engine.plans_ahead;
  cluster.handover =
      [time = StepTime(options.gpu, options.model, options.serving)](const Sequence& sequence) {
        return time.request_overhead(sequence.input_tokens);
      };
  return Nothing{};
}

}  // namespace tacho
