// The HTTP/2 connections of one worker to one endpoint. One connection carries as many exchanges at
// a time as the server takes; more connections are dialled only when all are full.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "net/client.h"
#include "net/http2.h"

namespace tacho {

class Http2Connection;
class Http2Pool;

/// One request and its answer. The object is used again for the next one.
class Http2Exchange final : public InFlight, public Http2StreamSink {
 public:
  explicit Http2Exchange(Http2Pool& pool) : pool_(pool) {}
  void cancel() override;
  void catch_up() override;
  bool is_dialling() const override { return connection_ == nullptr; }

  void on_serialized() override;
  void on_head(HttpHead&& head) override;
  void on_body(std::string_view bytes) override;
  void on_end() override;
  void on_failure(const Http2Failure& failure) override;

 private:
  friend class Http2Connection;
  friend class Http2Pool;
  void fail(const CloseReason& reason, bool is_malformed);
  ResponseHandler* take_leave();

  Http2Pool& pool_;
  Http2Connection* connection_ = nullptr;  ///< Null while it waits for one.
  ResponseHandler* handler_ = nullptr;
  std::string_view request_;
  std::int32_t stream_ = 0;
  Instant send_started_ = never;
  bool is_sent_ = false;
  bool has_answer_ = false;
};

/// One connection. The object outlives its sockets and is used again for the next one.
class Http2Connection final : public StreamHandler, public Http2SessionSink {
 public:
  explicit Http2Connection(Http2Pool& pool) : pool_(pool) {}

  void on_connected() override;
  void on_bytes(std::string_view bytes, const Receipt& receipt) override;
  void on_flushed() override;
  void on_closed(const CloseReason& reason) override;
  void on_streams_max(std::size_t streams) override;
  void on_going_away() override;

 private:
  friend class Http2Exchange;
  friend class Http2Pool;
  enum class State { closed, dialing, up, leaving };

  void dial();
  bool has_room() const { return state_ == State::up && active_.size() < streams_max_; }
  bool start(Http2Exchange& exchange);
  void flush();
  void report_sent();
  void forget(Http2Exchange& exchange);
  void fail_all(const CloseReason& reason, bool is_malformed);
  void close_if_done();
  void close();

  Http2Pool& pool_;
  StreamPtr stream_;
  std::unique_ptr<Http2Session> session_;
  State state_ = State::closed;
  std::vector<Http2Exchange*> active_;
  std::vector<Http2Exchange*> serialized_;  ///< Written, but not known to be with the kernel yet.
  std::size_t streams_max_ = 0;
  Receipt receipt_;
  Instant dialled_ = never;
  Instant connected_ = never;
  bool has_bytes_ = false;
  bool is_feeding_ = false;   ///< Within the session's calls, when it may not be asked for output.
  bool has_carried_ = false;  ///< An exchange has been begun on this socket.
  bool is_reused_ = false;    ///< An exchange has already ended on this socket.
};

/// All of them. An exchange that finds no room waits for a connection.
class Http2Pool {
 public:
  Http2Pool(Loop& loop, Line line);
  ~Http2Pool();

  /// As ConnectionPool::submit.
  InFlight& submit(std::string_view request, ResponseHandler& handler);
  /// Connections that are open or being opened.
  std::size_t open_count() const;
  /// Connections dialled so far.
  std::size_t dialled() const { return dialled_; }

 private:
  friend class Http2Connection;
  friend class Http2Exchange;
  void pump();
  void place_waiting();
  void dial_one();
  void retry(Http2Exchange& exchange);
  void fail_waiting(const CloseReason& reason, bool is_malformed, const Receipt& receipt);

  Loop& loop_;
  Line line_;
  std::size_t dialled_ = 0;
  std::size_t streams_expected_;  ///< What a connection that is being made will probably take.
  std::vector<std::unique_ptr<Http2Connection>> connections_;
  std::vector<std::unique_ptr<Http2Exchange>> exchanges_;
  std::vector<Http2Exchange*> free_;
  std::deque<Http2Exchange*> waiting_;
  bool is_pumping_ = false;
};

}  // namespace tacho
