// The list of dialects; each is made by one function in a file of its own.
#pragma once

#include <memory>

#include "protocol/protocol.h"

namespace tacho {

/// OpenAI chat completions.
std::unique_ptr<Protocol> make_openai_chat();
/// OpenAI completions.
std::unique_ptr<Protocol> make_openai_completions();
/// OpenAI embeddings.
std::unique_ptr<Protocol> make_openai_embeddings();

}  // namespace tacho
