// The list of processes: which are shown, in which order, under whom.
#pragma once

#include <string>
#include <vector>

#include "ui/view.h"

namespace tacho {

/// A process on one device. What is not known is NaN.
struct ProcessRow {
  RowId id;
  const Subject* subject = nullptr;
  std::string type;  ///< C compute, G graphics, as the driver says.
  std::string user;
  std::string command;
  std::string branch;  ///< In a tree, the lines in front of the command.
  double device_memory = 0.0;
  double sm = 0.0;
  double memory_busy = 0.0;
  double cpu = 0.0;     ///< Cores.
  double memory = 0.0;  ///< Share of the host's.
  double bytes = 0.0;   ///< Resident.
  double age = 0.0;     ///< Seconds.
};

/// The rows that pass the filter, in the order chosen.
std::vector<ProcessRow> process_rows(const ScreenInput& input, const ViewState& view);

/// The name of an order, as shown: "gpu-mem".
std::string_view sort_name(SortKey key);

/// The order that a key after 'o' picks, as in nvitop; nothing for other keys.
std::optional<SortKey> sort_of_key(char32_t key);

}  // namespace tacho
