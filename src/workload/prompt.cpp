#include "workload/prompt.h"

namespace tacho {

std::string prompt_text(const Prompt& prompt) {
  std::string text;
  for (const Message& message : prompt.messages) {
    if (!text.empty()) text += '\n';
    text += message.content;
  }
  return text;
}

}  // namespace tacho
