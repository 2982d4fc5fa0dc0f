#include "sim/fault.h"

#include <array>
#include <utility>

#include "base/text.h"
#include "sim/words.h"

namespace tacho {
namespace {

constexpr std::array<std::pair<std::string_view, Fault::Kind>, 6> fault_names{{
    {"rst_mid", Fault::Kind::reset_mid},
    {"fin_mid", Fault::Kind::close_mid},
    {"no_done", Fault::Kind::no_done},
    {"error_in_stream", Fault::Kind::error_in_stream},
    {"malformed", Fault::Kind::malformed},
    {"no_answer", Fault::Kind::no_answer},
}};

}  // namespace

Result<Fault> parse_fault(std::string_view name) {
  if (name.starts_with("http_")) {
    const auto status = parse_integer(name.substr(5));
    if (status && *status >= 400 && *status <= 599) {
      return Fault{Fault::Kind::http_status, static_cast<int>(*status)};
    }
  }
  std::vector<std::string> known{"http_400 ... http_599"};
  for (const auto& [known_name, kind] : fault_names) {
    if (known_name == name) return Fault{kind, 0};
    known.emplace_back(known_name);
  }
  return input_error(format("unknown fault '{}'; there are {}", name, join(known, ", ")));
}

Result<FaultRule> parse_fault_rule(std::string_view text) {
  const auto equals = text.rfind('=');
  if (equals == std::string_view::npos) {
    return input_error(
        format("'{}': a fault is given as name=probability, such as rst_mid=0.01", text));
  }
  auto fault = parse_fault(text.substr(0, equals));
  if (!fault) return fault.error();
  const auto probability = parse_number(text.substr(equals + 1));
  if (!probability || *probability < 0.0 || *probability > 1.0) {
    return input_error(format("'{}': a probability is a number from 0 to 1", text));
  }
  return FaultRule{*fault, *probability};
}

Fault draw_fault(const std::vector<FaultRule>& rules, std::uint64_t seed, std::uint64_t request) {
  double at = static_cast<double>(mix_bits(seed ^ 0xfa017u, request) >> 11) * 0x1.0p-53;
  for (const FaultRule& rule : rules) {
    if (at < rule.probability) return rule.fault;
    at -= rule.probability;
  }
  return {};
}

}  // namespace tacho
