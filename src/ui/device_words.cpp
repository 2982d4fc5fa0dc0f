#include "ui/device_words.h"

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "ui/numbers.h"

namespace tacho {

std::string pair_text(double down, double up) {
  if (std::isnan(down) && std::isnan(up)) return std::string(not_available);
  return byte_rate_text(down) + "/" + byte_rate_text(up);
}

/// Sensors: the die's, or the first there is.
double core_temperature(const Subject& device) {
  const double core = device.value(quantity::device_temperature, "core");
  return std::isfinite(core) ? core : device.value(quantity::device_temperature);
}

/// Uncorrected errors; they are those that end programs.
double uncorrected_errors(const Subject& device) {
  double sum = std::nan("");
  for (const Reading& reading : device.readings) {
    if (reading.quantity != &quantity::device_ecc_errors || !reading.missing.empty()) continue;
    const bool is_uncorrected =
        std::any_of(reading.labels.begin(), reading.labels.end(), [](const auto& l) {
          return l.second.find("uncorrect") != std::string::npos || l.second == "double_bit";
        });
    if (is_uncorrected) sum = (std::isnan(sum) ? 0.0 : sum) + reading.value;
  }
  return sum;
}

/// The values of a label of those readings of a quantity that are above 0, by commas.
std::string marked_labels(const Subject& device, const Quantity& quantity) {
  std::string out;
  for (const Reading& reading : device.readings) {
    const bool is_on = reading.quantity == &quantity && reading.missing.empty() &&
                       reading.value > 0.0 && !reading.labels.empty();
    if (!is_on || reading.labels.front().second == "idle") continue;
    out += (out.empty() ? "" : ", ") + reading.labels.front().second;
  }
  return out;
}

/// What is wrong with a device, the worst first.
Notice device_remark(const ScreenInput& input, const Subject& device) {
  if (!device.trouble.empty()) return {Role::heavy, device.trouble};
  if (is_stale(input, device)) {
    return {Role::dim, format("read {} ago", age_text(to_s(input.snapshot.at - device.at)))};
  }
  const std::string faults = marked_labels(device, quantity::device_faults);
  if (!faults.empty()) return {Role::heavy, "fault " + faults};
  const std::string throttled = marked_labels(device, quantity::device_throttled);
  if (!throttled.empty()) return {Role::moderate, "throttled: " + throttled};
  const double width = device.value(quantity::device_pcie_width);
  const double width_max = device.value(quantity::device_pcie_width_max);
  if (width < width_max)
    return {Role::moderate, format("PCIe x{:.0f} of x{:.0f}", width, width_max)};
  return {Role::dim, ""};
}

double device_memory_share(const Subject& device) {
  return device.value(quantity::device_memory_used) / device.value(quantity::device_memory_total);
}

double device_power_share(const Subject& device) {
  return device.value(quantity::device_power) / device.value(quantity::device_power_limit);
}

std::string device_power_text(const Subject& device) {
  const double used = device.value(quantity::device_power);
  const double limit = device.value(quantity::device_power_limit);
  if (std::isnan(used) && std::isnan(limit)) return std::string(not_available);
  return number_text(used, "") + "/" + number_text(limit, "W");
}

std::string device_index(const Subject& device) {
  const std::string_view mig = label(device.labels, "mig");
  const std::string_view number = label(device.labels, "device");
  return mig.empty() ? std::string(number) : format("{}:{}", number, mig);
}

std::string device_name(const Subject& device) {
  const std::string_view mig = label(device.labels, "mig");
  std::string_view model = label(device.labels, "model");
  if (!mig.empty()) {
    const std::size_t profile = model.find("MIG ");
    if (profile == std::string_view::npos) return format("MIG {}", mig);
    return format("MIG {}: {}", mig, model.substr(profile + 4));
  }
  if (model.starts_with("NVIDIA ")) model.remove_prefix(7);
  return std::string(model);
}

bool is_device_part(const Subject& device) { return !label(device.labels, "mig").empty(); }

/// "8 × H100 80GB HBM3, 2 × L4".
std::string devices_summary(const std::vector<const Subject*>& devices) {
  std::vector<std::pair<std::string, int>> models;
  for (const Subject* device : devices) {
    if (is_device_part(*device)) continue;
    const std::string name = device_name(*device);
    const auto same = [&](const auto& one) { return one.first == name; };
    const auto found = std::find_if(models.begin(), models.end(), same);
    if (found == models.end()) {
      models.emplace_back(name, 1);
    } else {
      ++found->second;
    }
  }
  std::vector<std::string> parts;
  for (const auto& [name, count] : models) parts.push_back(format("{} × {}", count, name));
  return join(parts, ", ");
}

}  // namespace tacho
