#include "sim/planner_tables.h"

#include <algorithm>
#include <atomic>
#include <thread>

#include "base/text.h"

namespace tacho {
namespace {

std::string_view name_of(PlanChoice::State state) {
  switch (state) {
    case PlanChoice::State::holds:
      return "holds";
    case PlanChoice::State::no_room:
      return "no room";
    case PlanChoice::State::too_slow:
      return "too slow";
    case PlanChoice::State::overloaded:
      return "overloaded";
  }
  return "";
}

/// The first choice of each GPU.
std::vector<const PlanChoice*> one_of_each_gpu(const std::vector<const PlanChoice*>& choices) {
  std::vector<const PlanChoice*> ones;
  std::set<std::string> seen;
  for (const PlanChoice* choice : choices) {
    if (seen.insert(choice->gpu->id).second) ones.push_back(choice);
  }
  return ones;
}

}  // namespace

std::string aligned(const std::vector<TableRow>& rows, const std::set<std::size_t>& words) {
  std::vector<std::size_t> widths(rows.front().size(), 0);
  for (const TableRow& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], display_width(row[i]));
  }
  std::string text;
  for (const TableRow& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string space(widths[i] - display_width(row[i]), ' ');
      line += (i == 0 ? " " : "  ") + (words.count(i) > 0 ? row[i] + space : space + row[i]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

std::string figure_pair(double first, double second) {
  return format("{} / {}", format_significant(first, 3), format_significant(second, 3));
}

std::string percent_text(double share) { return format("{:.3g}", share * 100.0); }

std::string lengths_text(const PlanLoad& load) {
  const auto same = [&](const PlanLengths& length) {
    return length.input == load.lengths.front().input &&
           length.output == load.lengths.front().output;
  };
  if (std::all_of(load.lengths.begin(), load.lengths.end(), same))
    return format("{} → {} tokens", load.lengths.front().input, load.lengths.front().output);
  return format("{} lengths, {:.0f} → {:.0f} tokens in the mean",
                grouped(static_cast<double>(load.lengths.size())), load.input_mean(),
                load.output_mean());
}

std::string band_table(const std::vector<const PlanChoice*>& choices) {
  std::vector<TableRow> rows{{"may be off by", "TTFT", "TPOT", "E2E", "as"}};
  for (const PlanChoice* choice : one_of_each_gpu(choices)) {
    const ErrorBand& band = choice->band;
    rows.push_back({choice->gpu->id + (choice->gpu->is_verified ? "" : " ?"),
                    format("±{:.0f} %", band.ttft * 100), format("±{:.0f} %", band.tpot * 100),
                    format("±{:.0f} %", band.e2e * 100), band.basis});
  }
  return aligned(rows, {0, 4}) +
         format(" {}\n ? marks hardware that nobody has measured\n", error_band_source());
}

std::string price_table(const std::vector<const PlanChoice*>& choices, const Prices& prices) {
  std::vector<TableRow> rows{{"an hour costs", "", "seen", "where"}};
  for (const PlanChoice* choice : one_of_each_gpu(choices)) {
    const Price* price = prices.find(choice->gpu->id);
    rows.push_back(
        {choice->gpu->id, format("${:.2f}", price->usd_per_hour), price->date, price->source});
  }
  return aligned(rows, {0, 2, 3});
}

Json times_json(const PlanTimes& times) {
  return {{"mean", times.mean}, {"p50", times.p50}, {"p90", times.p90}, {"p99", times.p99}};
}

Json choice_json(const PlanChoice& choice) {
  const bool holds = choice.state == PlanChoice::State::holds;
  Json json = {{"name", holds ? choice_name(choice) : configuration_name(choice)},
               {"gpu", choice.gpu->id},
               {"precision", to_text(choice.serving.precision)},
               {"tensor_parallel", choice.serving.tensor_parallel},
               {"max_num_seqs", choice.engine.max_num_seqs},
               {"max_num_batched_tokens", choice.engine.max_num_batched_tokens},
               {"state", name_of(choice.state)},
               {"kv_tokens", choice.kv_tokens},
               {"weights_gb_per_gpu", choice.weights_gb},
               {"usd_per_gpu_hour", choice.usd_per_gpu_hour},
               {"verified", choice.gpu->is_verified},
               {"error_band",
                {{"ttft", choice.band.ttft},
                 {"tpot", choice.band.tpot},
                 {"e2e", choice.band.e2e},
                 {"basis", choice.band.basis}}}};
  if (!holds) {
    json["reason"] = choice.reason;
    json["within_error_band"] = choice.is_near;
    return json;
  }
  const LoadFigures& f = choice.figures;
  json["replicas"] = choice.replicas;
  json["gpus"] = choice.gpus();
  json["usd_per_hour"] = choice.usd_per_hour();
  json["usd_per_million_output_tokens"] = choice.usd_per_million();
  json["ttft_ms"] = times_json(f.ttft);
  json["tpot_ms"] = times_json(f.tpot);
  json["e2e_ms"] = times_json(f.e2e);
  json["goodput_share"] = f.good_share;
  json["requests_per_s"] = f.requests_per_s * choice.replicas;
  json["output_tokens_per_s"] = f.tokens_per_s * choice.replicas;
  json["mfu"] = f.mfu;
  json["mbu"] = f.mbu;
  json["busy_share"] = f.busy_share;
  json["kv_cache_peak"] = f.cache_peak;
  json["running_peak"] = f.running_peak;
  json["preemptions"] = f.preemptions;
  if (choice.capacity > 0.0) json["capacity_requests_per_s"] = choice.capacity;
  if (choice.is_explored) {
    json["binds"] = choice.binds;
    json["replicas_if_slower"] = choice.replicas_if_slower;
    json["replicas_if_faster"] = choice.replicas_if_faster;
    json["is_sure"] = choice.is_sure();
  }
  if (choice.replicas > 1) json["one_replica_less"] = choice.reason;
  return json;
}

void in_parallel(std::size_t count, unsigned threads,
                 const std::function<void(std::size_t)>& work) {
  std::atomic<std::size_t> next{0};
  const auto take = [&] {
    for (std::size_t i = next++; i < count; i = next++) work(i);
  };
  std::vector<std::thread> others;
  for (unsigned t = 1; t < threads; ++t) others.emplace_back(take);
  take();
  for (auto& thread : others) thread.join();
}

}  // namespace tacho
