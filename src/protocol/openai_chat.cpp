// OpenAI chat completions, as vLLM, SGLang, TGI, llama.cpp, MindIE and many others serve them.
#include "protocol/dialects.h"
#include "protocol/openai_json.h"

namespace tacho {
namespace {

Json chat_body(const Ask& ask) {
  Json body = openai_body(ask);
  Json messages = Json::array();
  for (const auto& [role, content] : ask.messages) {
    messages.push_back({{"role", role}, {"content", content}});
  }
  body["messages"] = std::move(messages);
  return body;
}

}  // namespace

std::unique_ptr<Protocol> make_openai_chat() {
  return make_openai({"chat", "/v1/chat/completions", true, &chat_body});
}

}  // namespace tacho
