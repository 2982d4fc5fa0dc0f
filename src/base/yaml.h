// Reads the part of YAML in which people write rule files: block maps and lists, plain, quoted,
// literal (|) and folded (>) texts, comments, and short lists and maps on one line. What is beyond
// it (anchors, tags, several documents) is refused with its line, never guessed.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"

namespace tacho {

/// The document as JSON. Every scalar is a string, as it was written, and an empty one is null:
/// what a field means is for its reader to say. The error names `what` and the line.
Result<Json> parse_yaml(std::string_view text, std::string_view what);

/// Reads and parses a YAML file.
Result<Json> read_yaml_file(const std::string& path);

/// The text as a YAML scalar on one line, quoted where it has to be.
std::string yaml_scalar(std::string_view text);

}  // namespace tacho
