// Reads GPU and engine profiles.
#include <cmath>

#include "base/text.h"
#include "sim/profile.h"

namespace tacho {
namespace {

constexpr double micro = 1e-6;
const std::vector<double> all_reduce_elements{1024,    65536,    262144,   1048576,
                                              4194304, 16777216, 67108864, 268435456};

std::vector<std::string> strings(const Json& json, const char* key) {
  std::vector<std::string> all;
  if (const auto found = json.find(key); found != json.end() && found->is_array()) {
    for (const Json& one : *found) {
      if (one.is_string()) all.push_back(one.get<std::string>());
    }
  }
  return all;
}

std::vector<double> numbers(const Json& json) {
  std::vector<double> all;
  if (!json.is_array()) return all;
  for (const Json& one : json) {
    if (one.is_number()) all.push_back(one.get<double>());
  }
  return all;
}

const Json& part(const Json& json, const char* key) {
  static const Json none = Json::object();
  const auto found = json.find(key);
  return found != json.end() && found->is_object() ? *found : none;
}

std::map<std::string, double> read_priors(const Json& json) {
  std::map<std::string, double> priors;
  for (const auto& [name, value] : part(json, "priors").items()) {
    if (value.is_number()) priors[name] = value.get<double>();
  }
  return priors;
}

bool is_share(double value) { return value > 0.0 && value <= 1.0; }

Result<std::map<std::string, OperatorLaw>> laws(const Json& json, const char* key,
                                                std::string_view what) {
  std::map<std::string, OperatorLaw> all;
  for (const auto& [name, value] : part(json, key).items()) {
    const auto four = numbers(value);
    if (four.size() < 3 || !is_share(four[0]) || !is_share(four[1]) || four[2] < 0.0) {
      return input_error(
          format("{}: {}.{}: give [share of FLOP/s, share of bandwidth, microseconds a launch, "
                 "exponent], shares in (0, 1]",
                 what, key, name));
    }
    const double join = four.size() > 3 ? four[3] : 2.0;
    if (join < 1.0)
      return input_error(format("{}: {}.{}: the exponent is under 1", what, key, name));
    all[name] = {four[0], four[1], four[2] * micro, join};
  }
  return all;
}

Result<AllReduce> read_all_reduce(const Json& json, std::string_view what) {
  AllReduce all;
  all.bandwidth_scale = json_number(json, "bandwidth_scale", 1.0);
  if (!(all.bandwidth_scale > 0.0))
    return input_error(format("{}: all_reduce.bandwidth_scale must be over 0", what));
  if (const auto table = json.find("table_us"); table != json.end()) {
    if (!table->is_array() || table->size() != 3)
      return input_error(format("{}: all_reduce.table_us has three rows: 2, 4, 8 GPUs", what));
    all.elements = all_reduce_elements;
    for (std::size_t i = 0; i < 3; ++i) {
      for (const double us : numbers((*table)[i])) all.table_s[i].push_back(us * micro);
      if (all.table_s[i].size() != all.elements.size())
        return input_error(
            format("{}: all_reduce.table_us: {} times in each row, for 1024, 65536 "
                   "... 268435456 elements",
                   what, all.elements.size()));
    }
  }
  if (const auto start = numbers(json.value("start_us", Json())); start.size() == 3) {
    for (std::size_t i = 0; i < 3; ++i) all.start_s[i] = start[i] * micro;
  }
  if (const auto bus = numbers(json.value("bus_gb_s", Json())); bus.size() == 3) {
    for (std::size_t i = 0; i < 3; ++i) all.bus_bytes_per_s[i] = bus[i] * 1e9;
  }
  return all;
}

Status read_peaks(const Json& json, std::string_view what, GpuProfile& gpu) {
  for (const auto& [name, value] : part(json, "tflops").items()) {
    const auto precision = parse_precision(name);
    if (!precision) return input_error(format("{}: tflops: {}", what, precision.error().message));
    gpu.flops[static_cast<std::size_t>(*precision)] =
        value.is_number() ? value.get<double>() * 1e12 : 0.0;
  }
  gpu.memory_bytes = json_number(json, "memory_gb") * 1e9;
  gpu.bandwidth_bytes_per_s = json_number(json, "bandwidth_tb_s") * 1e12;
  if (!(gpu.flops[0] > 0.0) || !(gpu.memory_bytes > 0.0) || !(gpu.bandwidth_bytes_per_s > 0.0)) {
    return input_error(
        format("{}: a GPU profile needs at least {{\"id\": \"...\", \"tflops\": {{\"bf16\": 100}}, "
               "\"memory_gb\": 24, \"bandwidth_tb_s\": 1.0}}, all over 0",
               what));
  }
  return Nothing{};
}

}  // namespace

Result<GpuProfile> read_gpu(const Json& json, std::string_view what) {
  if (!json.is_object()) return input_error(format("{}: a GPU profile is a JSON object", what));
  GpuProfile gpu;
  gpu.id = lower(json_string(json, "id", what));
  gpu.name = json_string(json, "name", gpu.id);
  gpu.aliases = strings(json, "aliases");
  if (auto status = read_peaks(json, what, gpu); !status) return status.error();
  auto gemm = laws(json, "gemm", what);
  if (!gemm) return gemm.error();
  gpu.gemm = std::move(*gemm);
  auto moe = laws(json, "moe", what);
  if (!moe) return moe.error();
  gpu.moe = std::move(*moe);
  const Json& attention = part(json, "attention");
  gpu.attention_prefill_compute = json_number(attention, "prefill_compute", 0.5);
  gpu.attention_decode_bandwidth = json_number(attention, "decode_bandwidth", 0.8);
  gpu.attention_decode_t0_s = json_number(attention, "decode_t0_us", 12.0) * micro;
  if (!is_share(gpu.attention_prefill_compute) || !is_share(gpu.attention_decode_bandwidth))
    return input_error(format("{}: attention: shares are in (0, 1]", what));
  auto all_reduce = read_all_reduce(part(json, "all_reduce"), what);
  if (!all_reduce) return all_reduce.error();
  gpu.all_reduce = std::move(*all_reduce);
  gpu.is_verified = json.value("verified", Json(false)) == Json(true);
  gpu.error_band = json_string(json, "error_band", "unknown");
  gpu.source = json_string(json, "efficiency_source", what);
  gpu.fitted = strings(json, "fitted");
  gpu.priors = read_priors(json);
  gpu.efficiency = json_number(json, "efficiency", 1.0);
  if (!(gpu.efficiency > 0.0) || gpu.efficiency > 10.0)
    return input_error(format("{}: efficiency is a factor over 0", what));
  return gpu;
}

Result<EngineProfile> read_engine(const Json& json, std::string_view what) {
  if (!json.is_object()) return input_error(format("{}: an engine profile is a JSON object", what));
  EngineProfile engine;
  engine.id = lower(json_string(json, "id", what));
  engine.name = json_string(json, "name", engine.id);
  engine.aliases = strings(json, "aliases");
  bool is_sound = true;
  const auto take = [&](const char* key, double unit, double& target) {
    target = json_number(json, key, target / unit) * unit;
    is_sound = is_sound && std::isfinite(target) && target >= 0.0;
  };
  take("step_ms", 1e-3, engine.step_s);
  take("sequence_us", micro, engine.sequence_s);
  take("prefill_step_ms", 1e-3, engine.prefill_step_s);
  take("request_ms", 1e-3, engine.request_s);
  take("prompt_token_us", micro, engine.prompt_token_s);
  take("launch_share", 1.0, engine.launch_share);
  take("kernels_per_layer", 1.0, engine.kernels_per_layer);
  take("kernel_us", micro, engine.kernel_s);
  take("prefill_attention_us", micro, engine.prefill_attention_s);
  take("kv8_efficiency", 1.0, engine.kv8_efficiency);
  take("moe_prefill_layer_ms", 1e-3, engine.moe_prefill_layer_s);
  take("eager_layer_ms", 1e-3, engine.eager_layer_s);
  engine.plans_ahead = json.value("plans_ahead", Json(false)) == Json(true);
  take("memory_share", 1.0, engine.memory_share);
  take("reserve_gb", 1e9, engine.reserve_bytes);
  if (!is_sound || !is_share(engine.kv8_efficiency) || !is_share(engine.memory_share)) {
    return input_error(format(
        "{}: times must not be negative, kv8_efficiency and memory_share are in (0, 1]", what));
  }
  engine.fitted = strings(json, "fitted");
  engine.priors = read_priors(json);
  return engine;
}

}  // namespace tacho
