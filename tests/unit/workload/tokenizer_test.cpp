// The tokenizer behind its C ABI: counts, round trips, and what is said about files that are no
// tokenizer.
#include "workload/tokenizer.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "base/file.h"
#include "base/random.h"
#include "base/text.h"

namespace tacho {
namespace {

/// A folder of this test's own, removed at the end.
struct Folder {
  std::string path;
  Folder() {
    char name[] = "/tmp/tacho-tokenizer-XXXXXX";
    path = ::mkdtemp(name);
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string file(const std::string& name, std::string_view content) const {
    REQUIRE(write_file(path + "/" + name, content).ok());
    return path + "/" + name;
  }
};

std::string builtin_json() { return read_file(TACHO_SOURCE_FOLDER "/data/tokenizer.json").value(); }

TEST_CASE("the built-in tokenizer counts what it encodes and restores what it encoded") {
  const Tokenizer tokenizer = Tokenizer::builtin();
  CHECK(tokenizer.name() == "built-in");
  for (const char* text : {"", "Hello, world!", "今天天气很好。", "a\n\n  b\tc",
                           "naïve \xf0\x9f\x98\x80", "<|im_start|>user", "x = [1, 2, 3]  # list"}) {
    CAPTURE(text);
    const auto ids = tokenizer.encode(text);
    CHECK(ids.size() == tokenizer.count(text));
    CHECK(tokenizer.decode(ids) == text);
  }
  CHECK(tokenizer.count("") == 0);
  CHECK(tokenizer.encode("<|im_start|>").size() == 1);
}

TEST_CASE("bytes that are not UTF-8 and zero bytes are counted, not refused") {
  const Tokenizer tokenizer = Tokenizer::builtin();
  CHECK(tokenizer.count("\xff\xfe") > 0);
  CHECK(tokenizer.count(std::string_view("a\0b", 3)) >= 3);
  CHECK(tokenizer.decode(std::vector<std::uint32_t>{4'000'000'000U}).empty());
}

TEST_CASE("each of the simulated engine's words is one token, and a text of n words has n tokens") {
  const Tokenizer tokenizer = Tokenizer::builtin();
  const std::string file = read_file(TACHO_SOURCE_FOLDER "/data/words.txt").value();
  std::vector<std::string_view> words = split(trim(file), '\n');
  CHECK(words.size() >= 1'800);
  Random random(Seed{3}, "words");
  std::string text;
  for (std::size_t n = 1; n <= 3'000; ++n) {
    if (n > 1) text += ' ';
    text += words[static_cast<std::size_t>(random.below(words.size()))];
    if (n % 500 == 1) CHECK(tokenizer.count(text) == n);
    if (n % 500 == 1) CHECK(tokenizer.count(" " + text) == n);
  }
}

TEST_CASE("a tokenizer.json is loaded from its file or its folder, with the same fingerprint") {
  const Folder folder;
  const std::string path = folder.file("tokenizer.json", builtin_json());
  const auto by_file = Tokenizer::load(path);
  const auto by_folder = Tokenizer::load(folder.path);
  REQUIRE(by_file.ok());
  REQUIRE(by_folder.ok());
  CHECK(by_file->name() == path);
  CHECK(by_folder->name() == path);
  CHECK(by_file->fingerprint() == Tokenizer::builtin().fingerprint());
  CHECK(by_folder->count("one two three") == Tokenizer::builtin().count("one two three"));
}

TEST_CASE("a cut or padding that a file asks for does not change counts") {
  std::string json = builtin_json();
  const std::string plain = "\"truncation\":null,\"padding\":null";
  const auto at = json.find(plain);
  REQUIRE(at != std::string::npos);
  json.replace(at, plain.size(),
               R"("truncation":{"direction":"Right","max_length":4,"strategy":"LongestFirst",)"
               R"("stride":0},"padding":{"strategy":{"Fixed":64},"direction":"Right",)"
               R"("pad_to_multiple_of":null,"pad_id":0,"pad_type_id":0,"pad_token":"<|bos|>"})");
  const Folder folder;
  const auto tokenizer = Tokenizer::load(folder.file("tokenizer.json", json));
  REQUIRE(tokenizer.ok());
  const char* text = "a text of more than four tokens but not sixty-four";
  CHECK(tokenizer->count(text) == Tokenizer::builtin().count(text));
}

TEST_CASE("what is no tokenizer.json is refused in one line that says what to do") {
  const Folder folder;
  const auto message = [](const std::string& path) {
    const auto loaded = Tokenizer::load(path);
    REQUIRE_FALSE(loaded.ok());
    CHECK(loaded.error().message.find('\n') == std::string::npos);
    return loaded.error().message;
  };
  CHECK(message(folder.file("broken.json", "{\"version\": ")).find("broken.json") !=
        std::string::npos);
  CHECK(message(folder.file("empty.json", "")).find("no tokenizer.json") != std::string::npos);
  CHECK(message(folder.path + "/absent.json").find("cannot read") != std::string::npos);
  CHECK(message(folder.path).find("no tokenizer.json in") != std::string::npos);
  const std::string model = folder.file("tokenizer.model", "\x0a\x0b");
  CHECK(message(model).find("Hugging Face format") != std::string::npos);
  CHECK(message(folder.path).find("save_pretrained") != std::string::npos);
}

TEST_CASE("a tokenizer that is not on the disk is replaced by the built-in one, with one line") {
  for (const char* asked :
       {"gpt2", "meta-llama/Llama-3.1-8B", "/path/to/tokenizer", "./no", "a/../b"}) {
    CAPTURE(asked);
    const auto choice = choose_tokenizer(asked);
    REQUIRE(choice.ok());
    CHECK(choice->tokenizer.name() == "built-in");
    CHECK(choice->note.find(asked) != std::string::npos);
    CHECK(choice->note.find('\n') == std::string::npos);
  }
  CHECK(choose_tokenizer("")->note.empty());
}

TEST_CASE("a model's name finds its tokenizer in the local Hugging Face cache") {
  const Folder folder;
  const std::string snapshot = folder.path + "/models--some--model/snapshots/abc";
  REQUIRE(make_folders(snapshot).ok());
  REQUIRE(write_file(snapshot + "/tokenizer.json", builtin_json()).ok());
  ::setenv("HF_HUB_CACHE", folder.path.c_str(), 1);
  const auto choice = choose_tokenizer("some/model");
  ::unsetenv("HF_HUB_CACHE");
  REQUIRE(choice.ok());
  CHECK(choice->tokenizer.name() == snapshot + "/tokenizer.json");
  CHECK(choice->note.empty());
}

TEST_CASE("a tokenizer that is on the disk but broken is an error, not a reason to use another") {
  const Folder folder;
  CHECK_FALSE(choose_tokenizer(folder.path).ok());
  CHECK_FALSE(choose_tokenizer(folder.file("x.json", "[]")).ok());
}

}  // namespace
}  // namespace tacho
