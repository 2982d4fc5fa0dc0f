// The bodies of requests, by dialect, and the one line that is made of an error page.
#include "protocol/protocol.h"

#include <doctest/doctest.h>

namespace tacho {
namespace {

Ask ask() {
  Ask ask;
  ask.model = "m";
  ask.messages = {{"system", "Be brief."}, {"user", "Hi \"you\""}};
  ask.text = "Be brief.\nHi";
  ask.inputs = {"a", "b"};
  ask.max_tokens = 8;
  ask.ignores_eos = true;
  return ask;
}

TEST_CASE("each dialect has its name, path and body") {
  const auto chat = std::move(*make_protocol("chat"));
  CHECK(chat->name() == "chat");
  CHECK(chat->path() == "/v1/chat/completions");
  CHECK(chat->can_stream());
  CHECK(parse_json(chat->body(ask()), "").value() == Json::parse(R"({
    "model": "m", "stream": true, "stream_options": {"include_usage": true}, "max_tokens": 8,
    "ignore_eos": true,
    "messages": [{"role": "system", "content": "Be brief."},
                 {"role": "user", "content": "Hi \"you\""}]})"));

  const auto completions = std::move(*make_protocol("completions"));
  CHECK(completions->path() == "/v1/completions");
  CHECK(parse_json(completions->body(ask()), "").value()["prompt"] == "Be brief.\nHi");
  CHECK_FALSE(parse_json(completions->body(ask()), "").value().contains("messages"));

  const auto embeddings = std::move(*make_protocol("embeddings"));
  CHECK(embeddings->path() == "/v1/embeddings");
  CHECK_FALSE(embeddings->can_stream());
  CHECK(parse_json(embeddings->body(ask()), "").value() ==
        Json::parse(R"({"model": "m", "input": ["a", "b"]})"));
}

TEST_CASE("what was not asked for is not in the body") {
  Ask plain = ask();
  plain.streams = false;
  plain.max_tokens = 0;
  plain.ignores_eos = false;
  const Json body = parse_json((*make_protocol("chat"))->body(plain), "").value();
  CHECK(body["stream"] == false);
  for (const char* key : {"stream_options", "max_tokens", "ignore_eos"})
    CHECK_FALSE(body.contains(key));
}

TEST_CASE("extra fields win over ours, in every dialect") {
  Ask own = ask();
  own.extra = Json::parse(R"({"model": "other", "temperature": 0.5, "stream_options": {"x": 1}})");
  for (const char* name : {"chat", "completions", "embeddings"}) {
    const Json body = parse_json((*make_protocol(name))->body(own), "").value();
    CHECK(body["model"] == "other");
    CHECK(body["temperature"] == 0.5);
    CHECK(body["stream_options"] == Json::parse(R"({"x": 1})"));
  }
}

TEST_CASE("text that is no UTF-8 still makes a body") {
  Ask broken = ask();
  broken.messages = {{"user", "a\xff"}};
  CHECK((*make_protocol("chat"))->body(broken).find("a\xEF\xBF\xBD") != std::string::npos);
}

TEST_CASE("an unknown dialect is refused with those there are") {
  const auto protocol = make_protocol("grpc");
  REQUIRE_FALSE(protocol.ok());
  CHECK(protocol.error().message.find("grpc") != std::string::npos);
  CHECK(protocol.error().message.find("chat, completions, embeddings") != std::string::npos);
}

TEST_CASE("an error page becomes one line") {
  CHECK(error_text(R"({"error":{"message":"too long","code":400}})") == "too long");
  CHECK(error_text(R"({"error":"Unauthorized"})") == "Unauthorized");
  CHECK(error_text(R"({"object":"error","message":"flat","code":404})") == "flat");
  CHECK(error_text(R"({"detail":"Not Found"})") == "Not Found");
  CHECK(error_text(R"({"detail":[{"loc":["body"],"msg":"missing"}]})") ==
        R"([{"loc":["body"],"msg":"missing"}])");
  CHECK(error_text("  <html>\r\n<body>") == "<html>");
  CHECK(error_text("") == "");
  CHECK(error_text(std::string(1000, 'x')).size() == 200);
  CHECK(error_text("{\"error\":\"" + std::string(1000, 'x') + "\"}").find('\n') ==
        std::string::npos);
  CHECK(error_text("[1]") == "[1]");
}

}  // namespace
}  // namespace tacho
