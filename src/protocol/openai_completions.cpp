// OpenAI (legacy) completions: a plain prompt goes in, so no chat template changes its length.
#include "protocol/dialects.h"
#include "protocol/openai_json.h"

namespace tacho {
namespace {

class CompletionsProtocol final : public Protocol {
 public:
  std::string_view name() const override { return "completions"; }
  std::string_view path() const override { return "/v1/completions"; }
  bool can_stream() const override { return true; }
  std::string body(const Ask& ask) const override {
    Json body = openai_body(ask);
    body["prompt"] = ask.text;
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

std::unique_ptr<Protocol> make_openai_completions() { return std::make_unique<CompletionsProtocol>(); }

}  // namespace tacho
