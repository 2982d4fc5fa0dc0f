// Numbers as the screen shows them: few columns, with units, "N/A" for what is not known.
#pragma once

#include <string>
#include <string_view>

#include "monitor/history.h"

namespace tacho {

/// "N/A".
extern const std::string_view not_available;

/// With a fixed number of decimals and a unit: 312W.
std::string number_text(double value, std::string_view unit = "", int decimals = 0);
/// A ratio in percent: 97%.
std::string ratio_text(double ratio);
/// An amount of memory, binary: 512M, 71.2G.
std::string bytes_text(double bytes);
/// Used and all in GiB: 71.2/80.0GiB.
std::string memory_text(double used, double total);
/// Bytes per second, decimal: 1.2G, 340M.
std::string byte_rate_text(double per_second);
/// Bytes per second as bits: 9.6 Gb/s.
std::string bit_rate_text(double bytes_per_second);
/// A count or a rate in at most five columns: 0.3, 12, 4.1k.
std::string count_text(double value);
/// A short time: 340us, 12.3ms, 1.24s, 95s.
std::string time_text(double seconds);
/// A quantile of a histogram: ~12ms; >2560s above the last bound.
std::string quantile_text(const Quantile& quantile);
/// A long time: 5s, 4:05, 3:12:45, 2d 03h.
std::string age_text(double seconds);

}  // namespace tacho
