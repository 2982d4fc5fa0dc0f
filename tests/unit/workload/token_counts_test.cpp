// Counting once: what is kept, where, and that nothing stale is ever believed.
#include "workload/token_counts.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "base/file.h"
#include "base/text.h"

namespace tacho {
namespace {

/// A folder with a dataset in it, and a cache folder of its own in the environment.
struct Place {
  std::string folder;
  std::string dataset;
  std::string cache;
  Place() {
    char name[] = "/tmp/tacho-counts-XXXXXX";
    folder = ::mkdtemp(name);
    dataset = folder + "/set.jsonl";
    cache = folder + "/cache";
    REQUIRE(write_file(dataset,
                       "{\"prompt\": \"one two three\", \"completion\": \"four\"}\n"
                       "{\"prompt\": \"five\", \"output_len\": 99, \"completion\": \"six\"}\n")
                .ok());
    ::setenv("XDG_CACHE_HOME", cache.c_str(), 1);
  }
  ~Place() {
    ::unsetenv("XDG_CACHE_HOME");
    std::filesystem::remove_all(folder);
  }
  Dataset load() const { return load_dataset(dataset, "").value(); }
};

TEST_CASE("prompts and replies are counted, and a length that the entry states is kept") {
  const Place place;
  const Tokenizer tokenizer = Tokenizer::builtin();
  Dataset set = place.load();
  REQUIRE(count_tokens(set, tokenizer, place.dataset, {}).ok());
  CHECK(set.prompts[0].input_tokens == tokenizer.count("one two three"));
  CHECK(set.prompts[0].output_tokens == tokenizer.count("four"));
  CHECK(set.prompts[1].output_tokens == 99);
}

TEST_CASE("counts are kept beside the dataset and believed the next time") {
  const Place place;
  const Tokenizer tokenizer = Tokenizer::builtin();
  const std::string kept = place.dataset + ".tacho-tokens";
  Dataset set = place.load();
  REQUIRE(count_tokens(set, tokenizer, place.dataset, {}).ok());
  REQUIRE(exists(kept));
  CHECK_FALSE(exists(place.cache));

  // Only a reader of the file can know this number.
  std::string text = read_file(kept).value();
  const auto line = text.find('\n') + 1;
  REQUIRE(write_file(kept, text.substr(0, line) + "1234 5\n6 7\n").ok());
  Dataset again = place.load();
  bool counted = false;
  REQUIRE(count_tokens(again, tokenizer, place.dataset, [&](auto, auto) { counted = true; }).ok());
  CHECK(again.prompts[0].input_tokens == 1234);
  CHECK(again.prompts[1].output_tokens == 99);
  CHECK_FALSE(counted);
}

TEST_CASE("counts of another dataset or tokenizer, cut short, or with rubbish, are not believed") {
  const Place place;
  const Tokenizer tokenizer = Tokenizer::builtin();
  const std::string kept = place.dataset + ".tacho-tokens";
  Dataset set = place.load();
  REQUIRE(count_tokens(set, tokenizer, place.dataset, {}).ok());
  const std::string good = read_file(kept).value();
  const auto line = good.find('\n') + 1;
  std::string other = good;
  other[good.find("tokenizer ") + 10] ^= 1;
  for (const std::string& text :
       {std::string(), other, good.substr(0, line), good.substr(0, good.size() - 1), good + "1 2\n",
        good.substr(0, line) + "x y\nz w\n", good.substr(0, line) + "-1 2\n3 4\n",
        good.substr(0, line) + "99999999999 1\n1 1\n"}) {
    CAPTURE(text);
    REQUIRE(write_file(kept, text).ok());
    Dataset again = place.load();
    REQUIRE(count_tokens(again, tokenizer, place.dataset, {}).ok());
    CHECK(again.prompts[0].input_tokens == set.prompts[0].input_tokens);
    CHECK(read_file(kept).value() == good);
  }
}

TEST_CASE("without a path, or when its folder cannot be written, counts go to the cache folder") {
  const Place place;
  const Tokenizer tokenizer = Tokenizer::builtin();
  Dataset set = place.load();
  SUBCASE("no path") { REQUIRE(count_tokens(set, tokenizer, "", {}).ok()); }
  SUBCASE("a path in a folder that is not there") {
    REQUIRE(count_tokens(set, tokenizer, place.folder + "/gone/set.jsonl", {}).ok());
  }
  const std::string kept = format("{}/tacho/{:016x}-{:016x}.tacho-tokens", place.cache, set.hash,
                                  tokenizer.fingerprint());
  CHECK(exists(kept));
  bool counted = false;
  Dataset again = place.load();
  REQUIRE(count_tokens(again, tokenizer, "", [&](auto, auto) { counted = true; }).ok());
  CHECK_FALSE(counted);
  CHECK(again.prompts[0].input_tokens == set.prompts[0].input_tokens);
}

TEST_CASE("a cache that cannot be made costs time only") {
  const Place place;
  ::setenv("XDG_CACHE_HOME", "/proc/nothing/here", 1);
  Dataset set = place.load();
  CHECK(count_tokens(set, Tokenizer::builtin(), "", {}).ok());
  CHECK(set.prompts[0].input_tokens > 0);
}

TEST_CASE("progress ends at all of them, never goes back, and threads count as one would") {
  const Place place;
  const Tokenizer tokenizer = Tokenizer::builtin();
  Dataset set = builtin_dataset();
  std::size_t last = 0;
  std::size_t all = 0;
  REQUIRE(count_tokens(set, tokenizer, "", [&](std::size_t done, std::size_t of) {
            CHECK(done >= last);
            last = done;
            all = of;
          }).ok());
  CHECK(last == set.prompts.size());
  CHECK(all == set.prompts.size());
  for (std::size_t i = 0; i < set.prompts.size(); i += 29) {
    CHECK(set.prompts[i].input_tokens == tokenizer.count(prompt_text(set.prompts[i])));
    CHECK(set.prompts[i].output_tokens == tokenizer.count(set.replies[i]));
  }
}

}  // namespace
}  // namespace tacho
