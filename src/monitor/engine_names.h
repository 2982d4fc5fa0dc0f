// What each inference engine calls the canonical metrics: a table, so that a renaming in an engine
// is a line here and nothing else.
#pragma once

#include <span>
#include <string_view>

#include "monitor/metrics_text.h"

namespace tacho {

/// Where one canonical metric comes from on an engine's page. Of several rows for one metric the
/// first whose name is on the page counts.
struct EngineName {
  const Quantity* quantity = nullptr;
  /// The family's name with '_' for ':'. A leading '+' adds it to the row before it, a leading '-'
  /// takes it away from that, down to 0.
  std::string_view name;
  /// Which lines count: "label=this|that", "label=" for those without it, "" for all; "a*b"
  /// multiplies the values of two labels.
  std::string_view where = {};
  double scale = 1.0;  ///< Source unit to canonical unit.
};

/// An inference engine.
struct EngineKind {
  std::string_view name;           ///< As tacho writes it, such as "vllm".
  std::string_view mark;           ///< How a name that only this engine has begins.
  std::string_view model_label;    ///< The label that names the model; "" when there is none.
  std::string_view replica_label;  ///< The label of data-parallel replicas; "" when there is none.
  /// Labels of ranks that all say the same of one replica, "a|b": only the lowest that is there
  /// counts. A replica's lowest need not be 0: SGLang numbers them across replicas.
  std::string_view rank_labels;
  std::span<const EngineName> names;
  std::string_view versions;  ///< The versions whose names these are.
};

/// All engines that are known.
std::span<const EngineKind> engine_kinds();

/// The engine whose page this is, or null.
const EngineKind* recognise_engine(const MetricsText& page);

/// One subject for each model and replica on the page, with the canonical metrics that it has.
/// `instance` becomes a label.
std::vector<Subject> normalise(const MetricsText& page, const EngineKind& kind,
                               std::string_view instance);

}  // namespace tacho
