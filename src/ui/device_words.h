// What a device's readings come to in words: its name, what is wrong with it, shares.
#pragma once

#include <string>
#include <vector>

#include "ui/view.h"

namespace tacho {

/// True for a part (MIG) of a device.
bool is_device_part(const Subject& device);
/// Its number; 7:0 for a part.
std::string device_index(const Subject& device);
/// Its model without the maker; of a part, what part it is.
std::string device_name(const Subject& device);
/// "8 × H100 80GB HBM3, 2 × L4".
std::string devices_summary(const std::vector<const Subject*>& devices);
/// What is wrong with it, the worst first; an empty text when nothing is.
Notice device_remark(const ScreenInput& input, const Subject& device);
/// The values of a label of those readings of a quantity that are above 0, by commas.
std::string marked_labels(const Subject& device, const Quantity& quantity);
/// The die's temperature, or the first sensor's there is.
double core_temperature(const Subject& device);
/// Memory errors that were not corrected; NaN when it does not say.
double uncorrected_errors(const Subject& device);
/// Memory in use, as a ratio.
double device_memory_share(const Subject& device);
/// Power against its limit, as a ratio.
double device_power_share(const Subject& device);
/// "312/700W".
std::string device_power_text(const Subject& device);
/// Two rates, "1.2G/340M".
std::string pair_text(double down, double up);

}  // namespace tacho
