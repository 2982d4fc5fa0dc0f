// What exporters of devices call the canonical metrics: NVIDIA's dcgm-exporter and Ascend's
// npu-exporter. Tables, so that a renaming is a line here and nothing else.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "monitor/metrics_text.h"

namespace tacho {

/// Where one canonical metric comes from on an exporter's page. Of several rows for one metric and
/// label, the first whose name is on the page counts.
struct DeviceName {
  const Quantity* quantity = nullptr;
  std::string_view name;        ///< The family's name; several joined by '+' are added up.
  double scale = 1.0;           ///< Source unit to canonical unit.
  std::string_view label = {};  ///< Which of several, such as "sensor=memory".
  std::string_view hint = {};   ///< What to do where it is not exported; "" where that is usual.
};

/// An exporter of devices.
struct DeviceExporter {
  std::string_view name;          ///< Such as "dcgm-exporter".
  std::string_view mark;          ///< How a name begins that only its pages have.
  std::string_view vendor;        ///< As in the label.
  std::string_view device_label;  ///< The label that numbers devices.
  std::string_view model_label;
  std::string_view fault;  ///< The family whose value is the code of the latest fault.
  std::span<const DeviceName> names;
};

/// All exporters that are known.
std::span<const DeviceExporter> device_exporters();

/// The exporter whose page this is, or null.
const DeviceExporter* recognise_exporter(const MetricsText& page);

/// One subject for each device, or part of one, on the page. `instance` becomes a label and stands
/// before the ids. Samples with a stamp older than a minute before `wall_ms` are stale: the device
/// is then in trouble, and has no values.
std::vector<Subject> normalise_devices(const MetricsText& page, const DeviceExporter& exporter,
                                       std::string_view instance, std::int64_t wall_ms);

}  // namespace tacho
