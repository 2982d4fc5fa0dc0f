// Help texts, the man page and shell completions, all made from the flag tables.
#pragma once

#include <string>

#include "cli/flags.h"

namespace tacho {

/// What `tacho --help` prints.
std::string overview_text();
/// The man page, in roff.
std::string man_page();
/// The completion script of a shell: bash, zsh or fish.
Result<std::string> completion(std::string_view shell);

}  // namespace tacho
