// Datasets: what each format's entries become, and what is said about files that are none.
#include "workload/dataset.h"

#include <doctest/doctest.h>

#include <set>
#include <string>

#include "base/file.h"
#include "base/text.h"
#include "workload/tokenizer.h"

namespace tacho {
namespace {

Dataset parsed(const std::string& text, const std::string& type = "") {
  auto dataset = parse_dataset(text, "folder/set.json", type);
  if (!dataset) FAIL(dataset.error().message);
  CHECK(dataset->prompts.size() == dataset->replies.size());
  return std::move(dataset).value();
}

std::string refusal(const std::string& text, const std::string& type = "") {
  const auto dataset = parse_dataset(text, "folder/set.json", type);
  REQUIRE_FALSE(dataset.ok());
  CHECK(dataset.error().message.find('\n') == std::string::npos);
  return dataset.error().message;
}

bool says(const std::string& message, const char* what) {
  const bool said = message.find(what) != std::string::npos;
  if (!said) MESSAGE(message);
  return said;
}

TEST_CASE(
    "ShareGPT: the first human message is the prompt, what the assistant says next the reply") {
  const Dataset set = parsed(R"([
    {"id": "a", "conversations": [
        {"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello"},
        {"from": "human", "value": "Bye"}, {"from": "gpt", "value": "So long"}]},
    {"conversations": [
        {"from": "gpt", "value": "Rest of an answer"}, {"from": "user", "value": "Next"},
        {"from": "chatgpt", "value": "Yes"}]},
    {"system": "Be brief.", "tools": "[]", "conversations": [
        {"value": "Weather?", "from": "human"}, {"from": "function_call", "value": "{\"city\": 1}"},
        {"from": "observation", "value": "rain"}, {"from": "gpt", "value": "Rain."}]}])");
  REQUIRE(set.prompts.size() == 3);
  CHECK(set.name == "set.json");
  CHECK(set.skipped == 0);
  CHECK(prompt_text(set.prompts[0]) == "Hi");
  CHECK(set.prompts[0].messages[0].role == "user");
  CHECK(set.prompts[0].origin == "set.json:#1");
  CHECK(set.replies[0] == "Hello");
  CHECK(prompt_text(set.prompts[1]) == "Next");
  CHECK(set.replies[1] == "Yes");
  CHECK(prompt_text(set.prompts[2]) == "Be brief.\nWeather?");
  CHECK(set.prompts[2].messages[0].role == "system");
  CHECK(set.replies[2] == "{\"city\": 1}");
}

TEST_CASE("entries that cannot be prompts are left out and counted with their reason") {
  const Dataset set = parsed(R"([
    {"conversations": []},
    {"conversations": [{"from": "gpt", "value": "I begin."}]},
    {"conversations": [{"from": "human", "value": "  "}, {"from": "gpt", "value": "?"}]},
    {"conversations": [{"from": "human", "value": "half a pair \ud83d here"}]},
    {"conversations": [{"from": "human", "value": "Good"}]},
    {"other": 1}])");
  REQUIRE(set.prompts.size() == 1);
  CHECK(set.prompts[0].origin == "set.json:#5");
  CHECK(set.replies[0].empty());
  CHECK(set.skipped == 5);
  CHECK(says(set.skipped_why, "2 without a human turn"));
  CHECK(says(set.skipped_why, "1 with an empty human turn"));
  CHECK(says(set.skipped_why, "1 with a broken \\u escape"));
  CHECK(says(set.skipped_why, "1 without \"conversations\""));
}

TEST_CASE("Alpaca: an input follows its instruction on a new line") {
  const Dataset set = parsed(R"([{"instruction": "Add", "input": "1 2", "output": "3"},
                                 {"instruction": "Say hi", "input": "", "output": "hi"}])");
  REQUIRE(set.prompts.size() == 2);
  CHECK(prompt_text(set.prompts[0]) == "Add\n1 2");
  CHECK(set.replies[0] == "3");
  CHECK(prompt_text(set.prompts[1]) == "Say hi");
}

