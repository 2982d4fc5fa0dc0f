// OpenAI embeddings: several texts in, vectors out, no stream; only end-to-end time and input
// tokens apply.
#include "protocol/dialects.h"
#include "protocol/openai_json.h"

namespace tacho {
namespace {

Json embeddings_body(const Ask& ask) { return {{"model", ask.model}, {"input", ask.inputs}}; }

}  // namespace

std::unique_ptr<Protocol> make_openai_embeddings() {
  return make_openai({"embeddings", "/v1/embeddings", false, &embeddings_body});
}

}  // namespace tacho
