// The entries of a dataset file, whatever their format: a JSON list of them, or one on each line.
// Reads with simdjson on demand, so that a set of 600 MB takes seconds, and says where a broken
// file breaks.
#pragma once

#include <functional>
#include <string>

#include "base/result.h"
#include "workload/dataset_format.h"

namespace tacho {

/// Where an entry stands, and what it is: an object, or a bare string (then `object` is null).
struct EntryView {
  JsonObject* object = nullptr;
  std::string_view text;
  std::string origin;  ///< "set.json:#12", the 12th of a list; "set.jsonl:12", line 12.
};

/// Called for each entry in file order; a JSON error ends the walk and becomes the file's Error.
using EntryVisitor = std::function<JsonError(const EntryView&)>;

/// Walks the entries. `path` is for messages, `name` for origins. The text gets simdjson's padding
/// appended, which is why it is handed over.
Status visit_entries(std::string text, const std::string& path, const std::string& name,
                     const EntryVisitor& visit);

}  // namespace tacho
