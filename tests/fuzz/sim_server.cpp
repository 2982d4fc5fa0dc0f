// The engine's HTTP face: whatever a client sends, however it is cut, what comes back is HTTP, and
// when the client has gone the engine holds nothing of it.
//
// An input: a byte that draws the network, then the bytes of the client, 1 ms between two parts
// that 0x1e separates.
#include "base/text.h"
#include "fuzz.h"
#include "net/world_loop.h"
#include "sim/server.h"

namespace tacho::fuzz {
namespace {

using namespace std::chrono_literals;

SimOptions small_engine() {
  SimOptions options;
  options.gpu = *find_gpu("h200");
  options.model = *find_model("qwen2.5-0.5b");
  options.context_max = 64;  // Or most of the time would go into long answers.
  options.engine.max_num_seqs = 4;
  options.http.idle_timeout = 10s;
  return options;
}

/// Sends its parts one after the other, reads what comes, and leaves at the end.
class Client final : public StreamHandler, public HttpSink {
 public:
  Client(Loop& loop, std::vector<std::string_view> parts)
      : loop_(loop), parts_(std::move(parts)), next_(loop, [this] { act(); }) {
    stream_ = loop.connect(*resolve("127.0.0.1", 80), *this);
  }
  void on_connected() override { act(); }
  void on_bytes(std::string_view bytes, const Receipt&) override {
    while (!bytes.empty()) {
      const std::size_t used = parser_.feed(bytes, *this);
      expect(parser_.error().empty(), "the server's answer is no HTTP");
      bytes.remove_prefix(used);
    }
  }
  void on_closed(const CloseReason&) override { next_.cancel(); }
  void on_head(HttpHead&& head) override {
    expect(head.status >= 200 && head.status < 600, "a status that is none");
    expect(!head.field("content-length").empty() ||
               head.has_token("transfer-encoding", "chunked") || !head.keeps_alive(),
           "an answer without an end");
  }
  void on_body(std::string_view) override {}
  void on_message_end() override { ++answers; }
  std::size_t answers = 0;

 private:
  void act() {
    if (at_ == parts_.size()) return stream_.reset();
    stream_->write(parts_[at_++]);
    // Time for a whole answer before it leaves.
    next_.arm(loop_.now() + (at_ == parts_.size() ? Duration(5s) : Duration(1ms)));
  }

  Loop& loop_;
  std::vector<std::string_view> parts_;
  std::size_t at_ = 0;
  Timer next_;
  StreamPtr stream_;
  HttpParser parser_{HttpParser::Kind::response};
};

}  // namespace
}  // namespace tacho::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tacho;
  using namespace tacho::fuzz;
  Input input(data, size);
  WorldOptions net;
  net.seed = Seed{input.decide()};
  net.cut_probability = static_cast<double>(net.seed.value % 4) / 4.0;
  net.segment_bytes_max = net.seed.value % 2 == 0 ? 0 : 1 + net.seed.value;
  WorldLoop loop(net);
  SimServer server(loop, small_engine(),
                   [](std::string_view text) { return split(text, ' ').size(); });
  expect(server.listen(*resolve("127.0.0.1", 80)).ok(), "the server does not listen");
  Client client(loop, split(input.rest(), '\x1e'));
  loop.run();
  expect(!loop.has_hung(), "the server has hung");
  expect(server.engine().running() + server.engine().waiting() == 0, "the engine is still busy");
  expect(server.engine().kv_used() == 0, "the engine's cache is still in use");
  return 0;
}
