// Shaped prompts: exactly as long as asked, made of the corpus' text, and no two begin alike.
#include "workload/shape.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <set>
#include <string>

#include "base/file.h"
#include "workload/shape_corpus.h"

namespace tacho {
namespace {

std::vector<Prompt> shaped(const Dataset& corpus, const Tokenizer& tokenizer,
                           ShapeOptions options) {
  auto prompts = shape_prompts(corpus, tokenizer, options);
  if (!prompts) FAIL(prompts.error().message);
  CHECK(prompts->size() == options.count);
  return std::move(prompts).value();
}

/// The built-in tokenizer with a space put before every text and words glued into one stretch, as
/// SentencePiece does: the counts of pieces do not add up.
Tokenizer gluing_tokenizer() {
  std::string json = read_file(TACHO_SOURCE_FOLDER "/data/tokenizer.json").value();
  const std::string plain = "\"normalizer\":null";
  const auto at = json.find(plain);
  REQUIRE(at != std::string::npos);
  json.replace(at, plain.size(), R"("normalizer":{"type":"Prepend","prepend":" "})");
  char folder[] = "/tmp/tacho-shape-XXXXXX";
  const std::string path = std::string(::mkdtemp(folder)) + "/tokenizer.json";
  REQUIRE(write_file(path, json).ok());
  auto tokenizer = Tokenizer::load(path);
  std::filesystem::remove_all(folder);
  if (!tokenizer) FAIL(tokenizer.error().message);
  return std::move(tokenizer).value();
}

TEST_CASE("every prompt has exactly the tokens that were asked for, short or long") {
  const Dataset corpus = builtin_dataset();
  const Tokenizer tokenizer = Tokenizer::builtin();
  for (const std::uint32_t tokens : {1U, 2U, 7U, 16U, 100U, 2048U}) {
    CAPTURE(tokens);
    for (const Prompt& prompt :
         shaped(corpus, tokenizer,
                {.input_tokens = tokens, .output_tokens = 5, .count = 40, .seed = Seed{1}})) {
      CHECK(tokenizer.count(prompt_text(prompt)) == tokens);
      CHECK(prompt.input_tokens == tokens);
      CHECK(prompt.output_tokens == 5);
      CHECK(prompt.origin.starts_with("built-in:#"));
    }
  }
}

TEST_CASE("lengths are exact with a tokenizer whose counts do not add up") {
  const Dataset corpus = builtin_dataset();
  const Tokenizer tokenizer = gluing_tokenizer();
  CHECK(counts_add_up(Tokenizer::builtin()));
  CHECK_FALSE(counts_add_up(tokenizer));
  for (const std::uint32_t tokens : {5U, 64U, 1000U}) {
    for (const Prompt& prompt :
         shaped(corpus, tokenizer, {.input_tokens = tokens, .count = 30, .seed = Seed{2}})) {
      CHECK(tokenizer.count(prompt_text(prompt)) == tokens);
    }
  }
}

TEST_CASE("no two prompts begin with the same 16 tokens, even when most begin inside a message") {
  const Dataset corpus = builtin_dataset();
  const Tokenizer tokenizer = Tokenizer::builtin();
  std::set<std::vector<std::uint32_t>> begun;
  for (const Prompt& prompt :
       shaped(corpus, tokenizer, {.input_tokens = 48, .count = 3'000, .seed = Seed{3}})) {
    auto ids = tokenizer.encode(prompt_text(prompt));
    ids.resize(16);
    CHECK(begun.insert(std::move(ids)).second);
  }
}

TEST_CASE("a prompt is a stretch of the corpus' own text") {
  Dataset corpus = parse_dataset(R"([{"prompt": "The quick brown fox jumps over the lazy dog.",
                                      "completion": "It does so every day, in every font."},
                                     {"prompt": "春天来了，花开了，鸟儿在唱歌。"}])",
                                 "tiny.json", "")
                       .value();
  const std::string all =
      "The quick brown fox jumps over the lazy dog.\n\nIt does so every day, in every font.\n\n"
      "春天来了，花开了，鸟儿在唱歌。\n\n";
  const Tokenizer tokenizer = Tokenizer::builtin();
  for (const Prompt& prompt :
       shaped(corpus, tokenizer, {.input_tokens = 18, .count = 10, .seed = Seed{4}})) {
    CHECK((all + all).find(prompt_text(prompt)) != std::string::npos);
  }
  // Longer than the corpus: it comes round again.
  const auto tokens = static_cast<std::uint32_t>(tokenizer.count(all) * 3);
  const auto prompts =
      shaped(corpus, tokenizer, {.input_tokens = tokens, .count = 1, .seed = Seed{4}});
  CHECK((all + all + all + all).find(prompt_text(prompts[0])) != std::string::npos);
}

TEST_CASE("the first prompts begin where messages begin") {
  const Dataset corpus = builtin_dataset();
  std::set<std::string> heads;
  for (const Prompt& prompt : corpus.prompts) heads.insert(prompt_text(prompt).substr(0, 12));
  for (const Prompt& prompt :
       shaped(corpus, Tokenizer::builtin(), {.input_tokens = 64, .count = 50, .seed = Seed{5}})) {
    CHECK(heads.count(prompt_text(prompt).substr(0, 12)) == 1);
  }
}

TEST_CASE("the seed decides, and nothing else does") {
  const Dataset corpus = builtin_dataset();
  const Tokenizer tokenizer = Tokenizer::builtin();
  const auto texts = [&](std::uint64_t seed) {
    std::string joined;
    for (const Prompt& prompt :
         shaped(corpus, tokenizer, {.input_tokens = 32, .count = 200, .seed = Seed{seed}})) {
      joined += prompt_text(prompt) + "\x1f";
    }
    return joined;
  };
  CHECK(texts(1) == texts(1));
  CHECK(texts(1) != texts(2));
}

TEST_CASE("a corpus with too few places to begin at is refused, and so is a length of 0") {
  const Dataset corpus =
      parse_dataset(R"([{"prompt": "Only a few words are in here, not enough for so many."}])",
                    "tiny.json", "")
          .value();
  const Tokenizer tokenizer = Tokenizer::builtin();
  const auto many = shape_prompts(corpus, tokenizer, {.input_tokens = 20, .count = 50});
  REQUIRE_FALSE(many.ok());
  CHECK(many.error().message.find("larger dataset") != std::string::npos);
  CHECK_FALSE(shape_prompts(corpus, tokenizer, {.input_tokens = 0, .count = 1}).ok());
  CHECK(shape_prompts(corpus, tokenizer, {.input_tokens = 20, .count = 0})->empty());
}

TEST_CASE("text without a space or a full stop still yields exact lengths") {
  std::string long_word;
  for (int i = 0; i < 400; ++i) long_word += "x7Qz\xf0\x9f\x90\x8d";
  const Dataset corpus =
      parse_dataset("[{\"prompt\": \"" + long_word + "\"}, {\"prompt\": \"End.\"}]", "one.json", "")
          .value();
  const Tokenizer tokenizer = Tokenizer::builtin();
  const auto prompts =
      shaped(corpus, tokenizer, {.input_tokens = 300, .count = 1, .seed = Seed{1}});
  CHECK(tokenizer.count(prompt_text(prompts[0])) == 300);
}

TEST_CASE(
    "pieces begin at words and at Chinese marks, never inside a character or a run of blanks") {
  CHECK(piece_begins("") == std::vector<std::uint32_t>{});
  CHECK(piece_begins("one two  three\n four ") == std::vector<std::uint32_t>{0, 3});
  CHECK(piece_begins("春，夏") == std::vector<std::uint32_t>{0, 3});
}

}  // namespace
}  // namespace tacho
