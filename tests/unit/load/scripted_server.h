// A server that says exactly what a test wrote down, when it wrote it down, whatever it is asked:
// for answers that no decent server would give. It lives in a WorldLoop beside the client under
// test.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "load/worker.h"
#include "net/fetch.h"
#include "net/world_loop.h"

namespace tacho {

/// One thing that the server does, some time after the one before.
struct Step {
  enum class Kind { send, end, reset };
  Duration after{0};
  Kind kind = Kind::send;
  std::string bytes = {};
};

/// What it does when the n-th request has come in; more requests than scripts are never answered.
using Script = std::vector<Step>;

/// Listens on one port; knows a request is complete by its content-length.
class ScriptedServer final : public AcceptHandler {
 public:
  ScriptedServer(Loop& loop, const Address& address, std::vector<Script> scripts)
      : loop_(loop), scripts_(std::move(scripts)) {
    listener_ = std::move(*loop.listen(address, *this));
  }
  StreamHandler& on_accept(StreamPtr stream) override {
    connections_.push_back(std::make_unique<Connection>(*this, std::move(stream)));
    return *connections_.back();
  }
  std::size_t connections() const { return connections_.size(); }
  /// All that has come in, over all connections.
  const std::string& heard() const { return heard_; }
  /// Begins the next script when the first bytes of a request come in, not the last.
  bool is_impatient = false;

 private:
  struct Connection final : StreamHandler {
    Connection(ScriptedServer& owner, StreamPtr own)
        : server(owner), stream(std::move(own)), next(owner.loop_, [this] { act(); }) {}
    void on_connected() override {}
    void on_bytes(std::string_view bytes, const Receipt&) override {
      server.heard_ += bytes;
      request += bytes;
      const auto head_end = request.find("\r\n\r\n");
      if (head_end == std::string::npos && !server.is_impatient) return;
      const auto length_at = request.find("Content-Length: ");
      const std::size_t length =
          length_at == std::string::npos ? 0 : std::stoul(request.substr(length_at + 16));
      if (!server.is_impatient && request.size() < head_end + 4 + length) return;
      if (is_answering || is_over) return;
      request.clear();
      if (server.next_script_ == server.scripts_.size()) return;
      is_answering = true;
      script = server.scripts_[server.next_script_++];
      step = 0;
      arm();
    }
    void on_closed(const CloseReason&) override { next.cancel(); }
    void arm() {
      is_answering = step < script.size();
      if (is_answering) next.arm(server.loop_.now() + script[step].after);
    }
    void act() {
      const Step& now = script[step++];
      is_over = now.kind != Step::Kind::send;
      if (now.kind == Step::Kind::send) stream->write(now.bytes);
      if (now.kind == Step::Kind::end) stream->shut_down();
      if (now.kind == Step::Kind::reset) stream->abort();
      arm();
    }
    ScriptedServer& server;
    StreamPtr stream;
    Timer next;
    std::string request;
    Script script;
    std::size_t step = 0;
    bool is_answering = false;
    bool is_over = false;
  };

  Loop& loop_;
  std::vector<Script> scripts_;
  std::size_t next_script_ = 0;
  std::string heard_;
  std::unique_ptr<Listener> listener_;
  std::vector<std::unique_ptr<Connection>> connections_;
};

}  // namespace tacho
