// The engine's small parts: faults, the truth that is kept, the metrics page, and its words.
#include <doctest/doctest.h>

#include <set>

#include "base/text.h"
#include "net/world_loop.h"
#include "sim/fault.h"
#include "sim/metrics.h"
#include "sim/truth.h"
#include "sim/words.h"
#include "workload/tokenizer.h"

using namespace std::chrono_literals;

namespace tacho {
namespace {

TEST_CASE("faults are read by their names, with their probability") {
  CHECK(parse_fault("http_503")->kind == Fault::Kind::http_status);
  CHECK(parse_fault("http_503")->status == 503);
  const std::pair<const char*, Fault::Kind> names[] = {
      {"rst_mid", Fault::Kind::reset_mid},   {"fin_mid", Fault::Kind::close_mid},
      {"no_done", Fault::Kind::no_done},     {"error_in_stream", Fault::Kind::error_in_stream},
      {"malformed", Fault::Kind::malformed}, {"no_answer", Fault::Kind::no_answer}};
  for (const auto& [name, kind] : names) CHECK(parse_fault(name)->kind == kind);
  for (const char* name : {"", "http_", "http_200", "http_600", "http_4x4", "RST_MID", "none"}) {
    CAPTURE(std::string(name));
    CHECK_FALSE(parse_fault(name).ok());
  }
  const auto rule = parse_fault_rule("http_429=0.25");
  REQUIRE(rule.ok());
  CHECK(rule->fault.status == 429);
  CHECK(rule->probability == 0.25);
  CHECK(parse_fault_rule("no_done=1").ok());
  for (const char* text :
       {"no_done", "no_done=", "no_done=1.1", "no_done=-0.1", "no_done=x", "=0.5", "what=0.5"}) {
    CAPTURE(std::string(text));
    CHECK_FALSE(parse_fault_rule(text).ok());
  }
}

TEST_CASE(
    "faults are drawn as often as their rules say, and always the same for the same request") {
  const std::vector<FaultRule> rules{{*parse_fault("http_500"), 0.1},
                                     {*parse_fault("rst_mid"), 0.3}};
  int errors = 0, resets = 0;
  for (std::uint64_t i = 0; i < 100'000; ++i) {
    const Fault fault = draw_fault(rules, 7, i);
    errors += fault.kind == Fault::Kind::http_status ? 1 : 0;
    resets += fault.kind == Fault::Kind::reset_mid ? 1 : 0;
    if (i < 100) CHECK(fault.kind == draw_fault(rules, 7, i).kind);
  }
  CHECK(std::abs(errors - 10'000) < 5 * 95);  // Five standard deviations of a binomial.
  CHECK(std::abs(resets - 30'000) < 5 * 145);
  CHECK(draw_fault({}, 7, 1).kind == Fault::Kind::none);
  CHECK(draw_fault({{*parse_fault("no_done"), 1.0}}, 7, 1).kind == Fault::Kind::no_done);
}

TEST_CASE("rules strike the requests that they name, in their window and not outside") {
  const auto struck = [](const std::vector<const char*>& texts, std::uint64_t request,
                         Duration at) {
    std::vector<FaultRule> rules;
    for (const char* text : texts) rules.push_back(*parse_fault_rule(text));
    return name_of(draw_fault(rules, 7, request, at));
  };
  for (std::uint64_t i = 0; i < 30; ++i) {
    CHECK(struck({"rst_mid=/5"}, i, 0s) == (i % 5 == 4 ? "rst_mid" : "none"));
    CHECK(struck({"rst_mid=@5", "nul=@6"}, i, 0s) == (i == 4   ? "rst_mid"
                                                      : i == 5 ? "nul"
                                                               : "none"));
    CHECK(struck({"rst_mid=1@2-3"}, i, 2500ms) == "rst_mid");
    CHECK(struck({"rst_mid=1@2-3"}, i, 3s) == "none");
    CHECK(struck({"rst_mid=@5@2-3.5"}, i, 2s) == (i == 4 ? "rst_mid" : "none"));
    // A rule that sleeps keeps its requests: those of the next one stay the same.
    CHECK((struck({"rst_mid=0.5@2-3", "nul=0.5"}, i, 0s) == "nul") ==
          (struck({"rst_mid=0.5", "nul=0.5"}, i, 0s) == "nul"));
    CHECK(struck({"rst_mid=1@2-3", "nul=/1"}, i, 0s) == "nul");
  }
  for (const char* text : {"rst_mid=1@", "rst_mid=1@5", "rst_mid=1@5-4", "rst_mid=1@-1-4",
                           "rst_mid=1@a-b", "rst_mid=/0", "rst_mid=@0", "rst_mid=/x", "nul:x=1",
                           "stall_mid:0=1", "no_done:1=1", "huge_event:262145=1"}) {
    CAPTURE(std::string(text));
    CHECK_FALSE(parse_fault_rule(text).ok());
  }
}

TEST_CASE("each fault is read back by the name that it gives itself") {
  for (const std::string& name : fault_names()) {
    if (name.find(' ') != std::string::npos) continue;
    CAPTURE(name);
    REQUIRE(parse_fault(name).ok());
    CHECK(name_of(*parse_fault(name)) == name);
  }
  CHECK(parse_fault("http_503:date")->style == Fault::HeaderStyle::date);
  CHECK(parse_fault("http_429:30")->argument == 30);
  CHECK(parse_fault("stall_mid:250")->argument == 250);
  CHECK(parse_fault("stall_mid")->argument == 1000);
}

TEST_CASE("events are written again in other ways that mean the same") {
  const std::string events = "data: {\"a\":1,\"b\":2}\n\ndata: [DONE]\n\n";
  const auto as = [&](const char* name) { return restyled(events, *parse_fault(name), true); };
  CHECK(as("no_done") == events);
  CHECK(as("sse_crlf") == "data: {\"a\":1,\"b\":2}\r\n\r\ndata: [DONE]\r\n\r\n");
  CHECK(as("sse_cr") == "data: {\"a\":1,\"b\":2}\r\rdata: [DONE]\r\r");
  CHECK(as("sse_multiline") == "data: {\"a\":1,\ndata: \"b\":2}\n\ndata: [DONE]\n\n");
  CHECK(as("sse_nospace") == "data:{\"a\":1,\"b\":2}\n\ndata:[DONE]\n\n");
  CHECK(as("sse_bom") == "\xef\xbb\xbf" + events);
  CHECK(restyled(events, *parse_fault("sse_bom"), false) == events);
  CHECK(as("sse_comments").ends_with("\nretry: 3000\ndata: [DONE]\n\n"));
}

TEST_CASE("truths are found by their id until memory is short, then the oldest are dropped") {
  TruthStore store(10);
  const auto keep = [&](const std::string& id, std::size_t tokens) {
    Truth truth;
    truth.id = id;
    for (std::size_t i = 0; i < tokens; ++i)
      store.note(truth, instant_from_ns(1), instant_from_ns(2), instant_from_ns(3));
    store.keep(std::move(truth));
  };
  keep("a", 4);
  keep("b", 5);
  CHECK(store.find("a")->written.size() == 4);
  CHECK(store.find("none") == nullptr);
  keep("c", 3);
  CHECK(store.find("a") == nullptr);
  CHECK(store.find("b")->written.size() == 5);
  CHECK(store.find("c")->written.size() == 3);
  CHECK(store.dropped() == 1);
  keep("d", 50);  // More than the bound: all make room for it, and it is cut all the same.
  CHECK(store.all().empty());
  CHECK(store.find("d") == nullptr);
  CHECK(store.dropped() == 4);
  keep("e", 10);
  CHECK(store.find("e")->id == "e");
  store.clear();
  CHECK(store.all().empty());
  CHECK(store.dropped() == 0);
  CHECK(store.find("e") == nullptr);
  keep("f", 10);
  CHECK(store.find("f")->taken.size() == 10);
}

TEST_CASE("a truth is one line of JSON") {
  Truth truth;
  truth.id = "cmpl-1f";
  truth.received = instant_from_ns(1);
  truth.queued = truth.scheduled = instant_from_ns(2);
  truth.input_tokens = 3;
  truth.output_tokens = 2;
  truth.planned = {instant_from_ns(10), instant_from_ns(20)};
  truth.written = {instant_from_ns(11), instant_from_ns(21)};
  truth.taken = {instant_from_ns(12), never};
  CHECK(to_json_line(truth) ==
        R"({"id":"cmpl-1f","received_ns":1,"queued_ns":2,"scheduled_ns":2,"input_tokens":3,)"
        R"("output_tokens":2,"planned_ns":[10,20],"written_ns":[11,21],"taken_ns":[12,null]})");
  CHECK(to_json_line(Truth()).ends_with(R"("written_ns":[],"taken_ns":[]})"));
}

SimMetrics some_metrics(MetricsDialect dialect) {
  MetricsSetting setting;
  setting.dialect = dialect;
  setting.model = "a\"b";
  setting.context_max = 4096;
  setting.blocks = 8;
  setting.started_s = 5.5;
  SimMetrics metrics(setting);
  const Instant start = instant_from_ns(0);
  const auto at = [&](int ms) { return start + std::chrono::milliseconds(ms); };
  for (const int first : {1, 30}) {
    metrics.first_token(at(0), at(first), 40, 16);
    metrics.token(at(first), 40);
    metrics.token(at(60), 0);
    metrics.gap(at(60) - at(first));
    metrics.finished({at(0), at(0), at(0), at(first), at(60), 40, 16, 2, 2, 0, true});
  }
  return metrics;
}

TEST_CASE("the metrics page is Prometheus text under vLLM's names") {
  SimMetrics metrics = some_metrics(MetricsDialect::vllm);
  SimMetrics others = some_metrics(MetricsDialect::vllm);
  const std::string page =
      metrics_page({{0, &metrics, {1, 3, 2, 10.0, {}}}, {1, &others, {4, 0, 0, 10.0, {}}}});
  const std::string labels = R"(engine="0",model_name="a\"b")";
  const auto has = [&](const std::string& line) {
    const bool found = page.find(line + "\n") != std::string::npos;
    if (!found) MESSAGE(line);
    return found;
  };
  CHECK(has("# TYPE vllm:num_requests_running gauge"));
  CHECK(has("vllm:num_requests_running{" + labels + "} 1.0"));
  CHECK(has("vllm:num_requests_waiting{" + labels + "} 3.0"));
  CHECK(has("vllm:kv_cache_usage_perc{" + labels + "} 0.25"));
  CHECK(has("vllm:prompt_tokens_total{" + labels + "} 80.0"));
  CHECK(has("vllm:prompt_tokens_created{" + labels + "} 5.5"));
  CHECK(has(R"(vllm:prompt_tokens_by_source_total{engine="0",model_name="a\"b",)"
            R"(source="local_cache_hit"} 32.0)"));
  CHECK(has(
      R"(vllm:request_success_total{engine="0",finished_reason="length",model_name="a\"b"} 2.0)"));
  const auto bucket = [&](const std::string& name, const std::string& le, int count) {
    return has(
        format(R"(vllm:{}_bucket{{engine="0",le="{}",model_name="a\"b"}} {}.0)", name, le, count));
  };
  CHECK(bucket("time_to_first_token_seconds", "0.001", 1));
  CHECK(bucket("time_to_first_token_seconds", "0.02", 1));
  CHECK(bucket("time_to_first_token_seconds", "0.04", 2));
  CHECK(bucket("time_to_first_token_seconds", "1.0", 2));
  CHECK(bucket("time_to_first_token_seconds", "+Inf", 2));
  // Steps of 1 + 40 tokens, two of one token each at 60 ms, and 1 + 40 again.
  CHECK(has("vllm:iteration_tokens_total_count{" + labels + "} 4.0"));
  CHECK(has("vllm:iteration_tokens_total_sum{" + labels + "} 84.0"));
  CHECK(bucket("request_time_per_output_token_seconds", "0.05", 1));
  // The second engine has the same families under its own label.
  CHECK(has(R"(vllm:num_requests_running{engine="1",model_name="a\"b"} 4.0)"));
  CHECK(has(R"(vllm:time_to_first_token_seconds_count{engine="1",model_name="a\"b"} 2.0)"));
  CHECK(bucket("request_prefill_kv_computed_tokens", "20.0", 0));
  CHECK(bucket("request_prefill_kv_computed_tokens", "50.0", 2));
}

TEST_CASE("each page introduces each family once, and writes each series once") {
  for (const char* name : {"vllm", "sglang", "tgi", "llamacpp", "triton", "mindie"}) {
    CAPTURE(std::string(name));
    SimMetrics metrics = some_metrics(*parse_dialect(name));
    const std::string page = metrics_page({{0, &metrics, {1, 3, 2, 10.0, {}}}});
    std::set<std::string> introduced, series;
    for (const auto line : split(page, '\n')) {
      if (line.starts_with("# TYPE ")) CHECK(introduced.insert(std::string(line)).second);
      if (line.empty() || line[0] == '#') continue;
      CHECK(series.insert(std::string(line.substr(0, line.rfind(' ')))).second);
      CHECK(parse_number(line.substr(line.rfind(' ') + 1)));
    }
    CHECK(introduced.size() >= 10);
  }
  CHECK_FALSE(parse_dialect("VLLM").ok());
}

TEST_CASE("the other engines' pages stand for all replicas together") {
  SimMetrics one = some_metrics(MetricsDialect::sglang), two = some_metrics(MetricsDialect::sglang);
  const std::string page =
      metrics_page({{0, &one, {1, 3, 2, 10.0, {}}}, {1, &two, {4, 0, 2, 10.0, {}}}});
  const std::string labels = R"({engine_type="unified",model_name="a\"b",pp_rank="0",tp_rank="0"})";
  const auto has = [&](const std::string& name, const std::string& value) {
    return page.find("sglang:" + name + labels + " " + value + "\n") != std::string::npos;
  };
  CHECK(has("num_running_reqs", "5.0"));
  CHECK(has("token_usage", "0.25"));
  CHECK(has("generation_tokens_total", "8.0"));
  CHECK(has("e2e_request_latency_seconds_count", "4.0"));
}

TEST_CASE("each word is one token for the built-in tokenizer, and n words are n tokens together") {
  const Words words;
  const Tokenizer tokenizer = Tokenizer::builtin();
  std::set<std::string_view> seen;
  for (const std::string& word : words.all()) seen.insert(word);
  CHECK(seen.size() == 2000);  // All different.
  for (const auto word : seen) {
    CAPTURE(std::string(word));
    CHECK(word.starts_with(' '));
    CHECK(tokenizer.count(word) == 1);
  }
  for (const std::uint64_t seed : {1u, 2u, 3u}) {
    std::string text;
    for (std::uint64_t i = 1; i <= 3000; ++i)
      text += words.all()[mix_bits(seed, i) % words.all().size()];
    CHECK(tokenizer.count(text) == 3000);
  }
}

}  // namespace
}  // namespace tacho
