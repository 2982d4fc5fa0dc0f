// OpenAI chat completions, as vLLM, SGLang, TGI, llama.cpp, MindIE and many others serve them.
#include "protocol/dialects.h"
#include "protocol/openai_json.h"

namespace tacho {
namespace {

class ChatProtocol final : public Protocol {
 public:
  std::string_view name() const override { return "chat"; }
  std::string_view path() const override { return "/v1/chat/completions"; }
  bool can_stream() const override { return true; }
  std::string body(const Ask& ask) const override {
    Json body = openai_body(ask);
    Json messages = Json::array();
    for (const auto& [role, content] : ask.messages) {
      messages.push_back({{"role", role}, {"content", content}});
    }
    body["messages"] = std::move(messages);
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

std::unique_ptr<Protocol> make_openai_chat() { return std::make_unique<ChatProtocol>(); }

}  // namespace tacho
