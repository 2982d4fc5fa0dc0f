#include "ui/numbers.h"

#include <array>
#include <cmath>

#include "base/text.h"

namespace tacho {
namespace {

/// Three significant digits at most, without needless ones: 1.2, 12, 340.
std::string short_number(double value) { return format("{:.{}f}", value, value < 9.95 ? 1 : 0); }

/// The value with a prefix of the list, each `step` times the one before.
std::string prefixed(double value, double step, std::string_view unit) {
  constexpr std::array<std::string_view, 6> prefixes = {"", "k", "M", "G", "T", "P"};
  if (!std::isfinite(value)) return std::string(not_available);
  std::size_t at = 0;
  while (std::abs(value) >= 0.9995 * step && at + 1 < prefixes.size()) {
    value /= step;
    ++at;
  }
  const std::string number = at == 0 ? format("{:.0f}", value) : short_number(value);
  return number + std::string(prefixes[at]) + std::string(unit);
}

}  // namespace

const std::string_view not_available = "N/A";

std::string number_text(double value, std::string_view unit, int decimals) {
  if (!std::isfinite(value)) return std::string(not_available);
  return format("{:.{}f}{}", value, decimals, unit);
}

std::string ratio_text(double ratio) { return number_text(100.0 * ratio, "%"); }

std::string bytes_text(double bytes) {
  if (!std::isfinite(bytes)) return std::string(not_available);
  if (bytes < 1024.0) return format("{:.0f}B", bytes);
  constexpr std::string_view prefixes = "KMGTP";
  std::size_t at = 0;
  double value = bytes / 1024.0;
  while (value >= 999.5 && at + 1 < prefixes.size()) {
    value /= 1024.0;
    ++at;
  }
  const int decimals = at == 0 ? 0 : value < 99.95 ? 1 : 0;
  return format("{:.{}f}{}", value, decimals, prefixes[at]);
}

std::string memory_text(double used, double total) {
  if (!std::isfinite(used) && !std::isfinite(total)) return std::string(not_available);
  constexpr double gib = 1 << 30;
  return format("{}/{}", number_text(used / gib, "", 1), number_text(total / gib, "GiB", 1));
}

std::string byte_rate_text(double per_second) { return prefixed(per_second, 1000.0, ""); }

std::string bit_rate_text(double bytes_per_second) {
  return prefixed(8.0 * bytes_per_second, 1000.0, "b/s");
}

std::string count_text(double value) {
  if (!std::isfinite(value)) return std::string(not_available);
  if (value < 999.5) {
    const bool is_whole = std::abs(value - std::round(value)) < 0.005;
    return format("{:.{}f}", value, is_whole || value >= 99.95 ? 0 : 1);
  }
  return value < 9999.5 ? format("{:.0f}", value) : prefixed(value, 1000.0, "");
}

std::string time_text(double seconds) {
  if (!std::isfinite(seconds)) return std::string(not_available);
  if (seconds < 0.9995e-3) return format("{:.0f}us", 1e6 * seconds);
  if (seconds < 0.0995) return format("{:.1f}ms", 1e3 * seconds);
  if (seconds < 0.9995) return format("{:.0f}ms", 1e3 * seconds);
  return format("{:.{}f}s", seconds, seconds < 9.995 ? 2 : seconds < 99.95 ? 1 : 0);
}

std::string quantile_text(const Quantile& quantile) {
  if (std::isnan(quantile.value)) return "-";
  // Buckets know no third digit.
  const double s = quantile.value;
  const std::string text = s < 0.00995  ? format("{:.1f}ms", 1e3 * s)
                           : s < 0.9995 ? format("{:.0f}ms", 1e3 * s)
                                        : format("{:.{}f}s", s, s < 9.95 ? 1 : 0);
  return (std::isinf(quantile.high) ? ">" : "~") + text;
}

std::string age_text(double seconds) {
  if (!std::isfinite(seconds)) return std::string(not_available);
  const auto all = static_cast<long>(std::fmax(seconds, 0.0));
  const long s = all % 60, m = all / 60 % 60, h = all / 3600 % 24, d = all / 86400;
  if (d > 0) return format("{}d {:02}h", d, h);
  if (h > 0) return format("{}:{:02}:{:02}", h, m, s);
  return m > 0 ? format("{}:{:02}", m, s) : format("{}s", s);
}

}  // namespace tacho
