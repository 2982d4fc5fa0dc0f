// OpenAI (legacy) completions: a plain prompt goes in, so no chat template changes its length.
#include "protocol/dialects.h"
#include "protocol/openai_json.h"

namespace tacho {
namespace {

Json completions_body(const Ask& ask) {
  Json body = openai_body(ask);
  body["prompt"] = ask.text;
  return body;
}

}  // namespace

std::unique_ptr<Protocol> make_openai_completions() {
  return make_openai({"completions", "/v1/completions", true, &completions_body});
}

}  // namespace tacho
