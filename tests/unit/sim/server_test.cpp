// The engine's face: every path, every refusal, and answers in the shapes that clients expect.
#include "sim/server.h"

#include <doctest/doctest.h>

#include <set>

#include "base/text.h"
#include "net/world_loop.h"
#include "sim/virtual_engine.h"

namespace tacho {
namespace {

struct Reply {
  int status = 0;
  std::string type;
  std::string body;
};

/// One server in a calm world; each ask() is one connection.
struct World {
  explicit World(SimOptions options = {})
      : loop(calm()), server(loop, with_profile(std::move(options)), count) {
    REQUIRE(server.listen(*resolve("127.0.0.1", 80)).ok());
  }
  static WorldOptions calm() {
    WorldOptions options;
    options.delay_min = options.delay_max = Duration(1000);
    options.read_lag_max = Duration(0);
    return options;
  }
  static SimOptions with_profile(SimOptions options) {
    options.gpu = *find_gpu("h800");
    options.model = *find_model("llama-3-8b");
    return options;
  }
  static std::size_t count(std::string_view text) {
    return text.empty() ? 0 : split(text, ' ').size();
  }

  Reply ask(std::string_view method, std::string_view path, std::string_view body = "",
            std::string_view head = "");
  Json ask_json(std::string_view path, std::string_view body) {
    return Json::parse(ask("POST", path, body).body);
  }

