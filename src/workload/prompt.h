// One input for a server, with the lengths that are known or wanted. How it becomes bytes is the
// protocol's business, and when it is sent the schedule's.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tacho {

/// One message of a conversation. Roles are the chat dialect's: "system", "user", "assistant".
struct Message {
  std::string role;
  std::string content;
};

/// One input with its limits.
struct Prompt {
  std::vector<Message> messages = {};
  std::uint32_t input_tokens = 0;   ///< Tokens of the text alone, no chat template; 0: not counted.
  std::uint32_t output_tokens = 0;  ///< Wanted or expected answer; 0: unknown.
  std::string origin = {};          ///< Where it comes from: "file.json:#12", "file.jsonl:12".
  std::vector<std::string> inputs =
      {};  ///< Texts to embed; empty: the prompt's own text is the one.
};

/// The contents joined by line ends: what a completions endpoint gets, and what is counted.
std::string prompt_text(const Prompt& prompt);

}  // namespace tacho
