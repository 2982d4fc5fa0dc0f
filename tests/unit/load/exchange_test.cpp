// What becomes of an answer: each way in which a server can answer, rightly or wrongly, ends in one
// record that says so.
#include "load/exchange.h"

#include <doctest/doctest.h>
#include <netinet/in.h>

#include "base/text.h"
#include "scripted_server.h"

using namespace std::chrono_literals;

namespace tacho {
namespace {

Address port_8000() {
  Address address;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&address.storage);
  v4->sin_family = AF_INET;
  v4->sin_port = htons(8000);
  v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.length = sizeof *v4;
  return address;
}

/// How a conversation is held.
struct Setting {
  std::vector<Script> scripts;
  std::uint32_t requests = 1;
  Duration timeout = 10s;
  Timeouts timeouts = {};
  WorldOptions net = {};
  bool is_impatient = false;
  std::string endpoint = "chat";
  std::string body = "{}";
  bool has_server = true;
};

struct Heard {
  std::vector<Record> records;
  std::size_t connections = 0;
  std::string requests;
  std::uint64_t sent = 0, completed = 0, failed = 0, chunks = 0;
};

/// One closed-loop stream sends the requests one after the other; the server follows its scripts.
Heard converse(const Setting& setting) {
  WorldOptions net = setting.net;
  net.delay_min = net.delay_max = 100us;
  net.read_lag_max = 0us;
  WorldLoop loop(net);
  const Address address = port_8000();
  std::unique_ptr<ScriptedServer> server;
  if (setting.has_server) {
    server = std::make_unique<ScriptedServer>(loop, address, setting.scripts);
    server->is_impatient = setting.is_impatient;
  }
  const auto protocol = std::move(*make_protocol(setting.endpoint));
  CellPlan plan;
  plan.timeouts = setting.timeouts;
  plan.timeouts.total = setting.timeout;
  const Url url{false, "127.0.0.1", 8000, ""};
  plan.prompts.push_back({http_request_text("POST", url, "/v1/x", {}, setting.body), 7, 9});
  for (std::uint32_t i = 0; i < setting.requests; ++i) plan.measure.push_back({i, 0, 0s});
  const Target target{protocol.get(), true, {{url, address}}};
  const std::atomic<int> stop_level{0};
  WorkerProgress progress;
  Heard heard;
  Worker worker(loop, {[&](StreamHandler& h) { return loop.connect(address, h); }}, plan, target,
                Slice{}, stop_level, progress, [&](const Record& record) {
                  heard.records.push_back(record);
                  return true;
                });
  worker.begin(Stage::measure, loop.now() + 1ms);
  loop.run();
  CHECK_FALSE(loop.has_hung());
  CHECK(progress.in_flight == 0);
  heard.connections = worker.connections_dialled();
  if (server) heard.requests = server->heard();
  heard.sent = progress.sent;
  heard.completed = progress.completed;
  heard.failed = progress.failed;
  heard.chunks = progress.chunks;
  return heard;
}

std::string chunk(std::string_view bytes) { return format("{:x}\r\n{}\r\n", bytes.size(), bytes); }

std::string event(std::string_view json) { return format("data: {}\n\n", json); }

std::string content(std::string_view text, std::string_view finish = "") {
  return event(format(
      R"({{"id":"r-1","choices":[{{"index":0,"delta":{{"content":"{}"}},"finish_reason":{}}}]}})",
      text, finish.empty() ? "null" : format("\"{}\"", finish)));
}

const std::string stream_head =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
const std::string last_chunk = "0\r\n\r\n";
const std::string done_mark = "data: [DONE]\n\n";

std::string whole(int status, std::string_view body, std::string_view type = "application/json") {
  return format("HTTP/1.1 {} X\r\nContent-Type: {}\r\nContent-Length: {}\r\n\r\n{}", status, type,
                body.size(), body);
}

/// The record of one request to a server that sends these bytes and, if asked, ends the connection.
Record answer(const std::string& bytes, bool then_end = false) {
  Setting setting;
  setting.scripts = {{{1ms, Step::Kind::send, bytes}}};
  setting.timeout = 1s;
  if (then_end) setting.scripts[0].push_back({1ms, Step::Kind::end});
  return converse(setting).records.at(0);
}

TEST_CASE("a stream of chunks becomes a record with every instant and count") {
  Setting setting;
  setting.scripts = {{
      {2ms, Step::Kind::send,
       stream_head +
           chunk(event(R"({"id":"r-1","choices":[{"delta":{"role":"assistant","content":""}}]})"))},
      {3ms, Step::Kind::send, chunk(content("Hé"))},
      {4ms, Step::Kind::send, chunk(content(" you", "stop"))},
      {5ms, Step::Kind::send,
       chunk(
           event(
               R"({"id":"r-1","choices":[],"usage":{"prompt_tokens":11,"completion_tokens":2}})") +
           done_mark)},
      {1ms, Step::Kind::send, last_chunk},
  }};
  const Heard heard = converse(setting);
  const Record& r = heard.records.at(0);
  CHECK(r.outcome == Outcome::ok);
  CHECK(r.detail == "");
  CHECK(r.http_status == 200);
  CHECK(r.response_id == "r-1");
  CHECK(r.finish_reason == "stop");
  CHECK(r.usage.input_tokens == 11);
  CHECK(r.usage.output_tokens == 2);
  CHECK(r.text == "");
  CHECK(r.output_characters == 6);
  REQUIRE(r.chunks.size() == 2);
  CHECK(r.chunks[0].bytes == 3);
  CHECK(r.chunks[0].tokens == 0);
  CHECK(r.sent - r.dialled == 100us);
  CHECK(r.headers - r.sent == 2ms + 200us);
  // The event that only names the role is no token.
  CHECK(r.chunks[0].at - r.headers == 3ms);
  CHECK(r.chunks[1].at - r.chunks[0].at == 4ms);
  CHECK(r.done - r.chunks[1].at == 6ms);
  CHECK(r.reads == 5);
  CHECK(r.shared_reads == 0);
  CHECK(r.stamps == Stamps::socket);
  CHECK(r.streamed);
  CHECK(r.input_tokens_planned == 7);
  CHECK(r.output_tokens_planned == 9);
  CHECK(heard.sent == 1);
  CHECK(heard.completed == 1);
  CHECK(heard.chunks == 2);
}

TEST_CASE("cut at any byte, the same answer gives the same tokens, times aside (I4)") {
  const std::string bytes = stream_head + chunk(content("one")) +
                            chunk(content(" \\u00e9\\n") + ": a comment\n\n" + content(" three")) +
                            chunk(content("", "length") + done_mark) + last_chunk;
  const Record expected = answer(bytes);
  REQUIRE(expected.outcome == Outcome::ok);
  REQUIRE(expected.chunks.size() == 3);
  for (std::size_t cut = 1; cut < bytes.size(); ++cut) {
    CAPTURE(cut);
    Setting setting;
    setting.scripts = {{{1ms, Step::Kind::send, bytes.substr(0, cut)},
                        {1ms, Step::Kind::send, bytes.substr(cut)}}};
    const Record r = converse(setting).records.at(0);
    CHECK(r.outcome == Outcome::ok);
    CHECK(r.text == expected.text);
    CHECK(r.finish_reason == "length");
    CHECK(r.chunks.size() == 3);
    CHECK(r.reads == (cut < stream_head.size() ? 1 : 2));  // Half a head is no answer yet.
    CHECK(r.output_characters == expected.output_characters);
  }
}

TEST_CASE("chunks that one read brings share its time and are counted as shared") {
  const Record r =
      answer(stream_head + chunk(content("a") + content("b") + content("c", "stop") + done_mark) +
             last_chunk);
  CHECK(r.chunks.size() == 3);
  CHECK(r.chunks[0].at == r.chunks[2].at);
  CHECK(r.reads == 1);
  CHECK(r.shared_reads == 1);
}

TEST_CASE("reasoning text is content, but not output text") {
  const Record r = answer(stream_head +
                          chunk(event(R"({"choices":[{"delta":{"reasoning_content":"hm"}}]})") +
                                content("yes", "stop") + done_mark) +
                          last_chunk);
  REQUIRE(r.chunks.size() == 2);
  CHECK(r.chunks[0].is_reasoning);
  CHECK_FALSE(r.chunks[1].is_reasoning);
  CHECK(r.text == "hmyes");
}

TEST_CASE(
    "usage in every chunk says how many tokens each holds; usage that comes late says nothing of "
    "chunks") {
  const auto with_usage = [](const char* text, int tokens) {
    return event(format(R"({{"choices":[{{"delta":{{"content":"{}"}}}}],)"
                        R"("usage":{{"prompt_tokens":3,"completion_tokens":{}}}}})",
                        text, tokens));
  };
  Record r = answer(
      stream_head +
      chunk(with_usage("a", 2) + with_usage("b", 3) + with_usage("c", 7) + done_mark) + last_chunk);
  REQUIRE(r.chunks.size() == 3);
  CHECK(r.chunks[0].tokens == 2);
  CHECK(r.chunks[1].tokens == 1);
  CHECK(r.chunks[2].tokens == 4);
  CHECK(r.usage.output_tokens == 7);

  r = answer(stream_head + chunk(content("a") + with_usage("b", 9) + done_mark) + last_chunk);
  CHECK(r.chunks[0].tokens == 0);
  CHECK(r.chunks[1].tokens == 0);
  CHECK(r.usage.output_tokens == 9);
}

TEST_CASE("each wrong answer has its outcome and says what was wrong") {
  struct Case {
    const char* what;
    std::string bytes;
    bool then_end;
    Outcome outcome;
    std::string_view detail;
  };
  const std::string ok = stream_head + chunk(content("a"));
  const std::vector<Case> cases{
      {"an error status", whole(500, R"({"error":{"message":"boom"}})"), false,
       Outcome::http_status, "boom"},
      {"an error page", whole(404, "<html>\nnot here", "text/html"), false, Outcome::http_status,
       "<html>"},
      {"an error inside a 200 stream",
       ok + chunk(event(R"({"error":{"message":"oom"}})")) + last_chunk, false, Outcome::malformed,
       "error in the stream: oom"},
      {"an event that is no JSON", ok + chunk(event("{oops")) + last_chunk, false,
       Outcome::malformed, "an event that is not the protocol's: {oops"},
      {"an event that is no object", ok + chunk(event("[1]")) + last_chunk, false,
       Outcome::malformed, "an event that is not the protocol's: [1]"},
      {"a finish reason of failure", ok + chunk(content("b", "abort")) + last_chunk, false,
       Outcome::malformed, "the server ended it with 'abort'"},
      {"neither finish reason nor [DONE]", ok + last_chunk, false, Outcome::truncated,
       "the stream ended without a finish reason"},
      {"an end in the middle", ok, true, Outcome::truncated,
       "the connection closed in the middle of the answer"},
      {"an end in the head", "HTTP/1.1 200 OK\r\nContent-", true, Outcome::reset,
       "connection closed"},
      {"no answer at all", "", true, Outcome::reset, "connection closed"},
      {"no HTTP", "SSH-2.0-OpenSSH_9.2\r\n", false, Outcome::malformed, "not an HTTP/1.1 response"},
      {"a TLS alert", std::string("\x15\x03\x01\x00\x02\x02\x46", 7), false, Outcome::malformed,
       "the server speaks TLS"},
      {"the first byte of a TLS alert", "\x15", false, Outcome::malformed, "the server speaks TLS"},
      {"a redirect", "HTTP/1.1 307 X\r\nLocation: http://other/v1\r\nContent-Length: 2\r\n\r\nno",
       false, Outcome::http_status, "redirected to http://other/v1, which is not followed"},
      {"a compressed stream",
       "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Encoding: gzip\r\n"
       "Content-Length: 4\r\n\r\n\x1f\x8b\n\n",
       false, Outcome::malformed, "a compressed answer (gzip), which was not asked for"},
      {"a compressed error page",
       "HTTP/1.1 500 X\r\nContent-Encoding: br\r\nContent-Length: 2\r\n\r\n\x1f\x8b", false,
       Outcome::http_status, "a compressed answer (br), which was not asked for"},
      {"a chunk size that is none", stream_head + "zz\r\n", false, Outcome::malformed,
       "a chunk size that is no number"},
      {"a whole answer that is none", whole(200, "hello"), false, Outcome::malformed,
       "an answer that is not the protocol's: hello"},
      {"a whole answer with an error", whole(200, R"({"error":"no"})"), false, Outcome::malformed,
       "no"},
      {"no finish reason but [DONE]", ok + chunk(done_mark) + last_chunk, false, Outcome::ok, ""},
      {"a finish reason but no [DONE]", ok + chunk(content("b", "stop")) + last_chunk, false,
       Outcome::ok, "no [DONE] mark"},
  };
  for (const Case& c : cases) {
    CAPTURE(std::string(c.what));
    const Record r = answer(c.bytes, c.then_end);
    CHECK(outcome_name(r.outcome) == outcome_name(c.outcome));
    CHECK(r.detail == c.detail);
  }
}

TEST_CASE("an answer that says it is not compressed is not") {
  const std::string body = R"({"choices":[{"text":"x","finish_reason":"stop"}]})";
  const Record r =
      answer(format("HTTP/1.1 200 OK\r\nContent-Encoding: Identity\r\nContent-Length: {}\r\n\r\n{}",
                    body.size(), body));
  CHECK(r.outcome == Outcome::ok);
}

TEST_CASE("bytes after a complete answer cost the connection, not the answer") {
  Setting setting;
  setting.requests = 2;
  const std::string good = whole(200, R"({"choices":[]})");
  setting.scripts = {{{1ms, Step::Kind::send, good + "x"}}, {{1ms, Step::Kind::send, good}}};
  const Heard heard = converse(setting);
  CHECK(heard.connections == 2);
  for (const Record& r : heard.records) CHECK(r.outcome == Outcome::ok);
}

TEST_CASE("a reset is a reset, before the answer and within it") {
  for (const std::string& bytes :
       {std::string("H"), stream_head, stream_head + chunk(content("a"))}) {
    Setting setting;
    setting.scripts = {{{1ms, Step::Kind::send, bytes}, {2ms, Step::Kind::reset}}};
    const Record r = converse(setting).records.at(0);
    CHECK(r.outcome == Outcome::reset);
    CHECK(r.reconnects == 0);
    CHECK(happened(r.done));
    CHECK(r.done >= r.sent);
  }
}

TEST_CASE("a port that nobody listens on refuses, and the record has no time after its due time") {
  Setting setting;
  setting.has_server = false;
  setting.requests = 3;
  const Heard heard = converse(setting);
  REQUIRE(heard.records.size() == 3);
  for (const Record& r : heard.records) {
    CHECK(r.outcome == Outcome::refused);
    CHECK_FALSE(happened(r.sent));
    CHECK_FALSE(happened(r.done));
  }
  CHECK(heard.sent == 0);
  CHECK(heard.failed == 3);
}

TEST_CASE("a time limit says what was being waited for") {
  Setting setting;
  setting.timeout = 50ms;
  setting.scripts = {{}};
  CHECK(converse(setting).records.at(0).detail == "no first token");
  setting.scripts = {{{1ms, Step::Kind::send, stream_head}}};
  CHECK(converse(setting).records.at(0).detail == "no first token");
  setting.scripts = {{{1ms, Step::Kind::send, stream_head + chunk(content("a"))}}};
  const Record r = converse(setting).records.at(0);
  CHECK(r.outcome == Outcome::timeout);
  CHECK(r.detail == "answer not complete");
  CHECK(r.chunks.size() == 1);
  CHECK(r.done - r.due >= setting.timeout);  // In flight until we gave it up.
}

TEST_CASE("connections are kept and used again; an end without a length costs the connection") {
  Setting setting;
  setting.requests = 3;
  const std::string good = whole(200, R"({"choices":[{"text":"x","finish_reason":"stop"}]})");
  setting.endpoint = "completions";
  setting.scripts.assign(3, {{1ms, Step::Kind::send, good}});
  CHECK(converse(setting).connections == 1);
  setting.scripts[0] = {{1ms, Step::Kind::send,
                         "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" +
                             content("a", "stop") + done_mark},
                        {1ms, Step::Kind::end}};
  const Heard heard = converse(setting);
  CHECK(heard.connections == 2);
  for (const Record& r : heard.records) CHECK(r.outcome == Outcome::ok);
  CHECK(heard.records[0].done - heard.records[0].chunks.at(0).at == 1ms);
}

TEST_CASE("a kept-alive connection found closed is replaced, counted, and nothing is lost") {
  Setting setting;
  setting.requests = 2;
  const std::string good = whole(200, R"({"choices":[{"text":"x","finish_reason":"stop"}]})");
  // The end crosses with the second request, which is sent at once.
  setting.scripts = {{{1ms, Step::Kind::send, good}, {50us, Step::Kind::end}},
                     {{1ms, Step::Kind::send, good}}};
  const Heard heard = converse(setting);
  REQUIRE(heard.records.size() == 2);
  CHECK(heard.records[1].outcome == Outcome::ok);
  CHECK(heard.records[1].reconnects == 1);
  CHECK(heard.records[1].dialled > heard.records[0].done);
  CHECK(heard.connections == 2);
  CHECK(heard.sent == 2);
}

TEST_CASE(
    "the same while the request is still going out: what was counted as sent is what was sent") {
  Setting setting;
  setting.requests = 2;
  setting.body = "{\"x\":\"" + std::string(5000, 'x') + "\"}";
  setting.net.room = 1000;
  const std::string good = whole(200, R"({"choices":[{"text":"x","finish_reason":"stop"}]})");
  setting.scripts = {{{1ms, Step::Kind::send, good}, {50us, Step::Kind::end}},
                     {{1ms, Step::Kind::send, good}}};
  const Heard heard = converse(setting);
  REQUIRE(heard.records.size() == 2);
  CHECK(heard.records[1].outcome == Outcome::ok);
  CHECK(heard.records[1].reconnects == 1);
  CHECK(heard.sent == 2);

  setting.scripts.pop_back();  // Nobody answers the second attempt; it has gone out, though.
  setting.timeout = 1s;
  CHECK(converse(setting).sent == 2);
}

TEST_CASE("after a connection that served before, a failure's time is its own") {
  Setting setting;
  setting.requests = 2;
  const std::string last =
      "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 14\r\n\r\n{\"choices\":[]}";
  // The second request goes out on the same object, over a new socket, and is never answered.
  setting.scripts = {{{1ms, Step::Kind::send, last}}, {{1ms, Step::Kind::reset}}};
  const Heard heard = converse(setting);
  REQUIRE(heard.records.size() == 2);
  CHECK(heard.records[0].outcome == Outcome::ok);
  CHECK(heard.records[1].outcome == Outcome::reset);
  CHECK(heard.records[1].done > heard.records[1].sent);
}

TEST_CASE("an answer that comes before the request has gone out is an answer all the same") {
  Setting setting;
  setting.is_impatient = true;
  setting.body = "{\"x\":\"" + std::string(5000, 'x') + "\"}";
  setting.net.room = 100;
  setting.scripts = {{{0ms, Step::Kind::send,
                       stream_head + chunk(content("a", "stop") + done_mark) + last_chunk}}};
  const Heard heard = converse(setting);
  const Record& r = heard.records.at(0);
  CHECK(r.outcome == Outcome::ok);
  CHECK_FALSE(happened(r.sent));
  CHECK(r.chunks.size() == 1);
  CHECK(heard.connections == 1);

  // The same, and the connection then ends instead: no token, no underflow of what the display
  // shows.
  setting.requests = 2;
  setting.scripts = {{{1ms, Step::Kind::end}}, {{1ms, Step::Kind::end}}};
  const Heard ended = converse(setting);
  CHECK(ended.failed == 2);
  CHECK(ended.sent == 0);
}

TEST_CASE("an embeddings answer has no tokens but an end") {
  Setting setting;
  setting.endpoint = "embeddings";
  setting.scripts = {{{4ms, Step::Kind::send,
                       whole(200, R"({"object":"list","data":[{"embedding":[0.1]}],)"
                                  R"("usage":{"prompt_tokens":5,"total_tokens":5}})")}}};
  const Record r = converse(setting).records.at(0);
  CHECK(r.outcome == Outcome::ok);
  CHECK_FALSE(r.streamed);
  CHECK(r.chunks.empty());
  CHECK(r.usage.input_tokens == 5);
  CHECK_FALSE(r.usage.output_tokens.has_value());
  CHECK(r.done - r.sent == 4ms + 200us);
}

}  // namespace
}  // namespace tacho
