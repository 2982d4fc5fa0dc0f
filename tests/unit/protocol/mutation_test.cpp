// Everything that reads bytes from outside, fed with thousands of broken ones: sound inputs that
// are cut, doubled, spliced and sprinkled with what parsers trip over. Seeds are fixed, so a
// failure is found again; nothing may crash, hang or read past its bytes (the sanitizers watch),
// and what is read may not depend on how the bytes were cut.
#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdio>

#include "base/file.h"
#include "base/json.h"
#include "base/random.h"
#include "base/text.h"
#include "net/address.h"
#include "net/http1.h"
#include "net/sse.h"
#include "protocol/openai_json.h"
#include "record/journal.h"
#include "record/manifest.h"
#include "report/truth.h"
#include "workload/dataset.h"

namespace tacho {
namespace {

/// Breaks sound inputs in the ways that break parsers.
class Mutator {
 public:
  Mutator(std::vector<std::string> sound, std::vector<std::string> tokens)
      : sound_(std::move(sound)), tokens_(std::move(tokens)), random_(Seed{20}, "mutations") {}

  std::string next() {
    std::string bytes = pick(sound_);
    const std::uint64_t times = 1 + random_.below(6);
    for (std::uint64_t i = 0; i < times; ++i) mutate(bytes);
    return bytes;
  }
  std::uint64_t below(std::uint64_t bound) { return random_.below(bound); }

 private:
  const std::string& pick(const std::vector<std::string>& list) {
    return list[random_.below(list.size())];
  }
  std::size_t place(const std::string& bytes) { return random_.below(bytes.size() + 1); }
  std::size_t length() { return 1 + random_.below(random_.below(4) == 0 ? 200 : 8); }

  void mutate(std::string& bytes) {
    const std::size_t at = place(bytes);
    switch (random_.below(8)) {
      case 0:
        bytes.resize(at);
        break;
      case 1:
        bytes.erase(at, length());
        break;
      case 2:
        bytes.insert(at, bytes.substr(place(bytes), length()));
        break;
      case 3:
        bytes.insert(at, pick(tokens_));
        break;
      case 4:
        bytes.insert(at, length(), static_cast<char>(random_.below(256)));
        break;
      case 5:
        bytes = bytes.substr(0, at) + pick(sound_).substr(0, 300);
        break;
      case 6:
        if (at < bytes.size()) bytes[at] = static_cast<char>(bytes[at] ^ (1 << random_.below(8)));
        break;
      default:
        if (at < bytes.size()) bytes[at] = static_cast<char>(random_.below(256));
    }
  }

