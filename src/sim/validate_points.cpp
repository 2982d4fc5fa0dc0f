// Reads measured points from CSV.
#include <algorithm>

#include "base/file.h"
#include "base/text.h"
#include "sim/validate.h"

namespace tacho {
namespace {

using Row = PointRow;

std::string text(const Row& row, const std::string& key) {
  const auto found = row.find(key);
  return found == row.end() ? "" : std::string(trim(found->second));
}

/// A number that must be there and at least `least`.
Result<double> number(const Row& row, const std::string& key, double least) {
  const auto value = parse_number(text(row, key));
  if (!value || *value < least)
    return input_error(format("{} '{}' is no number of at least {}", key, text(row, key), least));
  return *value;
}

std::uint32_t optional_count(const Row& row, const std::string& key, std::uint32_t otherwise) {
  const auto value = parse_number(text(row, key));
  return value && *value >= 1.0 && *value < 4e9 ? static_cast<std::uint32_t>(*value) : otherwise;
}

template <class Profile>
Result<Profile> own_or(const std::vector<Profile>& own, const std::string& id,
                       Result<Profile> (*find)(std::string_view)) {
  auto found = find(id);
  for (const Profile& profile : own) {
    if (equal_ignoring_case(profile.id, found ? found->id : id)) return profile;
  }
  return found;
}

Status read_lengths(const Row& row, MeasuredPoint& point) {
  const std::tuple<const char*, std::uint32_t*> counts[] = {
      {"isl", &point.input},
      {"osl", &point.output},
      {"concurrency", &point.concurrency},
      {"tp_size", &point.serving.tensor_parallel}};
  for (const auto& [key, target] : counts) {
    const auto value = number(row, key, 1.0);
    if (!value) return value.error();
    if (*value > 1e7) return input_error(format("{} {} is more than ten million", key, *value));
    *target = static_cast<std::uint32_t>(*value);
  }
  const std::string rule = text(row, "len_rule");
  if (rule.starts_with("uniform[") && rule.size() > 8) {
    const auto share = parse_number(rule.substr(8, rule.find('L') - 8));
    if (!share || !(*share > 0.0) || *share > 1.0)
      return input_error(format("len_rule '{}': write fixed or uniform[0.8L,L]", rule));
    point.least_share = *share;
  }
  return Nothing{};
}

Status read_serving(const Row& row, const OwnProfiles& own, MeasuredPoint& point) {
  auto gpu = own_or(own.gpus, text(row, "gpu"), find_gpu);
  if (!gpu) return gpu.error();
  auto model = own_or(own.models, text(row, "model"), find_model);
  if (!model) return model.error();
  auto engine = own_or(own.engines, text(row, "engine"), find_engine);
  if (!engine) return engine.error();
  const auto precision = parse_precision(text(row, "precision"));
  if (!precision) return precision.error();
  point.gpu = std::move(*gpu);
  point.model = std::move(*model);
  point.serving.engine = std::move(*engine);
  point.serving.precision = *precision;
  point.serving.expert_parallel = optional_count(row, "moe_ep_size", 1);
  // Where the file does not say: models served in 8 bit have an 8-bit cache, but MLA's stays.
  const std::string kv = text(row, "kv_precision");
  const bool is_narrow = kv.empty() ? *precision == NumberFormat::fp8 && !point.model.has_mla()
                                    : kv == "fp8" || kv == "int8";
  point.serving.kv_element_bytes = is_narrow ? 1.0 : 2.0;
  return Nothing{};
}

}  // namespace

std::vector<std::string> csv_fields(std::string_view line) {
  std::vector<std::string> fields(1);
  bool is_quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (c == '"' && is_quoted && i + 1 < line.size() && line[i + 1] == '"') {
      fields.back() += '"';
      ++i;
    } else if (c == '"') {
      is_quoted = !is_quoted;
    } else if (c == ',' && !is_quoted) {
      fields.emplace_back();
    } else if (c != '\r') {
      fields.back() += c;
    }
  }
  return fields;
}

Result<MeasuredPoint> read_point(const Row& row, const OwnProfiles& own) {
  MeasuredPoint point;
  if (auto status = read_serving(row, own, point); !status) return status.error();
  if (auto status = read_lengths(row, point); !status) return status.error();
  const auto ttft = number(row, "ttft_ms", 0.0), tpot = number(row, "tpot_ms", 0.0);
  if (!ttft) return ttft.error();
  if (!tpot) return tpot.error();
  point.ttft_ms = *ttft;
  point.tpot_ms = *tpot;
  point.is_saturated = equal_ignoring_case(text(row, "kv_saturated_guess"), "true");
  point.id = text(row, "id");
  apply_known_settings(row, point);
  point.engine.num_gpu_blocks = optional_count(row, "num_gpu_blocks", 0);
  point.family = format("{} {} {} {} TP{}", point.model.id, point.gpu.id, point.serving.engine.id,
                        to_text(point.serving.precision), point.serving.tensor_parallel);
  point.shape =
      format("{} {}/{} C{}", point.model.id, point.input, point.output, point.concurrency);
  return point;
}

double MeasuredPoint::output_mean() const { return output * (1.0 + least_share) / 2.0; }

Result<std::vector<MeasuredPoint>> read_points(const std::string& path, const OwnProfiles& own) {
  std::vector<std::string> names;
  std::vector<MeasuredPoint> points;
  std::size_t line_number = 0;
  Status state = Nothing{};
  const auto status = for_each_line(path, [&](std::string_view line, bool) {
    ++line_number;
    if (!state || trim(line).empty()) return;
    const auto fields = csv_fields(line);
    if (names.empty()) {
      names = fields;
      return;
    }
    Row row;
    for (std::size_t i = 0; i < std::min(names.size(), fields.size()); ++i)
      row[names[i]] = fields[i];
    auto point = read_point(row, own);
    if (point) {
      points.push_back(std::move(*point));
    } else {
      state = input_error(format("{}:{}: {}", path, line_number, point.error().message));
    }
  });
  if (!status) return status.error();
  if (!state) return state.error();
  if (points.empty()) {
    return input_error(format(
        "{} has no points; its columns are model, gpu, engine, precision, tp_size, isl, osl, "
        "concurrency, ttft_ms, tpot_ms (docs/validation.md)",
        path));
  }
  return points;
}

}  // namespace tacho
