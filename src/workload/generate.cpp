#include "workload/generate.h"

#include <algorithm>
#include <cmath>

#include "base/file.h"
#include "base/text.h"

namespace tacho {

std::uint32_t draw_length(const LengthLaw& law, Random& random) {
  const double drawn = std::round(law.mean + law.deviation * random.normal());
  const double clipped =
      std::clamp(drawn, static_cast<double>(law.minimum), static_cast<double>(law.maximum));
  return static_cast<std::uint32_t>(clipped);
}

Status check_law(const LengthLaw& law, const std::string& what) {
  if (law.minimum == 0)
    return input_error(format("{}: the minimum must be at least 1 token", what));
  if (law.maximum < law.minimum) {
    return input_error(
        format("{}: the maximum {} is below the minimum {}", what, law.maximum, law.minimum));
  }
  const bool inside = law.mean >= law.minimum && law.mean <= law.maximum;
  if (!inside) {
    return input_error(format("{}: the average {} lies outside {} to {}", what, law.mean,
                              law.minimum, law.maximum));
  }
  const bool is_spread = std::isfinite(law.deviation) && law.deviation >= 0.0;
  if (!is_spread) return input_error(format("{}: the standard deviation must be 0 or more", what));
  return Nothing{};
}

std::vector<PromptLengths> draw_lengths(const GenerateOptions& options) {
  Random input(options.seed, "input lengths");
  Random output(options.seed, "output lengths");
  std::vector<PromptLengths> lengths(options.count);
  for (PromptLengths& one : lengths) {
    one.input_tokens = draw_length(options.input, input);
    one.output_tokens = draw_length(options.output, output);
  }
  return lengths;
}

Result<std::vector<Prompt>> generate_prompts(const Dataset& corpus, const Tokenizer& tokenizer,
                                             const GenerateOptions& options) {
  if (const Status good = check_law(options.input, "input tokens"); !good) return good.error();
  if (const Status good = check_law(options.output, "output tokens"); !good) return good.error();
  return shape_prompts(corpus, tokenizer, draw_lengths(options), options.seed, options.progress);
}

std::string prompts_json(const std::vector<Prompt>& prompts) {
  std::string out = "[";
  for (const Prompt& prompt : prompts) {
    std::string system;
    std::string text;
    for (const Message& message : prompt.messages) {
      std::string& target = message.role == "system" ? system : text;
      if (!target.empty()) target += '\n';
      target += message.content;
    }
    out += out.size() == 1 ? "\n{" : ",\n{";
    if (!system.empty()) {
      out += "\"system\": \"";
      append_json_escaped(out, system);
      out += "\", ";
    }
    out += "\"prompt\": \"";
    append_json_escaped(out, text);
    out += format("\", \"input_tokens\": {}, \"output_tokens\": {}}}", prompt.input_tokens,
                  prompt.output_tokens);
  }
  return out + "\n]\n";
}

Status write_prompts(const std::string& path, const std::vector<Prompt>& prompts) {
  return write_file(path, prompts_json(prompts));
}

}  // namespace tacho
