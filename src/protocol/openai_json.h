// The JSON that OpenAI's chat and completions dialects share, in streams and in whole answers, with the fields that
// vLLM, SGLang, llama.cpp and the Ascend suite add to it.
#pragma once

#include <string_view>

#include "protocol/protocol.h"

namespace tacho {

/// Reads one event or one whole answer into the delta (which is reset first). A few hundred nanoseconds: it runs for every
/// token, after the token's time has been taken.
void read_openai_json(std::string_view json, Delta& delta);

/// The fields that chat and completions have in common.
Json openai_body(const Ask& ask);

/// Puts the ask's extra fields over the body's own.
std::string finish_body(Json body, const Ask& ask);

}  // namespace tacho
