// AMD's GPUs in /sys, as the kernel's driver shows them: all there is without AMD's library, and
// what the library's structures have no stable form for (clocks, the PCIe link).
#pragma once

#include <string>
#include <vector>

#include "monitor/snapshot.h"

namespace tacho {

/// The folders of AMD's GPUs below `root`/sys/class/drm, in the order of their PCIe addresses.
std::vector<std::string> find_amd_cards(const std::string& root);

/// The PCIe address of a card's folder, such as "0000:03:00.0"; "" when it has none.
std::string amd_bus_id(const std::string& card);

/// Adds clocks and the PCIe link.
void read_amd_clocks_and_link(const std::string& card, Subject& subject);

/// Adds everything else that is there: load, memory, heat, power, fan.
void read_amd_card(const std::string& card, Subject& subject);

/// The name of the product, or of the driver's device number.
std::string amd_model(const std::string& card);

}  // namespace tacho