  std::vector<std::string> sound_;
  std::vector<std::string> tokens_;
  Random random_;
};

const std::vector<std::string> json_tokens{"{",
                                           "}",
                                           "[",
                                           "]",
                                           ",",
                                           ":",
                                           "\"",
                                           "\\",
                                           "\\u",
                                           "\\ud83d",
                                           "null",
                                           "true",
                                           "1e999",
                                           "-0",
                                           "1e",
                                           "99999999999999999999",
                                           "\xff",
                                           "\xf0\x9f",
                                           std::string(1, '\0'),
                                           "\"usage\":",
                                           "\"choices\":[",
                                           "{\"a\":",
                                           "[[[[[[[[",
                                           "\n",
                                           "\r"};

class Notes final : public HttpSink {
 public:
  void on_head(HttpHead&& head) override {
    text += format("H{}{}{}{}", head.status, head.method, head.target, head.fields.size());
  }
  void on_body(std::string_view bytes) override { text += bytes; }
  void on_message_end() override { text += "E"; }
  std::string text;
};

std::string read_http(HttpParser::Kind kind, std::string_view bytes, Mutator* cutter) {
  HttpParser parser(kind);
  Notes notes;
  while (!bytes.empty() && parser.error().empty()) {
    std::string_view piece =
        bytes.substr(0, cutter == nullptr ? bytes.size() : 1 + cutter->below(9));
    const std::size_t used = parser.feed(piece, notes);
    REQUIRE(used <= piece.size());
    if (parser.error().empty()) REQUIRE(used > 0);  // Else a caller would go round for ever.
    bytes.remove_prefix(used);
  }
  if (parser.error().empty()) parser.finish(notes);
  return notes.text + parser.error();
}

TEST_CASE("broken HTTP is refused or read the same however it is cut") {
  Mutator mutator(
      {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\nhello",
       "HTTP/1.1 200 OK\r\nTransfer-Encoding: "
       "chunked\r\n\r\n5;x=y\r\nhello\r\na\r\n0123456789\r\n0\r\nT: u\r\n\r\n",
       "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 404 Not Found\r\nA: b\r\n\r\nuntil the end",
       "POST /v1/x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}GET / HTTP/1.1\r\n\r\n"},
      {"\r\n", "\n", "\r\n\r\n", "Content-Length: 99999999999999999999\r\n",
       "Content-Length: -1\r\n", ":", " ", "Transfer-Encoding: chunked\r\n", "ffffffffffffffff\r\n",
       "0\r\n\r\n", "HTTP/1.1 204 No\r\n\r\n", std::string(1, '\0')});
  for (int i = 0; i < 6000; ++i) {
    CAPTURE(i);
    const std::string bytes = mutator.next();
    for (const auto kind : {HttpParser::Kind::response, HttpParser::Kind::request}) {
      CHECK(read_http(kind, bytes, nullptr) == read_http(kind, bytes, &mutator));
    }
  }
}

std::string read_sse(std::string_view bytes, Mutator* cutter) {
  SseParser parser;
  std::string events;
  const auto add = [&](std::string_view data) { events += format("[{}]", data); };
  while (!bytes.empty()) {
    const auto piece = bytes.substr(0, cutter == nullptr ? bytes.size() : 1 + cutter->below(5));
    REQUIRE(parser.feed(piece, add));
    bytes.remove_prefix(piece.size());
  }
  parser.finish(add);
  return events;
}

TEST_CASE("broken event streams are read the same however they are cut") {
  Mutator mutator(
      {"data: {\"a\":1}\n\ndata: [DONE]\n\n",
       ": ping\r\n\r\nevent: x\r\ndata: a\r\ndata: b\r\n\r\n",
       "\xEF\xBB\xBF"
       "data: a\r\rid: 1\rdata\r\r"},
      {"\n", "\r", "\r\n", "data:", "data", ":", "\xEF\xBB\xBF", "\n\n", std::string(1, '\0')});
  for (int i = 0; i < 8000; ++i) {
    CAPTURE(i);
    const std::string bytes = mutator.next();
    CHECK(read_sse(bytes, nullptr) == read_sse(bytes, &mutator));
  }
}

TEST_CASE(
    "broken answers are flagged or read, and what JSON itself refuses is never taken for an "
    "answer") {
  Mutator mutator({R"({"id":"c-1","choices":[{"index":0,"delta":{"role":"assistant",)"
                   R"("content":"a\u00e9\n"},"finish_reason":null}]})",
                   R"({"id":"c","choices":[],"usage":{"prompt_tokens":17,)"
                   R"("completion_tokens":16,"prompt_tokens_details":{"cached_tokens":8}}})",
                   R"({"error":{"message":"too long","code":400}})",
                   R"({"data":[{"embedding":[0.1,-2e-3]}],"latency":{"time_in_queue":1.5}})",
                   R"({"choices":[{"text":"x","finish_reason":"stop"}],)"
                   R"("timings":{"prompt_ms":1.5,"predicted_per_token_ms":2}})"},
                  json_tokens);
  Delta delta;
  int malformed = 0;
  for (int i = 0; i < 10'000; ++i) {
    CAPTURE(i);
    const std::string bytes = mutator.next();
    read_openai_json(bytes, delta);
    malformed += delta.is_malformed ? 1 : 0;
    error_text(bytes);
    // On demand reading passes over what it does not need; but an end that is missing or too many
    // must be seen.
    const auto json = parse_json(bytes, "");
    if (json.ok() && !json->is_object()) CHECK(delta.is_malformed);
  }
  CHECK(malformed > 3000);
  CHECK(malformed < 10'000);
}

/// Without the care for crashes that write_file() takes, which costs milliseconds.
void put(const std::string& path, std::string_view content) {
  std::FILE* file = std::fopen(path.c_str(), "wb");
  REQUIRE(file != nullptr);
  std::fwrite(content.data(), 1, content.size(), file);
  std::fclose(file);
}

TEST_CASE("broken journals, manifests and truths are read as far as they are sound") {
  Record record;
  record.due = instant_from_ns(5);
  record.sent = instant_from_ns(6);
  record.chunks = {{instant_from_ns(7), 1, 2, false}, {instant_from_ns(9), 1, 2, true}};
  record.usage.output_tokens = 2;
  record.detail = "a\"b";
  std::string line;
  append_journal_line(line, record);
  const std::string folder = format("/tmp/tacho-mutations-{}", ::getpid());
  REQUIRE(make_folders(folder).ok());
  Mutator journals({line, line + line + line}, json_tokens);
  for (int i = 0; i < 1500; ++i) {
    CAPTURE(i);
    const std::string bytes = journals.next();
    put(folder + "/journal", bytes);
    const auto journal = read_journal(folder + "/journal");
    REQUIRE(journal.ok());
    CHECK(journal->records.size() + journal->torn_lines <= split(bytes, '\n').size());
    read_truths(bytes).ok();
  }
  Manifest manifest;
  manifest.cells.resize(2);
  manifest.slos = {{"ttft_ms", 2.0}};
  manifest.notes = {"x"};
  Mutator manifests({dump_json(to_json(manifest))}, json_tokens);
  for (int i = 0; i < 1500; ++i) {
    CAPTURE(i);
    put(manifest_path(folder), manifests.next());
    read_manifest(folder).ok();
  }
  ::unlink((folder + "/journal").c_str());
  ::unlink(manifest_path(folder).c_str());
  ::rmdir(folder.c_str());
}

TEST_CASE("broken datasets are refused in one line, or their sound entries are read") {
  Mutator mutator(
      {R"([{"id":"a","conversations":[{"from":"human","value":"Hi"},)"
       R"({"from":"gpt","value":"Hello"}]},{"conversations":[]}])",
       R"([{"instruction":"Say","input":"x","output":"y"},{"instruction":"Do","output":""}])",
       "{\"prompt\":\"a\",\"max_tokens\":5}\n{\"messages\":[{\"role\":\"user\",\"content\":[{"
       "\"type\":\"text\",\"text\":\"b\"}]}]}\n",
       R"([{"prompt":"a","input_tokens":1,"output_tokens":2,"system":"s"}])", "[\"one\",\"two\"]",
       "{\"text\":\"a\"}\r\n\r\n{\"text\":\"b\"}"},
      json_tokens);
  int usable = 0;
  for (int i = 0; i < 6000; ++i) {
    CAPTURE(i);
    const auto dataset = parse_dataset(mutator.next(), "set.json", "");
    if (dataset.ok()) {
      usable += dataset->prompts.empty() ? 0 : 1;
      CHECK(dataset->prompts.size() == dataset->replies.size());
    } else {
      CHECK(dataset.error().message.find('\n') == std::string::npos);
    }
  }
  CHECK(usable > 100);
}

TEST_CASE("broken URLs are refused or taken apart into parts that make a URL again") {
  Mutator mutator({"http://127.0.0.1:8000/v1", "https://[::1]:8443/a?b#c", "host:1", "localhost"},
                  {":", "/", "[", "]", "@", "://", "?", "#", "99999", "%00", "é"});
  for (int i = 0; i < 5000; ++i) {
    const std::string text = mutator.next();
    CAPTURE(text);
    const auto url = parse_url(text);
    if (!url.ok()) continue;
    const auto again = parse_url(url->origin() + url->path);
    REQUIRE(again.ok());
    CHECK(again->host == url->host);
    CHECK(again->port == url->port);
    CHECK(again->path == url->path);
  }
}

}  // namespace
}  // namespace tacho
