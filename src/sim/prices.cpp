#include "sim/prices.h"

#include <algorithm>
#include <cmath>

#include "base/embedded.h"
#include "base/text.h"

namespace tacho {
namespace {

TACHO_EMBEDDED(profile_prices)

}  // namespace

const Price* Prices::find(std::string_view gpu) const {
  for (const Price& price : all) {
    if (equal_ignoring_case(price.gpu, gpu)) return &price;
  }
  return nullptr;
}

std::string Prices::dates(const std::vector<std::string>& gpus) const {
  std::vector<std::string> dates;
  for (const auto& gpu : gpus) {
    if (const Price* price = find(gpu)) dates.push_back(price->date);
  }
  if (dates.empty()) return "no date";
  const auto [first, last] = std::minmax_element(dates.begin(), dates.end());
  return *first == *last ? *first : format("{} to {}", *first, *last);
}

Result<Prices> read_prices(const Json& json, std::string_view what) {
  const auto list = json.is_object() ? json.find("prices") : json.end();
  if (!json.is_object() || list == json.end() || !list->is_array() || list->empty()) {
    return input_error(
        format("{}: a price file is {{\"prices\": [{{\"gpu\": \"h100\", \"usd_per_hour\": 2.95, "
               "\"date\": \"2026-05\", \"source\": \"...\"}}]}}",
               what));
  }
  Prices prices{std::string(what), {}};
  for (const Json& one : *list) {
    Price price;
    if (one.is_object()) {
      price = {lower(json_string(one, "gpu")), json_number(one, "usd_per_hour"),
               json_string(one, "date"), json_string(one, "source", what)};
    }
    const std::string which = format("{}: entry {}", what, prices.all.size() + 1);
    if (price.gpu.empty()) return input_error(format("{}: no \"gpu\"", which));
    if (!std::isfinite(price.usd_per_hour) || price.usd_per_hour <= 0.0)
      return input_error(format("{} ({}): usd_per_hour must be over 0", which, price.gpu));
    if (price.date.empty()) {
      return input_error(
          format("{} ({}): a price without a date is worth nothing; add \"date\": \"2026-05\"",
                 which, price.gpu));
    }
    if (prices.find(price.gpu) != nullptr)
      return input_error(format("{}: '{}' has two prices", which, price.gpu));
    prices.all.push_back(std::move(price));
  }
  return prices;
}

const Prices& builtin_prices() {
  static const Prices prices = [] {
    const auto json = parse_json(profile_prices(), "prices");
    TACHO_ASSERT(json.ok());
    auto read = read_prices(*json, "built-in");
    TACHO_ASSERT(read.ok());
    return std::move(*read);
  }();
  return prices;
}

}  // namespace tacho
