// The JSON of answers, in the shapes that real servers send (vLLM, SGLang, llama.cpp, transformers,
// the Ascend suite), written anew here, and in the shapes that broken ones might.
#include "protocol/openai_json.h"

#include <doctest/doctest.h>

#include <vector>

#include "base/text.h"

namespace tacho {
namespace {

Delta read(std::string_view json) {
  Delta delta;
  // What an earlier event left behind must not be seen.
  delta.text = "old";
  delta.error = "old";
  delta.output_tokens = 77;
  read_openai_json(json, delta);
  return delta;
}

TEST_CASE("the first chunk of a chat names the role and holds nothing to read") {
  for (const char* json :
       {R"({"id":"c-1","object":"chat.completion.chunk","created":1,"model":"m",)"
        R"("choices":[{"index":0,"delta":{"role":"assistant","content":""},)"
        R"("logprobs":null,"finish_reason":null}],"prompt_token_ids":null})",
        R"({"choices":[{"finish_reason":null,"index":0,)"
        R"("delta":{"role":"assistant","content":null}}],"created":1,"id":"c-1",)"
        R"("model":"m"})"}) {
    const Delta d = read(json);
    CHECK_FALSE(d.is_malformed);
    CHECK_FALSE(d.is_content());
    CHECK(d.has_choices);
    CHECK(d.id == "c-1");
    CHECK(d.finish_reason == "");
    CHECK(d.error == "");
    CHECK_FALSE(d.output_tokens.has_value());
  }
}

TEST_CASE("text is unescaped, whatever it holds") {
  CHECK(read(R"({"choices":[{"delta":{"content":"a\"b\\n\u4f60\ud83d\ude00\n"}}]})").text ==
        "a\"b\\n你😀\n");
  CHECK(read(R"({"choices":[{"index":0,"text":"plain","finish_reason":null}]})").text == "plain");
  CHECK(read(R"({"choices":[{"message":{"role":"assistant","content":"whole"},)"
             R"("finish_reason":"stop"}]})")
            .text == "whole");
}

TEST_CASE("half a surrogate pair is a token too: what cannot be read of it becomes U+FFFD") {
  const auto text = [](std::string_view escaped) {
    return read(format(R"({{"choices":[{{"delta":{{"content":"{}"}}}}]}})", escaped)).text;
  };
  CHECK(text("\\ud83d") == "\uFFFD");
  CHECK(text("a\\uDE00z") == "a\uFFFDz");
  CHECK(text("\\ud83d\\ud83d\\ude00") == "\uFFFD😀");
  CHECK(text("\\ud83d \\\\ude00 \\\"") == "\uFFFD \\ude00 \"");
  CHECK(text("\\ud83d\\q") == "");  // No JSON at all.
}

TEST_CASE("reasoning and tool calls are content too") {
  CHECK(read(R"({"choices":[{"delta":{"reasoning_content":"hm"}}]})").reasoning == "hm");
  CHECK(read(R"({"choices":[{"delta":{"reasoning":"hm","content":null}}]})").reasoning == "hm");
  CHECK(read(R"({"choices":[{"delta":{"reasoning_content":"hm"}}]})").is_content());
  CHECK(read(R"({"choices":[{"delta":{"tool_calls":[{"index":0,)"
             R"("function":{"arguments":"{\"a\""}}]}}]})")
            .has_tool_call);
  CHECK_FALSE(read(R"({"choices":[{"delta":{"tool_calls":[]}}]})").is_content());
  CHECK_FALSE(read(R"({"choices":[{"delta":{"tool_calls":null}}]})").is_content());
}

TEST_CASE("only the first choice counts, and fields that we do not know are passed over") {
  const Delta d = read(R"({"x":{"choices":[1]},"choices":[{"logprobs":{"content":[{"token":"a",)"
                       R"("top":[{}]}]},"delta":{"content":"a"},"finish_reason":"length",)"
                       R"("stop_reason":null},{"delta":{"content":"b"},"finish_reason":"stop"}],)"
                       R"("service_tier":null})");
  CHECK(d.text == "a");
  CHECK(d.finish_reason == "length");
  CHECK_FALSE(d.is_malformed);
}

TEST_CASE("usage is read wherever it stands, with its details") {
  Delta d = read(R"({"id":"a","choices":[],"usage":{"prompt_tokens":17,"total_tokens":33,)"
                 R"("completion_tokens":16,"prompt_tokens_details":{"cached_tokens":8},)"
                 R"("completion_tokens_details":{"reasoning_tokens":5}}})");
  CHECK(d.has_usage);
  CHECK(d.input_tokens == 17);
  CHECK(d.output_tokens == 16);
  CHECK(d.cached_tokens == 8);
  CHECK(d.reasoning_tokens == 5);
  CHECK_FALSE(d.is_content());

  d = read(R"({"choices":[{"delta":{"content":"x"}}],"usage":null})");
  CHECK_FALSE(d.has_usage);
  CHECK_FALSE(d.is_malformed);
  d = read(R"({"choices":[{"delta":{"content":"x"}}],"usage":{"prompt_tokens":3,)"
           R"("completion_tokens":1,"completion_tokens_details":null,)"
           R"("prompt_tokens_details":null}})");
  CHECK(d.has_usage);
  CHECK(d.output_tokens == 1);
  CHECK_FALSE(d.is_malformed);
  d = read(R"({"usage":{"prompt_tokens":2,"completion_tokens":2}})");  // No choices at all.
  CHECK_FALSE(d.is_malformed);
  CHECK(d.input_tokens == 2);
}

