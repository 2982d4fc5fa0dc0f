// Whole exchanges: a server says any bytes, at any time, cut anywhere, and ends as it likes; each
// request ends exactly once, with its instants in order (I1 and I2 of docs/invariants.md), and what
// is made of the first answer does not depend on the cuts (I4).
//
// An input: a byte that says how the server ends and which dialect is spoken, one that draws the
// network, then the answers, with 0x1d between two answers and 0x1e between two steps of one.
#include "load/exchange.h"

#include <netinet/in.h>

#include "../unit/load/scripted_server.h"
#include "base/text.h"
#include "fuzz.h"
#include "record/journal.h"

namespace tacho::fuzz {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t request_count = 3;

Address port_8000() {
  Address address;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&address.storage);
  v4->sin_family = AF_INET;
  v4->sin_port = htons(8000);
  v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.length = sizeof *v4;
  return address;
}

/// What the server will do, and how the network treats it.
struct Scene {
  std::vector<Script> scripts;
  std::string dialect;
  bool streams = true;
  bool has_reset = false;
  std::uint8_t seed = 0;
};

Scene scene_of(Input input) {
  constexpr std::string_view dialects[]{"chat", "completions", "embeddings", "chat"};
  const std::uint8_t how = input.decide();
  Scene scene;
  scene.seed = input.decide();
  scene.dialect = dialects[how & 3];
  scene.streams = scene.dialect != "embeddings";
  scene.has_reset = (how & 12) == 4;
  for (const auto answer : split(input.rest(), '\x1d')) {
    Script& script = scene.scripts.emplace_back();
    for (const auto bytes : split(answer, '\x1e')) {
      script.push_back({1ms, Step::Kind::send, std::string(bytes)});
    }
    if (scene.has_reset) script.push_back({1ms, Step::Kind::reset});
    if ((how & 12) == 8) script.push_back({1ms, Step::Kind::end});
  }
  return scene;
}

void check_order(const Record& r) {
  Instant last = r.due;
  const auto next = [&](Instant at, std::string_view what) {
    if (!happened(at)) return;
    expect(at >= last, what);
    last = at;
  };
  expect(happened(r.due), "it was never due");
  if (happened(r.dialled) && happened(r.connected)) expect(r.dialled <= r.connected, "connected");
  next(r.send_started, "send_started is out of order");
  next(r.sent, "sent is out of order");
  next(r.headers, "headers is out of order");
  for (const Chunk& chunk : r.chunks) next(chunk.at, "a chunk is out of order");
  next(r.done, "done is out of order");
  expect(r.chunks.empty() || happened(r.headers), "a chunk without a head");
  expect(r.outcome != Outcome::ok || (happened(r.sent) && happened(r.done)), "ok but not sent");
  expect(r.outcome == Outcome::ok || !r.detail.empty() || r.outcome == Outcome::http_status,
         "a failure without a word");
  expect(r.client_lag >= Duration(0), "it was read before it arrived");
}

/// Sends the requests one after the other over this network; every one must end.
std::vector<Record> play(const Scene& scene, const WorldOptions& net) {
  WorldLoop loop(net);
  const Address address = port_8000();
  const ScriptedServer server(loop, address, scene.scripts);
  const auto protocol = std::move(*make_protocol(scene.dialect));
  const Url url{false, "127.0.0.1", 8000, ""};
  CellPlan plan;
  plan.timeouts.total = 1s;
  plan.prompts.push_back({http_request_text("POST", url, "/v1/x", {}, "{}"), 7, 9});
  for (std::uint32_t i = 0; i < request_count; ++i) plan.measure.push_back({i, 0, 0s});
  Target target;
  target.protocol = protocol.get();
  target.streams = scene.streams;
  target.endpoints = {{url, address}};
  const std::atomic<int> stop_level{0};
  WorkerProgress progress;
  std::vector<Record> records;
  Worker worker(loop, {[&](StreamHandler& handler) { return loop.connect(address, handler); }},
                plan, target, Slice{}, stop_level, progress, [&](const Record& record) {
                  records.push_back(record);
                  return true;
                });
  worker.begin(Stage::measure, loop.now() + 1ms);
  loop.run();
  expect(!loop.has_hung(), "the world has hung");
  expect(progress.in_flight == 0, "something is still in flight");
  expect(progress.completed + progress.failed == request_count, "an outcome too many or too few");
  expect(records.size() == request_count, "a record too many or too few");
  for (std::uint32_t i = 0; i < request_count; ++i) {
    expect(records[i].id == i, "a request has ended twice, or in the wrong place");
    check_order(records[i]);
  }
  return records;
}

std::string described(const Record& r) {
  std::string bytes;
  for (const Chunk& chunk : r.chunks) bytes += format(" {}/{}", chunk.bytes, chunk.tokens);
  return format("{} {}\n'{}' finish '{}' id '{}' {} characters, text '{}'\nchunks{}\n",
                outcome_name(r.outcome), r.http_status, r.detail, r.finish_reason, r.response_id,
                r.output_characters, r.text, bytes);
}

}  // namespace
}  // namespace tacho::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tacho;
  using namespace tacho::fuzz;
  const Scene scene = scene_of(Input(data, size));
  WorldOptions calm;
  calm.delay_min = calm.delay_max = 100us;
  calm.read_lag_max = 0us;
  calm.cut_probability = 0.0;
  const auto whole = play(scene, calm);
  WorldOptions rough;
  rough.seed = Seed{scene.seed};
  rough.cut_probability = 0.7;
  rough.segment_bytes_max = 1 + scene.seed % 40;
  rough.unstamped_probability = 0.1;
  const auto cut_up = play(scene, rough);
  // A reset overtakes what has not been read yet; how much that is, the network decides.
  if (!scene.has_reset) {
    expect_same(described(cut_up[0]), described(whole[0]), "cut up, the answer is another");
  }
  return 0;
}
