#include "workload/tokenizer.h"

#include <tacho_tokenizer.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "base/embedded.h"
#include "base/file.h"
#include "base/text.h"
#include "workload/fingerprint.h"

namespace tacho {
namespace {

TACHO_EMBEDDED(builtin_tokenizer)

const std::uint8_t* bytes_of(std::string_view text) {
  return reinterpret_cast<const std::uint8_t*>(text.data());
}

std::string take_text(tacho_tokenizer_text text) {
  std::string copy(reinterpret_cast<const char*>(text.data), text.size);
  tacho_tokenizer_free_text(text);
  return copy;
}

/// What to say about a folder without a tokenizer.json: other tokenizer files are a frequent trap.
Error no_tokenizer_in(const std::string& folder) {
  for (const char* other : {"tokenizer.model", "vocab.json", "tiktoken.model", "spiece.model"}) {
    if (!exists(folder + "/" + other)) continue;
    return input_error(
        format("'{}' holds {} but no tokenizer.json: write one with transformers: "
               "AutoTokenizer.from_pretrained('{}').save_pretrained('{}')",
               folder, other, folder, folder));
  }
  return input_error(
      format("no tokenizer.json in '{}': name the file, or the model's folder", folder));
}

/// The tokenizer.json of a model in the local Hugging Face cache, or "".
std::string cached_tokenizer(const std::string& model) {
  const char* home = std::getenv("HOME");
  const char* hub = std::getenv("HF_HUB_CACHE");
  const char* hf_home = std::getenv("HF_HOME");
  std::string root = home == nullptr ? "" : std::string(home) + "/.cache/huggingface/hub";
  if (hf_home != nullptr) root = std::string(hf_home) + "/hub";
  if (hub != nullptr) root = hub;

  std::string folder = root + "/models--";
  for (const char c : model) folder += c == '/' ? std::string("--") : std::string(1, c);
  std::vector<std::string> found;
  std::error_code failure;
  for (const auto& snapshot : std::filesystem::directory_iterator(folder + "/snapshots", failure)) {
    const std::string file = snapshot.path().string() + "/tokenizer.json";
    if (exists(file)) found.push_back(file);
  }
  // Several revisions may be there, in no order that means anything; any fixed choice will do.
  return found.empty() ? "" : *std::min_element(found.begin(), found.end());
}

/// True for what can be a model's name on the hub: "gpt2", "meta-llama/Llama-3.1-8B".
bool may_be_model_name(const std::string& asked) {
  return asked.front() != '/' && asked.front() != '.' && asked.find("..") == std::string::npos;
}

}  // namespace

void Tokenizer::Free::operator()(tacho_tokenizer* tokenizer) const {
  tacho_tokenizer_free(tokenizer);
}

Result<Tokenizer> Tokenizer::from_bytes(std::string_view json, std::string name) {
  tacho_tokenizer_text reason{};
  Handle handle(tacho_tokenizer_load(bytes_of(json), json.size(), &reason));
  if (handle == nullptr) {
    return input_error(
        format("'{}' is no tokenizer.json that can be used: {}", name, take_text(reason)));
  }
  return Tokenizer(std::move(handle), std::move(name), fnv1a(json));
}

Result<Tokenizer> Tokenizer::load(const std::string& path) {
  std::string file = path;
  if (is_folder(path)) {
    file = path + "/tokenizer.json";
    if (!exists(file)) return no_tokenizer_in(path);
  } else if (path.ends_with(".model")) {
    return input_error(
        format("'{}' is not a tokenizer.json: tacho reads the Hugging Face format only; "
               "transformers' save_pretrained writes one",
               path));
  }
  auto json = read_file(file);
  if (!json) return json.error();
  return from_bytes(*json, file);
}

Tokenizer Tokenizer::builtin() { return from_bytes(builtin_tokenizer(), "built-in").value(); }

std::size_t Tokenizer::count(std::string_view text) const {
  const std::int64_t tokens = tacho_tokenizer_count(handle_.get(), bytes_of(text), text.size());
  // Only a broken tokenizer.json (an entry for unknown text that does not exist, say) fails here.
  return tokens < 0 ? 0 : static_cast<std::size_t>(tokens);
}

std::vector<std::uint32_t> Tokenizer::encode(std::string_view text) const {
  tacho_tokenizer_ids ids{};
  if (tacho_tokenizer_encode(handle_.get(), bytes_of(text), text.size(), &ids) != 0) return {};
  std::vector<std::uint32_t> copy(ids.data, ids.data + ids.size);
  tacho_tokenizer_free_ids(ids);
  return copy;
}

std::string Tokenizer::decode(std::span<const std::uint32_t> ids) const {
  tacho_tokenizer_text text{};
  if (tacho_tokenizer_decode(handle_.get(), ids.data(), ids.size(), &text) != 0) return {};
  return take_text(text);
}

Result<TokenizerChoice> choose_tokenizer(const std::string& asked) {
  if (asked.empty()) return TokenizerChoice{Tokenizer::builtin(), ""};
  std::string path = exists(asked) ? asked : "";
  if (path.empty() && may_be_model_name(asked)) path = cached_tokenizer(asked);
  if (path.empty()) {
    return TokenizerChoice{
        Tokenizer::builtin(),
        format("tokenizer '{}' is not on this disk: tokens are counted with the built-in one; "
               "for exact counts give the model's tokenizer.json or its folder",
               asked)};
  }
  auto loaded = Tokenizer::load(path);
  if (!loaded) return loaded.error();
  return TokenizerChoice{std::move(loaded).value(), ""};
}

}  // namespace tacho