TEST_CASE("a server's own account of its times is read") {
  Delta d = read(R"({"choices":[{"text":"x"}],"timings":{"cache_n":0,"prompt_n":2,)"
                 R"("prompt_ms":0.386,"predicted_n":2,"predicted_per_token_ms":1.5,)"
                 R"("predicted_per_second":600}})");
  CHECK(d.prefill_ms == doctest::Approx(0.386));
  CHECK(d.decode_per_token_ms == 1.5);
  d = read(R"({"choices":[{"text":"x"}],"latency":{"prefill_latency":30,)"
           R"("model_prefill_latency":25.5,"avg_decode_latency":10,)"
           R"("time_in_queue":4.5,"request_latency":99}})");
  CHECK(d.queue_ms == 4.5);
  CHECK(d.prefill_ms == 25.5);
  CHECK(d.decode_per_token_ms == 10.0);
  CHECK(d.total_ms == 99.0);
}

TEST_CASE("an error is an error in each of its shapes") {
  CHECK(read(R"({"error":{"message":"too long","type":"BadRequestError","code":400}})").error ==
        "too long");
  CHECK(read(R"({"error":"no"})").error == "no");
  CHECK(read(R"({"error":{"code":500}})").error == "an error object without a message");
  CHECK(read(R"({"choices":[],"error":{"message":"late"}})").error == "late");
  CHECK_FALSE(read(R"({"error":{"message":"x"}})").is_malformed);
  CHECK(read(R"({"choices":[],"error":null})").error == "");
}

TEST_CASE("embeddings are an answer without text") {
  const Delta d = read(R"({"object":"list","data":[{"object":"embedding","index":0,)"
                       R"("embedding":[0.1,-2e-3]}],"model":"m","usage":{"prompt_tokens":4,)"
                       R"("total_tokens":4}})");
  CHECK(d.has_choices);
  CHECK_FALSE(d.is_content());
  CHECK(d.input_tokens == 4);
  CHECK_FALSE(d.output_tokens.has_value());
}

TEST_CASE("what is no JSON of this protocol is malformed") {
  for (const char* json :
       {"", " ", "null", "[]", "[{\"choices\":[]}]", "\"choices\"", "12", "{", "{}",
        "{\"object\":\"x\"}", "{\"choices\":[]} x", "{\"choices\":[]}{}", "{\"choices\":[]",
        "{\"choices\" []}", "{'choices':[]}", "data: {}", "{\"detail\":\"Not Found\"}"}) {
    CAPTURE(std::string(json));
    CHECK(read(json).is_malformed);
  }
}

TEST_CASE("cut off at any byte, an event is flagged and nothing crashes") {
  const std::vector<std::string> events{
      R"({"id":"c-1","choices":[{"index":0,"delta":{"role":"assistant",)"
      R"("content":"a\u00e9\n","tool_calls":[{"function":{"name":"f",)"
      R"("arguments":"{}"}}]},"finish_reason":"stop"}],)"
      R"("usage":{"prompt_tokens":1,"completion_tokens":2,)"
      R"("prompt_tokens_details":{"cached_tokens":0}}})",
      R"({"error":{"message":"too long","code":400},"timings":{"prompt_ms":1.25}})",
      R"({"latency":{"time_in_queue":1.0},"data":[{"embedding":[1,2,3]}]})"};
  for (const std::string& event : events) {
    CHECK_FALSE(read(event).is_malformed);
    for (std::size_t length = 0; length < event.size(); ++length) {
      CAPTURE(event.substr(0, length));
      CHECK(read(event.substr(0, length)).is_malformed);
    }
  }
}

TEST_CASE("a count that is too large is the largest there is, not what is left of it") {
  const Delta d = read(R"({"usage":{"prompt_tokens":4294967296,"completion_tokens":5}})");
  CHECK(d.input_tokens == 4'294'967'295u);
  CHECK(d.output_tokens == 5);
}

TEST_CASE("values of a wrong type are passed over, not taken for something") {
  const Delta d = read(R"({"id":5,"choices":[{"delta":{"content":{"a":1}},"finish_reason":3}],)"
                       R"("usage":{"prompt_tokens":"7","completion_tokens":-1}})");
  CHECK(d.id == "");
  CHECK(d.text == "");
  CHECK_FALSE(d.input_tokens.has_value());
  CHECK_FALSE(d.output_tokens.has_value());
}

}  // namespace
}  // namespace tacho
