#include "monitor/engine_names.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "base/text.h"

namespace tacho {
namespace {

/// The name without a colon, which some pages escape and others do not.
std::string plain(std::string_view name) {
  std::string out(name);
  std::replace(out.begin(), out.end(), ':', '_');
  return out;
}

/// True when the line is one of those that `where` names.
bool matches(const MetricLine& line, std::string_view where) {
  if (where.empty() || where.find('=') == std::string_view::npos) return true;
  const std::size_t equals = where.find('=');
  const std::string_view value = label(line.labels, where.substr(0, equals));
  if (equals + 1 == where.size()) return value.empty();
  const auto allowed = split(where.substr(equals + 1), '|');
  return std::find(allowed.begin(), allowed.end(), value) != allowed.end();
}

/// Two labels' values multiplied, as in an info quantity.
double label_product(const MetricLine& line, std::string_view where) {
  double product = 1.0;
  for (const std::string_view name : split(where, '*')) {
    product *= parse_number(label(line.labels, name)).value_or(std::nan(""));
  }
  return product;
}

/// The lines of one model and replica, their names plain.
using Group = std::vector<const MetricLine*>;

/// The value of a row in a group: the sum of its lines, or nothing.
std::optional<double> value_of(const Group& group, const EngineName& row, std::string_view name) {
  std::optional<double> sum;
  std::size_t lines = 0;
  for (const MetricLine* line : group) {
    if (line->name != name || !matches(*line, row.where)) continue;
    const bool is_product = row.where.find('*') != std::string_view::npos;
    const double value = is_product ? label_product(*line, row.where) : line->value;
    if (!std::isfinite(value)) continue;
    sum = sum.value_or(0.0) + value * row.scale;
    ++lines;
  }
  // Shares are no sums.
  if (sum && row.quantity->name.ends_with("_ratio")) sum = *sum / static_cast<double>(lines);
  return sum;
}

/// The histogram of a row in a group, its lines added up, or nothing.
std::optional<HistogramReading> histogram_of(const Group& group, const EngineName& row) {
  HistogramReading histogram;
  histogram.quantity = row.quantity;
  std::map<double, double> buckets;
  bool has_count = false;
  const std::string name(row.name);
  for (const MetricLine* line : group) {
    if (!line->name.starts_with(name) || !matches(*line, row.where)) continue;
    const std::string_view ending = std::string_view(line->name).substr(name.size());
    if (ending == "_bucket") {
      const std::string_view le = label(line->labels, "le");
      if (const auto bound = parse_number(le)) buckets[*bound * row.scale] += line->value;
    } else if (ending == "_count") {
      histogram.count += line->value;
      has_count = true;
    } else if (ending == "_sum") {
      histogram.sum += line->value * row.scale;
    }
  }
  if (!has_count) return std::nullopt;
  for (const auto& [bound, count] : buckets) {
    histogram.bounds.push_back(bound);
    histogram.cumulative.push_back(count);
  }
  return histogram;
}

/// A row's name without its sign.
std::string_view bare(std::string_view name) {
  return name.substr(name.starts_with('+') || name.starts_with('-') ? 1 : 0);
}

void read_row(const Group& group, const EngineName& row, Subject& subject) {
  if (row.quantity->kind == QuantityKind::histogram) {
    if (subject.histogram(*row.quantity) != nullptr) return;
    if (auto histogram = histogram_of(group, row)) {
      subject.histograms.push_back(std::move(*histogram));
    }
    return;
  }
  const bool is_more = bare(row.name) != row.name, is_taken = row.name.starts_with('-');
  const Reading* known = subject.find(*row.quantity);
  if (known == nullptr ? is_taken : !is_more) return;
  auto value = value_of(group, row, bare(row.name));
  if (!value) return;
  // Some versions write shares as percent.
  if (row.quantity == &quantity::engine_kv_usage && *value > 1.0) *value *= 0.01;
  if (known == nullptr) return subject.add(*row.quantity, *value);
  for (Reading& reading : subject.readings) {
    if (reading.quantity != row.quantity) continue;
    reading.value = is_taken ? std::max(0.0, reading.value - *value) : reading.value + *value;
  }
}

/// Lines by model and replica.
using Groups = std::map<std::pair<std::string, std::string>, Group>;

/// Some lines leave out the model, the replica or both; they belong to the first group that agrees
/// with what they do name.
void merge_unnamed(Groups& groups) {
  for (auto group = groups.begin(); group != groups.end();) {
    const auto& [model, replica] = group->first;
    const auto owner = std::find_if(groups.begin(), groups.end(), [&](const auto& other) {
      const auto& [other_model, other_replica] = other.first;
      const bool agrees =
          (model.empty() || model == other_model) && (replica.empty() || replica == other_replica);
      return agrees && other.first != group->first;
    });
    const bool is_whole = !model.empty() && !replica.empty();
    if (is_whole || owner == groups.end()) {
      ++group;
      continue;
    }
    owner->second.insert(owner->second.end(), group->second.begin(), group->second.end());
    group = groups.erase(group);
  }
}

/// Leaves the lines of the lowest of the ranks that say the same, and those that name none.
void keep_one_rank(Group& group, std::string_view rank_labels) {
  for (const std::string_view name : split(rank_labels, '|')) {
    const auto rank_of = [&](const MetricLine* line) {
      return parse_number(label(line->labels, name));
    };
    std::optional<double> lowest;
    for (const MetricLine* line : group) {
      const auto rank = rank_of(line);
      if (rank && (!lowest || *rank < *lowest)) lowest = rank;
    }
    std::erase_if(group, [&](const MetricLine* line) {
      const auto rank = rank_of(line);
      return rank && *rank > *lowest;
    });
  }
}

}  // namespace

const EngineKind* recognise_engine(const MetricsText& page) {
  for (const EngineKind& kind : engine_kinds()) {
    const auto is_its = [&](const MetricLine& line) {
      return plain(line.name).starts_with(kind.mark);
    };
    if (std::any_of(page.lines.begin(), page.lines.end(), is_its)) return &kind;
  }
  return nullptr;
}

std::vector<Subject> normalise(const MetricsText& page, const EngineKind& kind,
                               std::string_view instance) {
  std::vector<MetricLine> lines = page.lines;
  Groups groups;
  const auto is_named = [&](const MetricLine& line) {
    return std::any_of(kind.names.begin(), kind.names.end(), [&](const EngineName& row) {
      return line.name.starts_with(bare(row.name));
    });
  };
  for (MetricLine& line : lines) {
    line.name = plain(line.name);
    if (!is_named(line)) continue;
    groups[{std::string(label(line.labels, kind.model_label)),
            std::string(label(line.labels, kind.replica_label))}]
        .push_back(&line);
  }
  merge_unnamed(groups);
  std::vector<Subject> subjects;
  for (auto& [key, group] : groups) {
    keep_one_rank(group, kind.rank_labels);
    Subject subject;
    subject.kind = SubjectKind::engine;
    subject.id = std::string(instance);
    subject.labels = {{"engine", std::string(kind.name)}, {"instance", std::string(instance)}};
    if (!key.first.empty()) subject.labels.emplace_back("model", key.first);
    if (!key.second.empty()) subject.labels.emplace_back("replica", key.second);
    if (groups.size() > 1) subject.id += format(" {} {}", key.first, key.second);
    for (const EngineName& row : kind.names) read_row(group, row, subject);
    subjects.push_back(std::move(subject));
  }
  return subjects;
}

}  // namespace tacho
