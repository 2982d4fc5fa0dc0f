// The JSON that OpenAI's chat and completions dialects share, in streams and in whole answers, with
// the fields that vLLM, SGLang, llama.cpp and the Ascend suite add to it.
#pragma once

#include <string_view>

#include "protocol/protocol.h"

namespace tacho {

/// Reads one event or one whole answer into the delta (which is reset first). A few hundred
/// nanoseconds: it runs for every token, after the token's time has been taken.
void read_openai_json(std::string_view json, Delta& delta);

/// The fields that chat and completions have in common.
Json openai_body(const Ask& ask);

/// One of OpenAI's dialects: they differ in their path and the body of a request, not in how
/// answers are read.
struct OpenAiDialect {
  std::string_view name;
  std::string_view path;
  bool can_stream = true;
  Json (*body)(const Ask&);  ///< Without the ask's extra fields, which are put over it.
};

/// The protocol of that dialect.
std::unique_ptr<Protocol> make_openai(const OpenAiDialect& dialect);

}  // namespace tacho