TEST_CASE("custom: lengths that an entry states are taken") {
  const Dataset list = parsed(R"([{"prompt": "One", "input_tokens": 1, "output_tokens": 77}])");
  CHECK(list.prompts[0].input_tokens == 1);
  CHECK(list.prompts[0].output_tokens == 77);
  const Dataset lines =
      parsed("{\"prompt\": \"One\"}\n{\"prompt\": \"Two\", \"output_tokens\": 5}\n", "custom");
  REQUIRE(lines.prompts.size() == 2);
  CHECK(lines.prompts[0].output_tokens == 0);
  CHECK(lines.prompts[1].output_tokens == 5);
  CHECK(lines.prompts[1].origin == "set.json:2");
}

TEST_CASE("JSON lines: the usual keys, plain strings, blank lines and CRLF") {
  const Dataset set = parsed(
      "{\"text\": \"Embed me\"}\r\n"
      "\r\n"
      "{\"prompt\": \"Ask\", \"completion\": \"Answer\", \"output_len\": \"9\"}\n"
      "{\"system_prompt\": \"S\", \"question\": \"Q\", \"response\": \"R\"}\n"
      "\"Just a string\"\n"
      "{\"input\": [\"first\", \"second\"]}\n"
      "{\"messages\": [{\"role\": \"user\", \"content\": [{\"type\": \"text\", \"text\": "
      "\"Parts\"}]}]}");
  REQUIRE(set.prompts.size() == 6);
  CHECK(prompt_text(set.prompts[0]) == "Embed me");
  CHECK(set.prompts[1].output_tokens == 9);
  CHECK(set.replies[1] == "Answer");
  CHECK(set.prompts[1].origin == "set.json:3");
  CHECK(prompt_text(set.prompts[2]) == "S\nQ");
  CHECK(prompt_text(set.prompts[3]) == "Just a string");
  CHECK(set.prompts[4].inputs == std::vector<std::string>{"first", "second"});
  CHECK(prompt_text(set.prompts[4]) == "first\nsecond");
  CHECK(prompt_text(set.prompts[5]) == "Parts");
}

TEST_CASE(
    "messages that end with the user are sent whole; a conversation that was had gives its start") {
  const std::string asked =
      R"({"role": "user", "content": "A"}, {"role": "assistant", "content": "B"})";
  const Dataset set = parsed("{\"messages\": [" + asked + "]}\n{\"messages\": [" + asked +
                             R"(, {"role": "user", "content": "C"}]})");
  REQUIRE(set.prompts.size() == 2);
  CHECK(set.prompts[0].messages.size() == 1);
  CHECK(set.replies[0] == "B");
  CHECK(set.prompts[1].messages.size() == 3);
  CHECK(set.prompts[1].messages[1].role == "assistant");
}

TEST_CASE("types have aliases, and an unknown one is refused with the known ones") {
  const std::string text = R"([{"conversations": [{"from": "human", "value": "Hi"}]}])";
  CHECK(parsed(text, "ShareGPT").prompts.size() == 1);
  CHECK(parsed(text, "auto").prompts.size() == 1);
  CHECK(says(refusal(text, "sharegtp"), "sharegpt, alpaca, custom, jsonl"));
  CHECK(says(refusal(text, "alpaca"), "its entries have conversations"));
}

TEST_CASE("files that are no dataset are refused in one line that says why") {
  CHECK(says(refusal(""), "is empty"));
  CHECK(says(refusal(" \n\n "), "is empty"));
  CHECK(says(refusal("[]"), "no entries"));
  CHECK(says(refusal("\x7f"
                     "ELF\x01\x02"),
             "neither a JSON list"));
  CHECK(says(refusal("\x1f\x8b\x08"), "gunzip"));
  CHECK(says(refusal("version https://git-lfs.github.com/spec/v1\noid 1"), "git lfs pull"));
  CHECK(says(refusal("<!doctype html><html>"), "web page"));
  CHECK(says(refusal("{\n \"data\": []\n}"), "over several lines"));
  CHECK(says(refusal("[1, 2]"), "entry 1"));
  CHECK(says(refusal("{\"text\": \"a\"}\n[1]\n"), "line 2"));
  CHECK(says(refusal("[{\"text\": 5}]"), "1 without a text"));
  CHECK(
      says(refusal("{\"timestamp\": 0, \"input_length\": 5, \"output_length\": 6}"), "of a trace"));
}

