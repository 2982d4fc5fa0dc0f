// What goes wrong before there is a request: connections struck by rules, a port that refuses; and
// the compression of a fault.
#include <doctest/doctest.h>

#include "base/text.h"
#include "net/world_loop.h"
#include "sim/gzip.h"
#include "sim/server.h"

using namespace std::chrono_literals;

namespace tacho {
namespace {

/// Asks for one path on a connection of its own.
struct Asker final : StreamHandler {
  void on_connected() override { stream->write(request); }
  void on_bytes(std::string_view bytes, const Receipt&) override { heard += bytes; }
  void on_closed(const CloseReason& reason) override {
    ended = reason.kind == CloseReason::Kind::refused ? "refused" : "ended";
    stream.reset();
  }
  std::string request, heard, ended;
  StreamPtr stream;
};

struct World {
  explicit World(const std::vector<const char*>& rules) : server(loop, with(rules), count) {
    REQUIRE(server.listen(*resolve("127.0.0.1", 80)).ok());
  }
  static SimOptions with(const std::vector<const char*>& rules) {
    SimOptions options;
    options.gpu = *find_gpu("h800");
    options.model = *find_model("llama-3-8b");
    for (const char* rule : rules) options.faults.push_back(*parse_fault_rule(rule));
    return options;
  }
  static std::size_t count(std::string_view text) { return text.size(); }

  /// What becomes of a request that is given so long.
  std::string ask(std::string_view method, std::string_view path, std::string_view body = "") {
    Asker asker;
    asker.request = format("{} {} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{}", method,
                           path, body.size(), body);
    asker.stream = loop.connect(*resolve("127.0.0.1", 80), asker);
    pass(100ms);
    if (!asker.ended.empty()) return asker.ended;
    return asker.heard.substr(0, 12) == "HTTP/1.1 200" ? asker.heard : "nothing";
  }
  void pass(Duration time) {
    Timer stop(loop, [this] { loop.stop(); });
    stop.arm(loop.now() + time);
    loop.run();
  }
  bool is_open() { return ask("GET", "/health").starts_with("HTTP"); }

  WorldLoop loop{WorldOptions{}};
  SimServer server;
};

TEST_CASE("rules for connections count connections, and leave requests alone") {
  World world({"accept_close=@2", "accept_delay:150=/3", "http_503=1"});
  CHECK(world.is_open());                           // The first one.
  CHECK(world.ask("GET", "/health") == "ended");    // The second one.
  CHECK(world.ask("GET", "/health") == "nothing");  // The third one waits for longer than we do.
  CHECK(world.is_open());
  const std::string said = world.ask("GET", "/sim/faults");
  CHECK(said.find("\"accept_close\": 1") != std::string::npos);
  CHECK(said.find("\"accept_delay\": 1") != std::string::npos);
  CHECK(said.find("\"http_503\": 1") == std::string::npos);  // No request has met it.
  CHECK(world.ask("GET", "/health") == "nothing");           // The sixth one.
}

TEST_CASE("the port is shut in its windows, and at no other time") {
  World world({"refuse@1-2", "refuse=1@1.5-3"});
  CHECK(world.is_open());
  world.pass(1s);
  CHECK(world.ask("GET", "/health") == "refused");
  world.pass(1s);  // The first window is over, the second is not.
  CHECK(world.ask("GET", "/health") == "refused");
  world.pass(1s);
  CHECK(world.is_open());
  CHECK(world.ask("GET", "/sim/faults").find("\"refuse\": 1") != std::string::npos);
  CHECK(world.ask("POST", "/sim/reset").starts_with("HTTP"));
  world.pass(1s);
  CHECK(world.ask("GET", "/health") == "refused");  // Windows count from the reset.
}

TEST_CASE(
    "a rule for the port has a window and spares nobody; a rule without a number is for all") {
  CHECK(parse_fault_rule("refuse@10-20")->probability == 1.0);
  CHECK(parse_fault_rule("http_503@10-20")->until == 20s);
  for (const char* text : {"refuse=1", "refuse=0.5@1-2", "refuse=@3@1-2", "refuse@3", "refuse",
                           "refuse:5@1-2", "accept_close:x=1", "accept_delay:0=1", "@1-2"}) {
    CAPTURE(std::string(text));
    CHECK_FALSE(parse_fault_rule(text).ok());
  }
  const std::vector<FaultRule> rules{*parse_fault_rule("rst_mid=1"),
                                     *parse_fault_rule("accept_reset=1"),
                                     *parse_fault_rule("refuse@1-2")};
  for (const auto scope :
       {Fault::Scope::request, Fault::Scope::connection, Fault::Scope::listener}) {
    const auto found = rules_for(rules, scope);
    REQUIRE(found.size() == 1);
    CHECK(scope_of(found[0].fault.kind) == scope);
  }
}

TEST_CASE("what is written as gzip has its head, its codes, its checksum and its length") {
  // The checksum of these digits is the known check value of this CRC; zlib reads the last one
  // back.
  GzipWriter whole;
  const std::string digits = whole.add("123456789", true);
  CHECK(digits.substr(0, 4) == std::string("\x1f\x8b\x08\0", 4));
  CHECK(digits.substr(digits.size() - 8) == std::string("\x26\x39\xf4\xcb\x09\0\0\0", 8));
  GzipWriter parts;
  const std::string first = parts.add("1234", false), second = parts.add("56789", true);
  CHECK(first.ends_with(std::string_view("\0\0\xff\xff", 4)));  // Flushed.
  CHECK(second.substr(second.size() - 8) == digits.substr(digits.size() - 8));
  CHECK(GzipWriter().add("a", true) ==
        std::string(
            "\x1f\x8b\x08\0\0\0\0\0\0\xff\x4a\x04\x04\0\0\xff\xff\x43\xbe\xb7\xe8\x01\0\0\0", 25));
}

}  // namespace
}  // namespace tacho
