#include "sim/planner_compare.h"

#include <algorithm>
#include <atomic>
#include <cmath>

#include "base/text.h"
#include "sim/planner_search.h"
#include "sim/planner_tables.h"

namespace tacho {
namespace {

/// The load with so many users; with none it is a rate.
PlanLoad load_of(const PlanQuestion& question, std::uint32_t users) {
  PlanLoad load = question.load;
  load.users = users;
  return load;
}

/// A short run says how many requests make `duration_s`; that many are then run.
LoadFigures run_for(const PlanQuestion& question, const PlanLoad& load, PlanChoice& choice,
                    double duration_s) {
  ReplicaSearch search(question, load, choice);
  double per_s = load.rate;
  if (load.users > 0) {
    per_s = search.run_one({.requests = question.limits.requests, .seed = question.limits.seed})
                .requests_per_s;
  }
  const auto requests = static_cast<std::size_t>(std::max(100.0, std::ceil(per_s * duration_s)));
  return search.run_one({.requests = requests, .seed = question.limits.seed});
}

std::string load_name(const PlanQuestion& question, std::uint32_t users) {
  if (users == 0) return format("{:.4g} req/s", question.load.rate);
  return format("{} user{}", users, users == 1 ? "" : "s");
}

std::string name_of(const PlanChoice& choice) {
  const std::uint32_t gpus = choice.serving.tensor_parallel;
  return format("{}{} {}{}", gpus > 1 ? format("{} × ", gpus) : "", choice.gpu->id,
                to_text(choice.serving.precision), choice.gpu->is_verified ? "" : " ?");
}

/// The configurations of one load from the best to the worst.
template <class Value>
std::string order(const Comparison& comparison, std::vector<const ComparedPoint*> points,
                  Value&& value) {
  std::stable_sort(points.begin(), points.end(),
                   [&](const auto* a, const auto* b) { return value(*a) < value(*b); });
  std::vector<std::string> names;
  for (const ComparedPoint* point : points)
    names.push_back(comparison.choices[point->choice].gpu->id);
  return join(names, " < ");
}

std::string orders(const Comparison& comparison, const PlanQuestion& question) {
  std::string text;
  for (std::size_t i = 0; i < comparison.points.size();) {
    const std::uint32_t users = comparison.points[i].users;
    std::vector<const ComparedPoint*> points;
    for (; i < comparison.points.size() && comparison.points[i].users == users; ++i)
      points.push_back(&comparison.points[i]);
    if (points.size() < 2) continue;
    text += format(" {:<12} TTFT {}\n {:<12} TPOT {}\n", load_name(question, users),
                   order(comparison, points, [](const auto& p) { return p.figures.ttft.p50; }), "",
                   order(comparison, points, [](const auto& p) { return p.figures.tpot.p50; }));
  }
  return text;
}

}  // namespace

Comparison compare(const PlanQuestion& question, const std::vector<std::uint32_t>& users,
                   double duration_s,
                   const std::function<void(std::size_t, std::size_t)>& progress) {
  Comparison comparison;
  comparison.choices = plan_choices(question.grid, question.prices);
  const std::vector<std::uint32_t> loads = users.empty() ? std::vector<std::uint32_t>{0} : users;
  for (const std::uint32_t load : loads) {
    for (std::size_t i = 0; i < comparison.choices.size(); ++i)
      comparison.points.push_back({i, load, {}});
  }
  std::vector<char> fits(comparison.points.size(), 0);
  std::atomic<std::size_t> done{0};
  in_parallel(comparison.points.size(), question.limits.threads, [&](std::size_t i) {
    ComparedPoint& point = comparison.points[i];
    PlanChoice choice = comparison.choices[point.choice];
    const PlanLoad load = load_of(question, point.users);
    fits[i] = ReplicaSearch(question, load, choice).has_room() ? 1 : 0;
    if (fits[i] != 0) point.figures = run_for(question, load, choice, duration_s);
    progress(++done, comparison.points.size());
  });
  for (PlanChoice& choice : comparison.choices) {
    ReplicaSearch(question, question.load, choice).has_room();
  }
  for (std::size_t i = fits.size(); i-- > 0;) {
    if (fits[i] == 0)
      comparison.points.erase(comparison.points.begin() + static_cast<std::ptrdiff_t>(i));
  }
  return comparison;
}

std::string comparison_table(const Comparison& comparison, const PlanQuestion& question,
                             double duration_s) {
  std::string text =
      format("{} on {}: {}; {:.4g} s of virtual time each\n\n", question.grid.model.id,
             question.grid.engine.name, lengths_text(question.load), duration_s);
  std::vector<TableRow> rows{{"", "one replica of", "TTFT ms", "TPOT ms", "E2E s", "req/s",
                              "out tok/s", "$/M out", "MFU %", "MBU %", "cache %"}};
  for (std::size_t i = 0; i < comparison.points.size(); ++i) {
    const ComparedPoint& point = comparison.points[i];
    const LoadFigures& f = point.figures;
    const bool is_first = i == 0 || comparison.points[i - 1].users != point.users;
    PlanChoice choice = comparison.choices[point.choice];
    choice.figures = f;
    rows.push_back({is_first ? load_name(question, point.users) : "", name_of(choice),
                    figure_pair(f.ttft.p50, f.ttft.p99), figure_pair(f.tpot.p50, f.tpot.p99),
                    figure_pair(f.e2e.p50 / 1e3, f.e2e.p99 / 1e3),
                    format_significant(f.requests_per_s, 3), format_significant(f.tokens_per_s, 3),
                    format("{:.3f}", choice.usd_per_million()), percent_text(f.mfu),
                    percent_text(f.mbu), percent_text(f.cache_peak)});
  }
  text += aligned(rows, {0, 1});
  text += " times are p50 / p99\n\n" + orders(comparison, question);
  for (const PlanChoice& choice : comparison.choices) {
    if (choice.state == PlanChoice::State::no_room)
      text += format(" {} left out: {}\n", name_of(choice), choice.reason);
  }
  std::vector<const PlanChoice*> choices;
  for (const PlanChoice& choice : comparison.choices) choices.push_back(&choice);
  return text + "\n" + band_table(choices) + "\n" + price_table(choices, question.prices);
}

Json comparison_json(const Comparison& comparison, const PlanQuestion& question,
                     double duration_s) {
  Json json = {{"schema", 1},
               {"kind", "comparison"},
               {"model", question.grid.model.id},
               {"engine", question.grid.engine.id},
               {"lengths", lengths_text(question.load)},
               {"virtual_seconds", duration_s},
               {"error_band_source", error_band_source()},
               {"points", Json::array()}};
  for (const ComparedPoint& point : comparison.points) {
    PlanChoice choice = comparison.choices[point.choice];
    choice.figures = point.figures;
    Json one = choice_json(choice);
    if (point.users > 0) {
      one["users"] = point.users;
    } else {
      one["rate"] = question.load.rate;
    }
    json["points"].push_back(std::move(one));
  }
  return json;
}

}  // namespace tacho
