// Traces as comma-separated tables, the form in which Azure publishes its own.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "workload/trace.h"

namespace tacho {

/// True when the text begins with such a table's head: TIMESTAMP,ContextTokens,GeneratedTokens.
bool is_csv_trace(std::string_view text);

/// Reads one, in the order of its times. A time is "2023-11-16 18:15:46.6805900", with or without
/// fraction and zone, or seconds as a number. The error names the file and the line.
Result<std::vector<TraceEntry>> parse_csv_trace(std::string_view text, const std::string& name);

}  // namespace tacho