TEST_CASE("broken JSON is refused with its line") {
  CHECK(says(refusal("[{\"conversations\": [{\"from\": \"human\", \"value\": \"Hi"), "cut short"));
  CHECK(says(refusal("[{\"text\": \"a\"},\n{\"text\": \"b\"}"), "cut short"));
  CHECK(says(refusal("[{\"text\": \"a\"},\n{\"text\" \"b\"}]"), "line 2"));
  CHECK(says(refusal("{\"text\": \"a\"}\n{\"text\": \"b\"\n"), "line 2"));
  CHECK(says(refusal("{\"text\": \"a\"} {\"text\": \"b\"}\n"), "line 1"));
  CHECK(says(refusal("[{\"text\": \"a\"}] x"), "not closed at its end"));
  CHECK(says(refusal("[{\"text\": \"a\"}] [{\"text\": \"b\"}]"), "broken JSON"));
  CHECK(says(refusal("[{\"text\": \"\xff\xfe\"}]"), "UTF-8"));
}

TEST_CASE(
    "no way of cutting a dataset short crashes, and none yields more prompts than the whole") {
  const std::string list =
      R"([{"conversations": [{"from": "human", "value": "H\u00e9 \"q\""},)"
      R"({"from": "gpt", "value": "x"}]},)"
      R"({"system": "s", "conversations": [{"from": "human", "value": "2"}]}])";
  const std::string lines =
      "{\"messages\": [{\"role\": \"user\", \"content\": [{\"text\": \"a\"}]}]}\n"
      "{\"input\": [\"a\", \"b\"], \"max_tokens\": 1e3}\n\"s\"\n";
  for (const std::string& text : {list, lines}) {
    const std::size_t whole = parsed(text).prompts.size();
    for (std::size_t size = 0; size < text.size(); ++size) {
      const auto cut = parse_dataset(text.substr(0, size), "cut", "");
      if (cut) CHECK(cut->prompts.size() <= whole);
      if (!cut) CHECK_FALSE(cut.error().message.empty());
      std::string bent = text;
      bent[size] = static_cast<char>(bent[size] ^ 1);
      const auto changed = parse_dataset(bent, "bent", "");
      if (changed) CHECK(changed->prompts.size() == changed->replies.size());
    }
  }
}

TEST_CASE("a folder and a missing file are refused as what they are") {
  CHECK(says(load_dataset("/tmp", "").error().message, "is a folder"));
  CHECK(says(load_dataset("/no/such/file", "").error().message, "cannot read"));
}

TEST_CASE("the built-in dataset is large, multilingual, and no two prompts begin alike") {
  const Dataset set = builtin_dataset();
  const Tokenizer tokenizer = Tokenizer::builtin();
  CHECK(set.name == "built-in");
  CHECK(set.prompts.size() >= 300);
  CHECK(set.skipped == 0);
  std::set<std::vector<std::uint32_t>> begun;
  for (std::size_t i = 0; i < set.prompts.size(); ++i) {
    CHECK_FALSE(set.replies[i].empty());
    auto ids = tokenizer.encode(prompt_text(set.prompts[i]));
    ids.resize(std::min<std::size_t>(ids.size(), 20));
    CHECK(begun.insert(std::move(ids)).second);
  }
}

TEST_CASE("keys of any length are read, in the first entry too") {
  for (const std::size_t length : {std::size_t{500}, std::size_t{5000}, std::size_t{1'000'000}}) {
    const std::string key(length, 'k');
    const auto list = parse_dataset("[{\"" + key + "\": 1, \"prompt\": \"x\"}]", "set.json", "");
    REQUIRE(list.ok());
    CHECK(list->prompts.size() == 1);
    const auto line = parse_dataset("{\"\\\"" + key + "\": 1, \"prompt\": \"x\"}", "set.jsonl", "");
    REQUIRE(line.ok());
    CHECK(line->prompts.size() == 1);
  }
}

}  // namespace
}  // namespace tacho
