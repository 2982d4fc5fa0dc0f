// OpenAI embeddings: several texts in, vectors out, no stream; only end-to-end time and input tokens apply.
#include "protocol/dialects.h"
#include "protocol/openai_json.h"

namespace tacho {
namespace {

class EmbeddingsProtocol final : public Protocol {
 public:
  std::string_view name() const override { return "embeddings"; }
  std::string_view path() const override { return "/v1/embeddings"; }
  bool can_stream() const override { return false; }
  std::string body(const Ask& ask) const override {
    Json body;
    body["model"] = ask.model;
    body["input"] = ask.inputs;
    return finish_body(std::move(body), ask);
  }
  void read_event(std::string_view data, Delta& delta) const override {
    read_openai_json(data, delta);
  }
  void read_answer(std::string_view text, Delta& delta) const override {
    read_openai_json(text, delta);
  }
};

}  // namespace

std::unique_ptr<Protocol> make_openai_embeddings() { return std::make_unique<EmbeddingsProtocol>(); }

}  // namespace tacho
