// Datasets: files of prompts that people already have. What a file holds is read entry by entry, by
// one small reader for each format (dataset_<format>.cpp); new ones are a new file and one line in
// dataset.cpp.
//
// Real sets are large (ShareGPT: 600 MB) and dirty. An entry that cannot be a prompt is left out
// and counted with its reason, so that nothing is lost in silence; a file that is broken is refused
// as a whole.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "workload/prompt.h"

namespace tacho {

/// The usable prompts of a file, in its order.
struct Dataset {
  std::string name;             ///< The file's name without its folder, or "built-in".
  std::uint64_t hash = 0;       ///< FNV-1a of the file's bytes.
  std::vector<Prompt> prompts;  ///< Single-turn: a system message if there is one, and a user's.
  std::vector<std::string>
      replies;              ///< The reference answer of each prompt; empty when there is none.
  std::size_t skipped = 0;  ///< Entries that could not be used.
  std::string skipped_why;  ///< "3 without a human turn, 1 empty"; empty when none.
};

/// Reads a dataset: a JSON list of entries, or one entry a line. `type` is a format's name or
/// alias; empty means that the first entry decides. Errors name the file and the line or entry.
Result<Dataset> load_dataset(const std::string& path, const std::string& type);

/// The same for bytes that are already here; `name` stands for the path in messages and origins.
Result<Dataset> parse_dataset(std::string text, const std::string& name, const std::string& type);

/// The conversations that are part of the binary: ours, English, Chinese and a few other languages.
Dataset builtin_dataset();

/// The names that `type` may have, aliases left out: for help texts.
std::vector<std::string> dataset_types();

}  // namespace tacho
