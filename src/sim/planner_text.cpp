// A plan as a table and as JSON, for people and for programs.
#include <algorithm>
#include <set>
#include <utility>

#include "base/text.h"
#include "sim/planner_tables.h"

namespace tacho {
namespace {

/// What becomes of the choice if the model is wrong by its error band.
std::string verdict(const PlanChoice& choice) {
  if (!choice.is_explored) return "";
  if (choice.is_sure()) return "sure";
  return choice.replicas_if_slower == 0 ? "edge: fails"
                                        : format("edge: {} ×", choice.replicas_if_slower);
}

std::string title(const PlanChoice& choice) {
  return choice_name(choice) + (choice.gpu->is_verified ? "" : " ?");
}

std::string times_table(const std::vector<const PlanChoice*>& choices) {
  std::vector<TableRow> rows{{"", "replicas × GPUs", "$/h", "$/M out", "TTFT ms", "TPOT ms",
                              "E2E s", "good %", "max req/s", "if the model errs"}};
  for (std::size_t i = 0; i < choices.size(); ++i) {
    const PlanChoice& choice = *choices[i];
    const LoadFigures& f = choice.figures;
    rows.push_back({format("{}", i + 1), title(choice), format("{:.2f}", choice.usd_per_hour()),
                    format("{:.2f}", choice.usd_per_million()), figure_pair(f.ttft.p50, f.ttft.p99),
                    figure_pair(f.tpot.p50, f.tpot.p99),
                    figure_pair(f.e2e.p50 / 1e3, f.e2e.p99 / 1e3), percent_text(f.good_share),
                    choice.capacity > 0.0 ? format_significant(choice.capacity, 3) : "–",
                    verdict(choice)});
  }
  return aligned(rows, {1, 9});
}

std::string use_table(const std::vector<const PlanChoice*>& choices) {
  std::vector<TableRow> rows{{"", "replicas × GPUs", "batch", "weights", "cache tokens", "used %",
                              "MFU %", "MBU %", "busy %", "what binds"}};
  for (std::size_t i = 0; i < choices.size(); ++i) {
    const PlanChoice& choice = *choices[i];
    const LoadFigures& f = choice.figures;
    rows.push_back(
        {format("{}", i + 1), title(choice),
         format("{} / {}", choice.engine.max_num_batched_tokens, choice.engine.max_num_seqs),
         format("{:.0f} of {:.0f} GB", choice.weights_gb, choice.gpu->memory_bytes / 1e9),
         grouped(static_cast<double>(choice.kv_tokens)), percent_text(f.cache_peak),
         percent_text(f.mfu), percent_text(f.mbu), percent_text(f.busy_share), choice.binds});
  }
  return aligned(rows, {1, 9});
}

std::string what_if_table(const Plan& plan) {
  std::vector<TableRow> rows{{"", "the first choice then", "", "the cheapest then", ""}};
  PlanChoice first = plan.choices.front();
  for (const WhatIf& one : plan.what_ifs) {
    first.replicas = one.replicas_of_first;
    const bool holds = one.replicas_of_first > 0;
    rows.push_back({one.change, holds ? choice_name(first) : "fails",
                    holds ? format("${:.2f}", one.usd_per_hour_of_first) : "",
                    one.cheapest.empty() ? "none of these" : one.cheapest,
                    one.cheapest.empty() ? "" : format("${:.2f}", one.usd_per_hour)});
  }
  return aligned(rows, {0, 1, 3});
}

/// Why those that do not hold do not, the cheapest first, one line for each GPU and precision.
std::string failures(const Plan& plan, std::size_t most) {
  std::vector<TableRow> rows;
  std::set<std::string> seen;
  for (std::size_t i = plan.holding; i < plan.choices.size() && seen.size() < most; ++i) {
    const PlanChoice& choice = plan.choices[i];
    const std::string name = configuration_name(choice);
    if (seen.insert(name).second)
      rows.push_back({name, format("{}{}", choice.reason, choice.is_near ? near_words : "")});
  }
  return rows.empty() ? "" : aligned(rows, {0, 1});
}

std::vector<std::string> gpus_of(const std::vector<const PlanChoice*>& choices) {
  std::vector<std::string> ids;
  for (const PlanChoice* choice : choices) {
    if (std::find(ids.begin(), ids.end(), choice->gpu->id) == ids.end())
      ids.push_back(choice->gpu->id);
  }
  return ids;
}

/// The cheapest that holds whatever the model's error, when that is not the first.
std::string cheapest_sure(const std::vector<const PlanChoice*>& choices) {
  for (std::size_t i = 0; i < choices.size(); ++i) {
    if (!choices[i]->is_sure()) continue;
    return format(
        " the cheapest that holds even if the model errs by its band: {}, {} for ${:.2f}/h\n",
        i + 1, choice_name(*choices[i]), choices[i]->usd_per_hour());
  }
  return " none of these holds if the model errs by its band\n";
}

std::string unpriced_text(const Plan& plan) {
  if (plan.unpriced.empty()) return "";
  return format(" without a price, so left out: {}\n", join(plan.unpriced, ", "));
}

Json what_if_json(const WhatIf& one) {
  return {{"change", one.change},
          {"cheapest", one.cheapest},
          {"usd_per_hour", one.usd_per_hour},
          {"replicas_of_first", one.replicas_of_first},
          {"usd_per_hour_of_first", one.usd_per_hour_of_first}};
}

}  // namespace

std::string load_text(const PlanLoad& load) {
  const std::string lengths = lengths_text(load);
  if (load.users == 0) {
    return format("{:.4g} requests/s{} of {}", load.rate,
                  load.gaps.empty() ? "" : " in the bursts of a trace", lengths);
  }
  if (load.think_s <= 0.0) return format("{} users without a pause, {}", load.users, lengths);
  return format("{} users who think {:g} s, {}", load.users, load.think_s, lengths);
}

std::string bounds_text(const std::vector<PlanBound>& bounds) {
  std::vector<std::string> all;
  for (const PlanBound& bound : bounds)
    all.push_back(format("{} < {} ms", bound_name(bound), format_significant(bound.limit_ms, 4)));
  return join(all, ", ");
}

std::string plan_table(const Plan& plan, const PlanQuestion& question) {
  const auto best = best_of_each(plan);
  std::string text = format("{} on {}: {}\n{}\n", question.grid.model.id, question.grid.engine.name,
                            load_text(question.load), bounds_text(question.bounds));
  if (best.empty()) {
    return text + format("none of {} configurations holds:\n\n{}", plan.choices.size(),
                         failures(plan, question.limits.shown));
  }
  const std::vector<const PlanChoice*> shown(
      best.begin(),
      best.begin() + static_cast<std::ptrdiff_t>(std::min(best.size(), question.limits.shown)));
  text +=
      format("{} of {} configurations hold; prices: {}, {}\n\n", plan.holding, plan.choices.size(),
             question.prices.origin, question.prices.dates(gpus_of(shown)));
  text += times_table(shown);
  text +=
      "     times are p50 / p99 of all requests; max req/s: what these replicas carry within the "
      "bounds\n\n";
  text += use_table(shown);
  text +=
      "     batch: tokens of a step / sequences; weights on each GPU; cache of a replica, its peak "
      "use\n\n";
  if (best.size() > shown.size())
    text += format(" {} more hold: --top {}\n", best.size() - shown.size(), best.size());
  text += cheapest_sure(shown);
  text += plan.next_cheaper.empty()
              ? " nothing that was tried is cheaper\n"
              : format(" the next cheaper option fails: {}\n", plan.next_cheaper);
  if (plan.first_usd_most > 0.0) {
    text += format(" the first choice stays the cheapest up to ${:.2f} an hour for each {}\n",
                   plan.first_usd_most, shown.front()->gpu->id);
  }
  return text + "\n" + what_if_table(plan) + "\n" + band_table(shown) + "\n" +
         price_table(shown, question.prices) + unpriced_text(plan);
}

Json plan_json(const Plan& plan, const PlanQuestion& question) {
  Json json = {{"schema", 1},
               {"kind", "plan"},
               {"model", question.grid.model.id},
               {"engine", question.grid.engine.id},
               {"load", load_text(question.load)},
               {"bounds", Json::array()},
               {"prices", {{"origin", question.prices.origin}, {"list", Json::array()}}},
               {"error_band_source", error_band_source()},
               {"holding", plan.holding},
               {"next_cheaper", plan.next_cheaper},
               {"first_usd_per_gpu_hour_most", plan.first_usd_most},
               {"what_ifs", Json::array()},
               {"front", Json::array()},
               {"choices", Json::array()}};
  for (const Price& price : question.prices.all) {
    json["prices"]["list"].push_back({{"gpu", price.gpu},
                                      {"usd_per_hour", price.usd_per_hour},
                                      {"date", price.date},
                                      {"source", price.source}});
  }
  for (const PlanBound& bound : question.bounds)
    json["bounds"].push_back({{"bound", bound_name(bound)}, {"limit_ms", bound.limit_ms}});
  for (const WhatIf& one : plan.what_ifs) json["what_ifs"].push_back(what_if_json(one));
  for (const PlanChoice& choice : plan.choices) json["choices"].push_back(choice_json(choice));
  const auto best = best_of_each(plan);
  const auto place = [&](const PlanChoice* choice) {
    return static_cast<std::size_t>(choice - plan.choices.data());
  };
  for (const PlanChoice* choice : best) json["choices"][place(choice)]["is_best"] = true;
  for (const PlanChoice* choice : pareto_front(best)) json["front"].push_back(place(choice));
  return json;
}

}  // namespace tacho
