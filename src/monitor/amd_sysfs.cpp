#include "monitor/amd_sysfs.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "base/file.h"
#include "base/text.h"

namespace tacho {
namespace {

std::string text_of(const std::string& path) {
  auto text = read_file(path);
  return text ? std::string(trim(*text)) : std::string();
}

double number_of(const std::string& path) {
  return parse_number(text_of(path)).value_or(std::nan(""));
}

/// The folder of sensors; "" when there is none.
std::string sensors_of(const std::string& card) {
  std::error_code error;
  std::filesystem::directory_iterator entry(card + "/hwmon", error);
  if (error || entry == std::filesystem::directory_iterator()) return "";
  return entry->path().string();
}

/// Adds a file's number, or that the kernel has no such file.
void add(Subject& subject, const Quantity& quantity, const std::string& path, double scale,
         const Labels& labels = {}) {
  const double value = number_of(path);
  if (std::isfinite(value)) {
    subject.add(quantity, scale * value, labels);
  } else {
    subject.miss(quantity, path + " is not there", labels);
  }
}

/// "16.0 GT/s PCIe" is generation 4.
double generation_of(const std::string& speed) {
  constexpr double speeds[] = {2.5, 5.0, 8.0, 16.0, 32.0, 64.0};
  const double per_second =
      parse_number(std::string_view(speed).substr(0, speed.find(' '))).value_or(0.0);
  for (std::size_t i = 0; i < std::size(speeds); ++i) {
    if (per_second == speeds[i]) return static_cast<double>(i + 1);
  }
  return std::nan("");
}

void add_generation(Subject& subject, const Quantity& quantity, const std::string& path) {
  const double generation = generation_of(text_of(path));
  if (std::isfinite(generation)) {
    subject.add(quantity, generation);
  } else {
    subject.miss(quantity, path + " is not there");
  }
}

/// The highest of a list such as "0: 500Mhz\n1: 2100Mhz *".
double highest_clock_hz(const std::string& path) {
  double most = std::nan("");
  const std::string text = text_of(path);
  for (const std::string_view line : split(text, '\n')) {
    const std::size_t colon = line.find(':');
    const std::size_t unit = lower(line).find("mhz");
    if (colon == std::string_view::npos || unit == std::string::npos) continue;
    const auto mhz = parse_number(trim(line.substr(colon + 1, unit - colon - 1)));
    if (mhz && !(most >= 1e6 * *mhz)) most = 1e6 * *mhz;
  }
  return most;
}

void read_heat(const std::string& sensors, Subject& subject) {
  for (int i = 1; i <= 3; ++i) {
    const std::string sensor = text_of(format("{}/temp{}_label", sensors, i));
    if (sensor.empty()) continue;
    const Labels labels{{"sensor", sensor == "mem"    ? "memory"
                                   : sensor == "edge" ? "core"
                                                      : sensor}};
    add(subject, quantity::device_temperature, format("{}/temp{}_input", sensors, i), 1e-3, labels);
    add(subject, quantity::device_temperature_limit, format("{}/temp{}_crit", sensors, i), 1e-3,
        labels);
  }
}

}  // namespace

std::vector<std::string> find_amd_cards(const std::string& root) {
  std::vector<std::string> cards;
  std::error_code error;
  std::filesystem::directory_iterator entry(root + "/sys/class/drm", error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    const std::string name = entry->path().filename();
    // card0, but not card0-DP-1.
    if (!name.starts_with("card") || name.find('-') != std::string::npos) continue;
    const std::string device = entry->path().string() + "/device";
    if (text_of(device + "/vendor") == "0x1002") cards.push_back(device);
  }
  std::sort(cards.begin(), cards.end(), [](const std::string& a, const std::string& b) {
    return std::pair(amd_bus_id(a), a) < std::pair(amd_bus_id(b), b);
  });
  return cards;
}

std::string amd_bus_id(const std::string& card) {
  const std::string text = text_of(card + "/uevent");
  for (const std::string_view line : split(text, '\n')) {
    if (line.starts_with("PCI_SLOT_NAME=")) return std::string(line.substr(14));
  }
  return "";
}

std::string amd_model(const std::string& card) {
  const std::string name = text_of(card + "/product_name");
  return !name.empty() ? name : "AMD " + text_of(card + "/device");
}

void read_amd_clocks_and_link(const std::string& card, Subject& subject) {
  const std::string sensors = sensors_of(card);
  add(subject, quantity::device_clock, sensors + "/freq1_input", 1.0, {{"domain", "sm"}});
  add(subject, quantity::device_clock, sensors + "/freq2_input", 1.0, {{"domain", "memory"}});
  const double most = highest_clock_hz(card + "/pp_dpm_sclk");
  if (std::isfinite(most)) subject.add(quantity::device_clock_max, most, {{"domain", "sm"}});
  add_generation(subject, quantity::device_pcie_generation, card + "/current_link_speed");
  add_generation(subject, quantity::device_pcie_generation_max, card + "/max_link_speed");
  add(subject, quantity::device_pcie_width, card + "/current_link_width", 1.0);
  add(subject, quantity::device_pcie_width_max, card + "/max_link_width", 1.0);
}

void read_amd_card(const std::string& card, Subject& subject) {
  const std::string sensors = sensors_of(card);
  add(subject, quantity::device_utilization, card + "/gpu_busy_percent", 0.01);
  add(subject, quantity::device_memory_busy, card + "/mem_busy_percent", 0.01);
  add(subject, quantity::device_memory_total, card + "/mem_info_vram_total", 1.0);
  add(subject, quantity::device_memory_used, card + "/mem_info_vram_used", 1.0);
  read_heat(sensors, subject);
  // Newer GPUs have the present power only, older ones the average.
  const bool has_average = exists(sensors + "/power1_average");
  add(subject, quantity::device_power,
      sensors + (has_average ? "/power1_average" : "/power1_input"), 1e-6);
  add(subject, quantity::device_power_limit, sensors + "/power1_cap", 1e-6);
  const double fan = number_of(sensors + "/pwm1") / number_of(sensors + "/pwm1_max");
  if (std::isfinite(fan)) {
    subject.add(quantity::device_fan, fan);
  } else {
    subject.miss(quantity::device_fan, "it has no fan of its own");
  }
  add(subject, quantity::device_pcie_replays, card + "/pcie_replay_count", 1.0);
}

}  // namespace tacho
