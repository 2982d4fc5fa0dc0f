// What an hour of an accelerator costs. Prices change faster than anything else that a plan rests
// on, so they are a file of their own, dated, and anyone may hand in another.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace tacho {

/// The price of one accelerator.
struct Price {
  std::string gpu;            ///< The id of its profile.
  double usd_per_hour = 0.0;  ///< What a plan reckons with.
  std::string date;           ///< When it was seen: 2026-05.
  std::string source;
};

/// A price list.
struct Prices {
  std::string origin;  ///< "built-in", or the file.
  std::vector<Price> all;

  /// The price of that GPU, or null.
  const Price* find(std::string_view gpu) const;
  /// The oldest date of those GPUs' prices, and the latest when it differs: "2025-02 to 2026-05".
  std::string dates(const std::vector<std::string>& gpus) const;
};

/// The list that is part of the binary (data/profiles/prices.json).
const Prices& builtin_prices();

/// Reads a list in the form of the built-in one; `what` names it in errors.
Result<Prices> read_prices(const Json& json, std::string_view what);

}  // namespace tacho