  WorldLoop loop;
  SimServer server;
};

struct Client final : StreamHandler, HttpSink {
  void on_connected() override { stream->write(request); }
  void on_bytes(std::string_view bytes, const Receipt&) override { parser.feed(bytes, *this); }
  void on_closed(const CloseReason&) override {}
  void on_head(HttpHead&& head) override {
    reply.status = head.status;
    reply.type = head.field("content-type");
  }
  void on_body(std::string_view bytes) override { reply.body += bytes; }
  void on_message_end() override {}
  std::string request;
  StreamPtr stream;
  HttpParser parser{HttpParser::Kind::response};
  Reply reply;
};

Reply World::ask(std::string_view method, std::string_view path, std::string_view body,
                 std::string_view head) {
  Client client;
  client.request = format("{} {} HTTP/1.1\r\nHost: x\r\n{}Content-Length: {}\r\n\r\n{}", method,
                          path, head, body.size(), body);
  client.stream = loop.connect(*resolve("127.0.0.1", 80), client);
  loop.run();
  return client.reply;
}

constexpr std::string_view chat = "/v1/chat/completions";
constexpr std::string_view completions = "/v1/completions";

TEST_CASE("what a server says of itself") {
  World world;
  CHECK(world.ask("GET", "/health").status == 200);
  CHECK(world.ask("GET", "/version").body.find("tacho-sim") != std::string::npos);
  const Json models = Json::parse(world.ask("GET", "/v1/models").body);
  CHECK(models["data"][0]["id"] == "llama-3-8b");
  CHECK(models["data"][0]["max_model_len"] == 8192);
  CHECK(Json::parse(world.ask("GET", "/sim/config").body)["gpu"] == "h800");
  CHECK(world.ask("GET", "/metrics").type == "text/plain; version=0.0.4");
  CHECK(world.ask("GET", "/nothing").status == 404);
  CHECK(world.ask("GET", "/v1/chat/completions").status == 405);
}

TEST_CASE("a whole answer: text, reason, usage, and the truth of it") {
  World world;
  const Json answer =
      world.ask_json(chat, R"({"model":"llama-3-8b","messages":[{"role":"user",)"
                           R"("content":"one two three"}],"max_tokens":5,"ignore_eos":true})");
  CHECK(answer["object"] == "chat.completion");
  CHECK(World::count(answer["choices"][0]["message"]["content"].get<std::string>()) ==
        6);  // Each word has a space before it.
  CHECK(answer["choices"][0]["finish_reason"] == "length");
  CHECK(answer["usage"]["prompt_tokens"] == 3);
  CHECK(answer["usage"]["completion_tokens"] == 5);
  CHECK(answer["usage"]["total_tokens"] == 8);
  const std::string id = answer["id"].get<std::string>();
  const Json truth = Json::parse(world.ask("GET", "/sim/truth/" + id).body);
  CHECK(truth["id"] == id);
  CHECK(truth["output_tokens"] == 5);
  CHECK(truth["written_ns"].size() == 5);
  CHECK(truth["taken_ns"].size() == 5);
  CHECK(world.ask("GET", "/sim/truth/none").status == 404);
  CHECK(world.ask("GET", "/sim/truth").type == "application/jsonl");
  CHECK(world.ask("POST", "/sim/reset").status == 200);
  CHECK(world.ask("GET", "/sim/truth/" + id).status == 404);
}

TEST_CASE(
    "completions take a text or a list of one; the same prompt gets the same answer, another "
    "another") {
  World world;
  const auto text = [&](std::string_view prompt) {
    return world
        .ask_json(completions, format(R"({{"prompt":{},"max_tokens":8,"ignore_eos":true}})",
                                      prompt))["choices"][0]["text"]
        .get<std::string>();
  };
  CHECK(text("\"a b\"") == text("\"a b\""));
  CHECK(text("\"a b\"") != text("\"a c\""));
  CHECK(text("[\"a b\"]") == text("\"a b\""));
  CHECK(world.ask("POST", completions, R"({"prompt":["a b","c"],"max_tokens":1})").status == 400);
}

TEST_CASE(
    "a streamed answer: role first, a word an event, the reason with the last, usage when asked, "
    "[DONE]") {
  World world;
  const Reply reply = world.ask("POST", chat,
                                R"({"messages":[{"role":"user","content":"hi"}],"max_tokens":3,)"
                                R"("ignore_eos":true,"stream":true,)"
                                R"("stream_options":{"include_usage":true}})");
  CHECK(reply.type == "text/event-stream; charset=utf-8");
  std::vector<Json> events;
  for (const auto line : split(reply.body, '\n')) {
    if (line.starts_with("data: {")) events.push_back(Json::parse(line.substr(6)));
  }
  REQUIRE(events.size() == 5);
  CHECK(events[0]["choices"][0]["delta"]["role"] == "assistant");
  for (int i = 1; i <= 3; ++i)
    CHECK(events[i]["choices"][0]["delta"]["content"].get<std::string>().starts_with(" "));
  CHECK(events[2]["choices"][0]["finish_reason"].is_null());
  CHECK(events[3]["choices"][0]["finish_reason"] == "length");
  CHECK(events[4]["choices"].empty());
  CHECK(events[4]["usage"]["completion_tokens"] == 3);
  CHECK(reply.body.ends_with("data: [DONE]\n\n"));
  const std::string plain =
      world
          .ask("POST", chat,
               R"({"messages":[{"role":"user","content":"hi"}],"max_tokens":3,"stream":true})")
          .body;
  CHECK(plain.find("usage") == std::string::npos);
}

TEST_CASE("answers that end by themselves have lengths like people's, and end with stop") {
  World world;
  std::set<int> lengths;
  int stops = 0;
  for (int i = 0; i < 40; ++i) {
    const Json answer = world.ask_json(completions, format(R"({{"prompt":"p{}"}})", i));
    lengths.insert(answer["usage"]["completion_tokens"].get<int>());
    stops += answer["choices"][0]["finish_reason"] == "stop" ? 1 : 0;
  }
  CHECK(lengths.size() > 30);
  CHECK(stops >= 38);
}

TEST_CASE("what is wrong with a request is said with the status that real servers use") {
  World world;
  const auto status = [&](std::string_view path, std::string_view body) {
    const Reply reply = world.ask("POST", path, body);
    CHECK(Json::parse(reply.body)["error"]["message"].is_string());
    return reply.status;
  };
  CHECK(status(chat, "{") == 400);
  CHECK(status(chat, "[]") == 400);
  CHECK(status(chat, "{}") == 400);
  CHECK(status(chat, R"({"messages":[]})") == 400);
  CHECK(status(chat, R"({"model":"gpt-9","messages":[{"role":"user","content":"a"}]})") == 404);
  CHECK(status(completions, R"({"prompt":"a","max_tokens":9000})") == 400);
  CHECK(status(completions, R"({"prompt":"a","max_tokens":-1})") == 400);
  CHECK(status("/v1/embeddings", "{}") == 400);
  CHECK(world
            .ask("POST", completions, R"({"prompt":"a","max_tokens":1})",
                 "X-Tacho-Fault: nonsense\r\n")
            .status == 400);
}

TEST_CASE("bodies of strange types are refused or answered, never a crash") {
  World world;
  for (const char* body :
       {R"({"prompt":null})", R"({"prompt":{"a":1}})", R"({"prompt":[1,2,[3]]})",
        R"({"prompt":"a","max_tokens":"5"})", R"({"prompt":"a","max_tokens":1e30})",
        R"({"prompt":"a","max_tokens":0.5})", R"({"prompt":"a","max_tokens":4294967297})",
        R"({"prompt":"a","stream":"yes"})", R"({"prompt":"a","stream_options":[]})",
        R"({"prompt":"a","model":7})", R"({"prompt":"a","ignore_eos":1,"max_tokens":2})"}) {
    CAPTURE(std::string(body));
    const int status = world.ask("POST", completions, body).status;
    CHECK((status == 200 || status == 400));
  }
  for (const char* body :
       {R"({"messages":"a"})", R"({"messages":[1]})", R"({"messages":[{"content":null}]})",
        R"({"messages":[{"content":[{"type":"text","text":"a"},{"type":"image"},5]}]})",
        R"({"messages":[null,{"role":3}]})"}) {
    CAPTURE(std::string(body));
    const int status = world.ask("POST", chat, body).status;
    CHECK((status == 200 || status == 400));
  }
  for (const char* body : {R"({"input":null})", R"({"input":[]})", R"({"input":[1,{"a":2}]})",
                           R"({"input":{"a":2}})"}) {
    CAPTURE(std::string(body));
    const int status = world.ask("POST", "/v1/embeddings", body).status;
    CHECK((status == 200 || status == 400));
  }
}

TEST_CASE("a key that is asked for must be given, but not for health and metrics") {
  SimOptions options;
  options.api_key = "secret";
  World world(options);
  CHECK(world.ask("GET", "/v1/models").status == 401);
  CHECK(world.ask("GET", "/v1/models", "", "Authorization: Bearer wrong\r\n").status == 401);
  CHECK(world.ask("GET", "/v1/models", "", "Authorization: Bearer secret\r\n").status == 200);
  CHECK(world.ask("GET", "/health").status == 200);
  CHECK(world.ask("GET", "/metrics").status == 200);
}

TEST_CASE("embeddings are unit vectors of their text alone") {
  World world;
  const auto answer =
      world.ask_json("/v1/embeddings", R"({"model":"llama-3-8b","input":["a b","c","a b"]})");
  CHECK(answer["usage"]["prompt_tokens"] == 5);
  REQUIRE(answer["data"].size() == 3);
  double squares = 0.0;
  for (const auto& x : answer["data"][0]["embedding"]) squares += x.get<double>() * x.get<double>();
  CHECK(squares == doctest::Approx(1.0));
  CHECK(answer["data"][0]["embedding"] == answer["data"][2]["embedding"]);
  CHECK(answer["data"][0]["embedding"] != answer["data"][1]["embedding"]);
  CHECK(world.ask_json("/v1/embeddings", R"({"input":"one"})")["data"].size() == 1);
}

TEST_CASE("faults that a request asks for happen to it alone") {
  World world;
  const auto with = [&](std::string_view fault) {
    return world.ask("POST", completions,
                     R"({"prompt":"a","max_tokens":4,"ignore_eos":true,"stream":true})",
                     format("X-Tacho-Fault: {}\r\n", fault));
  };
  const Reply busy = with("http_503");
  CHECK(busy.status == 503);
  CHECK(with("no_done").body.find("[DONE]") == std::string::npos);
  CHECK(with("error_in_stream").body.find("\"error\":") != std::string::npos);
  CHECK(with("no_answer").status == 0);
  CHECK(with("rst_mid").body.find("[DONE]") == std::string::npos);
  CHECK(world.ask("POST", completions, R"({"prompt":"a","max_tokens":4})").status == 200);
  CHECK(world.server.engine().running() == 0);
}

TEST_CASE("whatever the fault, the engine is empty afterwards, and the next answer is whole") {
  World world;
  for (const std::string& name : fault_names()) {
    if (name.find(' ') != std::string::npos) continue;
    for (const char* stream : {"true", "false"}) {
      CAPTURE(name);
      CAPTURE(std::string(stream));
      const std::string body = format(
          R"({{"messages":[{{"role":"user","content":"a"}}],"max_tokens":6,"ignore_eos":true,)"
          R"("stream":{}}})",
          stream);
      world.ask("POST", chat, body, format("X-Tacho-Fault: {}\r\n", name));
      CHECK(world.server.engine().running() + world.server.engine().waiting() == 0);
      CHECK(world.server.engine().kv_used() == 0);
      CHECK(world.ask("POST", chat, body).status == 200);
    }
  }
}

TEST_CASE("a refusal names the field to blame") {
  World world;
  const auto param = [&](std::string_view path, std::string_view body) {
    const Json answer = world.ask_json(path, body);
    return answer["error"]["param"].is_null() ? "" : answer["error"]["param"].get<std::string>();
  };
  CHECK(param(chat, R"({"messages":[{"role":"user","content":"a"},{"role":"x"}]})") ==
        "messages[1].role");
  CHECK(param(chat, R"({"messages":[{"role":"user","content":[{"text":"a"}]}]})") ==
        "messages[0].content");
  CHECK(param(completions, R"({"prompt":"a","max_tokens":1.5})") == "max_tokens");
  CHECK(param(completions, R"({"prompt":"a","temperature":"hot"})") == "temperature");
  CHECK(param(completions, R"({"prompt":[16000]})") == "prompt");
  CHECK(param(completions, R"({"prompt":"a","max_tokens":9000})") == "max_tokens");
  CHECK(param(completions, "[]") == "");
  CHECK(param(completions, R"({"prompt":"a","logprobs":21})") == "logprobs");
  CHECK(param(completions, R"({"prompt":"a","stream":true,"prompt_logprobs":1})") ==
        "prompt_logprobs");
  CHECK(param(chat, R"({"messages":[{"role":"user","content":"a"}],"top_logprobs":1})") ==
        "top_logprobs");
  CHECK(param(chat, R"({"messages":[{"role":"user","content":"a"}],"n":2})") == "n");
  CHECK(world.ask_json(completions,
                       R"({"prompt":[1,2,3],"max_tokens":2})")["usage"]["prompt_tokens"] == 3);
}

TEST_CASE("a server that is starting, and one whose queue is full, say when to come again") {
  SimOptions options;
  options.startup = std::chrono::seconds(1);
  World world(options);
  CHECK(world.ask("GET", "/health").status == 503);
  CHECK(world.ask("GET", "/metrics").status == 200);
  Timer later(world.loop, [] {});
  later.arm(world.loop.now() + std::chrono::seconds(1));
  world.loop.run();
  CHECK(world.ask("GET", "/health").status == 200);
}

TEST_CASE("texts to tokens and back") {
  SimOptions options;
  options.encode = [](std::string_view text) {
    return std::vector<std::uint32_t>(text.begin(), text.end());
  };
  options.decode = [](std::span<const std::uint32_t> ids) {
    return std::string(ids.begin(), ids.end());
  };
  World world(options);
  const Json tokens = world.ask_json("/tokenize", R"({"prompt":"abc","return_token_strs":true})");
  CHECK(tokens["count"] == 3);
  CHECK(tokens["tokens"] == Json::array({97, 98, 99}));
  CHECK(tokens["token_strs"] == Json::array({"a", "b", "c"}));
  CHECK(tokens["max_model_len"] == 8192);
  CHECK(world.ask_json("/tokenize", R"({"messages":[{"role":"user","content":"ab"}]})")["count"] ==
        2);
  CHECK(world.ask_json("/detokenize", R"({"tokens":[97,98]})")["prompt"] == "ab");
  CHECK(world.ask("GET", "/tokenize").status == 405);
  CHECK(World().ask("POST", "/tokenize", R"({"prompt":"a"})").status == 501);
}

TEST_CASE(
    "by the clock: the same shapes, the times that were asked for, and all of it in the truth") {
  SimOptions options;
  options.fixed = FixedTiming{std::chrono::milliseconds(30), std::chrono::milliseconds(7)};
  options.truth_max = 12;
  World world(options);
  const std::string ask =
      R"({"messages":[{"role":"user","content":"one two"}],"max_tokens":5,"ignore_eos":true,)"
      R"("stream":true,"stream_options":{"include_usage":true}})";
  const Reply reply = world.ask("POST", chat, ask);
  CHECK(reply.status == 200);
  std::size_t contents = 0, finishes = 0;
  std::string id;
  for (const auto line : split(reply.body, '\n')) {
    if (!line.starts_with("data: {")) continue;
    const Json event = Json::parse(line.substr(6));
    id = event["id"].get<std::string>();
    if (event["choices"].empty()) {
      CHECK(event["usage"]["completion_tokens"] == 5);
      continue;
    }
    const Json& choice = event["choices"][0];
    contents += choice["delta"]["content"].get<std::string>().empty() ? 0 : 1;
    finishes += choice["finish_reason"].is_null() ? 0 : 1;
  }
  CHECK(contents == 5);
  CHECK(finishes == 1);
  CHECK(reply.body.ends_with("data: [DONE]\n\n"));
  const Json truth = Json::parse(world.ask("GET", "/sim/truth/" + id).body);
  const auto planned = truth["planned_ns"].get<std::vector<std::int64_t>>();
  REQUIRE(planned.size() == 5);
  CHECK(planned[0] - truth["received_ns"].get<std::int64_t>() == 30'000'000);
  for (std::size_t i = 1; i < 5; ++i) CHECK(planned[i] - planned[i - 1] == 7'000'000);
  CHECK(truth["written_ns"].size() == 5);
  CHECK(Json::parse(world.ask("GET", "/sim/config").body)["timing"] == "fixed");

  // Two more, of which the store has room for one beside the next.
  for (int i = 0; i < 2; ++i) CHECK(world.ask("POST", chat, ask).status == 200);
  CHECK(world.ask("GET", "/sim/truth/" + id).status == 404);
  CHECK(world.server.truths().all().size() == 2);
  // A whole answer takes as long, and says the same.
  const Json whole = world.ask_json(chat, R"({"messages":[{"role":"user","content":"x"}],)"
                                          R"("max_tokens":3,"ignore_eos":true})");
  CHECK(whole["usage"]["completion_tokens"] == 3);
}

TEST_CASE("live and virtual: the way to the scheduler takes the same time, and so does the rest") {
  SimOptions options;
  options.serving.engine.prompt_token_s = 2e-6;
  const StepTime time(*find_gpu("h800"), *find_model("llama-3-8b"), options.serving);
  options.cluster.handover = [&](const Sequence& sequence) {
    return time.request_overhead(sequence.input_tokens);
  };
  World world(options);
  std::string prompt = "w";
  for (int i = 1; i < 50; ++i) prompt += " w";
  const Json answer = world.ask_json(
      completions, format(R"({{"prompt":"{}","max_tokens":5,"ignore_eos":true}})", prompt));
  const Json truth =
      Json::parse(world.ask("GET", "/sim/truth/" + answer["id"].get<std::string>()).body);
  const Instant received = instant_from_ns(truth["received_ns"].get<std::int64_t>());
  std::vector<VirtualRequest> twins{VirtualRequest(received, 50, 5)};
  const Duration way = time.request_overhead(50);
  CHECK(way > std::chrono::milliseconds(1));
  CHECK(truth["queued_ns"].get<std::int64_t>() == to_ns(received + way));
  const VirtualRun run =
      run_virtual([&](const StepWork& work) { return time.of(work); }, {.kv_tokens = 100'000},
                  twins, {.handover = [&](const Sequence&) { return way; }, .keeps_tokens = true});
  std::vector<std::int64_t> planned;
  for (const Instant token : run.tokens_of(twins[0])) planned.push_back(to_ns(token));
  CHECK(truth["planned_ns"].get<std::vector<std::int64_t>>() == planned);
}

TEST_CASE("a client that leaves on the way to the scheduler leaves nothing behind") {
  SimOptions options;
  options.cluster.handover = [](const Sequence&) { return std::chrono::milliseconds(10); };
  World world(options);
  Client client;
  client.request =
      "POST /v1/completions HTTP/1.1\r\nContent-Length: 32\r\n\r\n"
      R"({"prompt":"a", "max_tokens": 50})";
  client.stream = world.loop.connect(*resolve("127.0.0.1", 80), client);
  Timer leave(world.loop, [&] { client.stream.reset(); });
  leave.arm(world.loop.now() + std::chrono::milliseconds(1));
  world.loop.run();
  CHECK(world.server.engine().running() + world.server.engine().waiting() == 0);
  const std::string page = world.ask("GET", "/metrics").body;
  CHECK(page.find("vllm:num_requests_waiting{engine=\"0\",model_name=\"llama-3-8b\"} 0.0") !=
        std::string::npos);
  CHECK(page.find("finished_reason=\"abort\",model_name=\"llama-3-8b\"} 1.0") != std::string::npos);
}

TEST_CASE("a prompt that begins like an earlier one says how much of it was in the cache") {
  SimOptions options;
  options.encode = [](std::string_view text) {
    std::vector<std::uint32_t> ids;
    for (const auto word : split(text, ' ')) ids.push_back(static_cast<std::uint32_t>(word.size()));
    return ids;
  };
  World world(std::move(options));
  std::string prompt = "a";
  for (int i = 0; i < 39; ++i) prompt += " bb";
  const auto cached = [&](const std::string& text, std::string_view more = "") {
    const Json answer = world.ask_json("/v1/completions",
                                       format(R"({{"prompt":"{}","max_tokens":2{}}})", text, more));
    CHECK(answer["usage"]["prompt_tokens"] == split(text, ' ').size());
    return answer["usage"].contains("prompt_tokens_details")
               ? answer["usage"]["prompt_tokens_details"]["cached_tokens"].get<int>()
               : 0;
  };
  CHECK(cached(prompt) == 0);
  CHECK(cached(prompt) == 32);  // Two full blocks of 16.
  CHECK(cached(prompt + " ccc") == 32);
  CHECK(cached("zzzz " + prompt) == 0);
  CHECK(cached(prompt, R"(,"cache_salt":"mine")") == 0);
  const std::string page = world.ask("GET", "/metrics").body;
  CHECK(page.find("vllm:prefix_cache_hits_total{engine=\"0\",model_name=\"llama-3-8b\"} 64.0") !=
        std::string::npos);
}

}  // namespace
}  // namespace tacho
