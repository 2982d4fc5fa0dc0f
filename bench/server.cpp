// The scripted server of bench/peers: it streams precomputed bytes on an absolute schedule and
// keeps the truth of when it received each request and handed each token to the kernel. It shares
// no code with tacho, so that tacho and its peers are judged by a third party.
//
// One thread, one epoll loop. A response's first send() carries head, role chunk and first token,
// and its last one carries last token, usage, [DONE] and the end: one send() a token, as real
// servers do.
#include <arpa/inet.h>
#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <deque>
#include <memory>
#include <queue>
#include <string>
#include <string_view>
#include <vector>

#include "script.h"
#include "truth.h"

namespace {

using namespace script;

constexpr int64_t kMillisecond = 1'000'000;
constexpr size_t kBatch = 64;  // Tokens sent before the sockets are looked at again.

int64_t clock_ns(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return now.tv_sec * 1'000'000'000 + now.tv_nsec;
}

int64_t now_ns() { return clock_ns(CLOCK_MONOTONIC); }

struct Options {
  uint16_t port = 0;
  int64_t ttft = 20 * kMillisecond;
  int64_t gap = 20 * kMillisecond;
  int64_t tokens = 200;
  bool keep_truth = true;
};

struct Connection {
  int fd = -1;
  bool writable_wanted = false;
  bool close_after = false;
  std::string in;
  std::string out;  // What the kernel would not take yet.
  // The answer under way, if streaming.
  bool streaming = false;
  bool usage = false;
  const Script* script = nullptr;
  int64_t request = 0;
  int64_t tokens = 0;
  int64_t sent = 0;
  size_t body_bytes = 0;
  int64_t unstamped = 0;  // Tokens that are wholly or in part in `out`.
  std::string token;      // The bytes of each token of this answer.
};

/// A token that is due. A connection that was closed meanwhile, or answers another request, is
/// recognised by the request's number.
struct Due {
  int64_t at;
  int fd;
  int64_t request;
  bool operator>(const Due& other) const { return at > other.at; }
};

class Server {
 public:
  explicit Server(const Options& options) : options_(options) {}
  bool listen_on();
  void run();

 private:
  void accept_all();
  void read_from(Connection& connection);
  void answer(Connection& connection, const std::string& head, std::string_view body);
  void begin_stream(Connection& connection, const Script& script, std::string_view body);
  void send_token(const Due& due);
  bool send_bytes(Connection& connection, const std::string& bytes);
  void flush(Connection& connection);
  void plain(Connection& connection, const char* status, const std::string& body);
  void close_connection(Connection& connection);
  void stamp(Connection& connection, int64_t before, int64_t after);
  int64_t send_due(int64_t now);
  std::string stats() const;
  void reset();

  Options options_;
  int listener_ = -1;
  int epoll_ = -1;
  std::vector<std::unique_ptr<Connection>> connections_;  // By descriptor.
  std::priority_queue<Due, std::vector<Due>, std::greater<>> first_;
  std::deque<Due> next_;  // In order by itself: each is pushed one gap after it was popped.
  std::deque<Truth> truth_;
  int64_t truth_begin_ = 0;
  int64_t requests_ = 0;
  int64_t read_at_ = 0;
  int64_t received_at_ = 0;
  int64_t tokens_sent_ = 0;
  int64_t blocked_ = 0;
  int64_t late_sum_ = 0;
  int64_t late_1ms_ = 0;
  int64_t late_max_ = 0;
  int64_t streaming_ = 0;
};

bool Server::listen_on() {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(options_.port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (bind(listener_, generic, sizeof address) != 0 || listen(listener_, 4096) != 0) return false;
  socklen_t size = sizeof address;
  getsockname(listener_, generic, &size);
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  epoll_event interest{.events = EPOLLIN, .data = {.fd = listener_}};
  epoll_ctl(epoll_, EPOLL_CTL_ADD, listener_, &interest);
  std::printf("listening on http://127.0.0.1:%d\n", ntohs(address.sin_port));
  std::fflush(stdout);
  return true;
}

void Server::run() {
  std::vector<epoll_event> events(512);
  while (true) {
    const int64_t wait = send_due(now_ns());
    timespec timeout{.tv_sec = wait / 1'000'000'000, .tv_nsec = wait % 1'000'000'000};
    const int count = epoll_pwait2(epoll_, events.data(), static_cast<int>(events.size()),
                                   wait < 0 ? nullptr : &timeout, nullptr);
    for (int i = 0; i < count; ++i) {
      const epoll_event& ready = events[static_cast<size_t>(i)];
      if (ready.data.fd == listener_) {
        accept_all();
        continue;
      }
      Connection* connection = connections_[static_cast<size_t>(ready.data.fd)].get();
      if (connection != nullptr && (ready.events & EPOLLOUT) != 0) flush(*connection);
      connection = connections_[static_cast<size_t>(ready.data.fd)].get();
      if (connection != nullptr && (ready.events & ~uint32_t{EPOLLOUT}) != 0) {
        read_from(*connection);
      }
    }
  }
}

/// Sends up to a batch of what is due. Nanoseconds until the next; 0: now; below 0: nothing is due.
int64_t Server::send_due(int64_t now) {
  for (size_t i = 0; i < kBatch; ++i) {
    const bool have_first = !first_.empty();
    const bool have_next = !next_.empty();
    if (!have_first && !have_next) return -1;
    const bool take_first = have_first && (!have_next || first_.top().at < next_.front().at);
    const Due due = take_first ? first_.top() : next_.front();
    if (due.at > now) {
      now = now_ns();
      if (due.at > now) return due.at - now;
    }
    if (take_first) {
      first_.pop();
    } else {
      next_.pop_front();
    }
    send_token(due);
  }
  return 0;
}

void Server::send_token(const Due& due) {
  Connection* connection = connections_[static_cast<size_t>(due.fd)].get();
  if (connection == nullptr || !connection->streaming || connection->request != due.request) return;
  Connection& to = *connection;
  const bool first = to.sent == 0;
  const bool last = to.sent + 1 == to.tokens;
  ++to.sent;
  ++to.unstamped;
  ++tokens_sent_;
  const int64_t late = now_ns() - due.at;
  late_sum_ += late;
  late_max_ = std::max(late_max_, late);
  if (late > kMillisecond) ++late_1ms_;
  if (!first && !last) {
    if (send_bytes(to, to.token)) next_.push_back({due.at + options_.gap, due.fd, due.request});
    return;
  }
  std::string bytes;
  if (first) {
    bytes =
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n"
        "cache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n";
    if (to.script->role != nullptr) bytes += event(*to.script, to.request, choice(to.script->role));
  }
  if (!last) {
    bytes += to.token;
    if (send_bytes(to, bytes)) next_.push_back({due.at + options_.gap, due.fd, due.request});
    return;
  }
  bytes += event(*to.script, to.request, choice(to.script->last));
  if (to.usage) {
    bytes += event(*to.script, to.request, "\"choices\":[]," + usage(to.body_bytes, to.tokens));
  }
  bytes += in_http_chunk("data: [DONE]\n\n") + "0\r\n\r\n";
  to.streaming = false;
  --streaming_;
  send_bytes(to, bytes);
}

/// Hands bytes to the kernel and keeps what it does not take. False: the connection is gone.
bool Server::send_bytes(Connection& connection, const std::string& bytes) {
  if (!connection.out.empty()) {
    connection.out += bytes;
    return true;
  }
  const int64_t before = now_ns();
  const ssize_t sent = send(connection.fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  const int64_t after = now_ns();
  if (sent == static_cast<ssize_t>(bytes.size())) {
    stamp(connection, before, after);
    if (connection.close_after && !connection.streaming) close_connection(connection);
    return true;
  }
  if (sent < 0 && errno != EAGAIN) {
    close_connection(connection);
    return false;
  }
  ++blocked_;
  connection.out = bytes.substr(sent < 0 ? 0 : static_cast<size_t>(sent));
  epoll_event interest{.events = EPOLLIN | EPOLLOUT, .data = {.fd = connection.fd}};
  epoll_ctl(epoll_, EPOLL_CTL_MOD, connection.fd, &interest);
  return true;
}

void Server::flush(Connection& connection) {
  const int64_t before = now_ns();
  const ssize_t sent =
      send(connection.fd, connection.out.data(), connection.out.size(), MSG_NOSIGNAL);
  if (sent < 0) {
    if (errno != EAGAIN) close_connection(connection);
    return;
  }
  connection.out.erase(0, static_cast<size_t>(sent));
  if (!connection.out.empty()) return;
  // The tokens that waited all get the time of the send() that took the last of them.
  stamp(connection, before, now_ns());
  epoll_event interest{.events = EPOLLIN, .data = {.fd = connection.fd}};
  epoll_ctl(epoll_, EPOLL_CTL_MOD, connection.fd, &interest);
  if (connection.close_after && !connection.streaming) close_connection(connection);
}

void Server::stamp(Connection& connection, int64_t before, int64_t after) {
  if (options_.keep_truth && connection.unstamped > 0 && connection.request >= truth_begin_) {
    Truth& truth = truth_[static_cast<size_t>(connection.request - truth_begin_)];
    for (int64_t i = 0; i < connection.unstamped; ++i) {
      truth.before.push_back(before);
      truth.after.push_back(after);
    }
  }
  connection.unstamped = 0;
}

void Server::accept_all() {
  while (true) {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    const int stamps = SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE;
    setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPING, &stamps, sizeof stamps);
    const auto index = static_cast<size_t>(fd);
    if (connections_.size() <= index) connections_.resize(index + 1);
    connections_[index] = std::make_unique<Connection>();
    connections_[index]->fd = fd;
    epoll_event interest{.events = EPOLLIN, .data = {.fd = fd}};
    epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &interest);
  }
}

void Server::close_connection(Connection& connection) {
  if (connection.streaming) --streaming_;
  close(connection.fd);
  connections_[static_cast<size_t>(connection.fd)].reset();
}

/// The kernel's receive stamp of a message on the monotonic clock; `otherwise` if it has none.
int64_t receive_stamp(msghdr& message, int64_t otherwise) {
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr;
       part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_TIMESTAMPING) continue;
    scm_timestamping stamps{};
    std::memcpy(&stamps, CMSG_DATA(part), sizeof stamps);
    const int64_t wall = stamps.ts[0].tv_sec * 1'000'000'000 + stamps.ts[0].tv_nsec;
    return wall - clock_ns(CLOCK_REALTIME) + now_ns();
  }
  return otherwise;
}

void Server::read_from(Connection& connection) {
  char bytes[65536];
  alignas(cmsghdr) char control[256];
  iovec part{.iov_base = bytes, .iov_len = sizeof bytes};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  const ssize_t count = recvmsg(connection.fd, &message, 0);
  if (count < 0 && errno == EAGAIN) return;
  if (count <= 0) {
    close_connection(connection);
    return;
  }
  read_at_ = now_ns();
  received_at_ = receive_stamp(message, read_at_);
  connection.in.append(bytes, static_cast<size_t>(count));
  if (connection.streaming) return;
  const size_t end = connection.in.find("\r\n\r\n");
  if (end == std::string::npos) return;
  const std::string head = connection.in.substr(0, end + 4);
  const auto length = static_cast<size_t>(std::atoll(header(head, "content-length:").c_str()));
  if (connection.in.size() < head.size() + length) return;
  const std::string body = connection.in.substr(head.size(), length);
  connection.in.erase(0, head.size() + length);
  answer(connection, head, body);
}

void Server::answer(Connection& connection, const std::string& head, std::string_view body) {
  const auto is = [&](std::string_view start) { return head.starts_with(start); };
  connection.close_after = strcasecmp(header(head, "connection:").c_str(), "close") == 0;
  if (is("POST /v1/chat/completions")) {
    begin_stream(connection, kChat, body);
  } else if (is("POST /v1/completions")) {
    begin_stream(connection, kCompletion, body);
  } else if (is("GET /v1/models")) {
    plain(connection, "200 OK",
          R"({"object":"list","data":[{"id":"bench","object":"model","created":1700000000,)"
          R"("owned_by":"bench","max_model_len":131072}]})");
  } else if (is("GET /health")) {
    plain(connection, "200 OK", "{}");
  } else if (is("GET /truth")) {
    plain(connection, "200 OK", truth_lines(truth_, truth_begin_));
  } else if (is("GET /stats")) {
    plain(connection, "200 OK", stats());
  } else if (is("POST /reset")) {
    reset();
    plain(connection, "200 OK", "{}");
  } else {
    plain(connection, "404 Not Found", R"({"error":{"message":"no such path"}})");
  }
}

void Server::begin_stream(Connection& connection, const Script& script, std::string_view body) {
  int64_t tokens = number(body, "\"max_tokens\"", options_.tokens);
  tokens = number(body, "\"max_completion_tokens\"", tokens);
  const int64_t request = requests_++;
  if (!is_true(body, "\"stream\"")) {
    plain(connection, "200 OK",
          "{\"id\":\"" + id_of(request) + "\",\"object\":\"chat.completion\",\"model\":\"bench\"," +
              choice(script.whole) + "," + usage(body.size(), 1) + "}");
    if (options_.keep_truth) truth_.emplace_back();
    return;
  }
  connection.streaming = true;
  ++streaming_;
  connection.usage = is_true(body, "\"include_usage\"");
  connection.script = &script;
  connection.request = request;
  connection.tokens = tokens;
  connection.body_bytes = body.size();
  connection.sent = 0;
  connection.token = event(script, request, choice(script.token));
  if (options_.keep_truth) {
    Truth& truth = truth_.emplace_back();
    truth.received = received_at_;
    truth.read = read_at_;
    truth.before.reserve(static_cast<size_t>(tokens));
    truth.after.reserve(static_cast<size_t>(tokens));
  }
  // Streams that begin together do not stay in step: each has its own phase within a gap. The
  // factor is the golden ratio's, which spreads any run of successive numbers evenly.
  const auto spread = static_cast<uint64_t>(request) * 0x9E3779B97F4A7C15ULL >> 32;
  const auto phase = static_cast<int64_t>(spread * static_cast<uint64_t>(options_.gap) >> 32);
  first_.push({read_at_ + options_.ttft + phase, connection.fd, request});
}

void Server::plain(Connection& connection, const char* status, const std::string& body) {
  send_bytes(connection, std::string("HTTP/1.1 ") + status +
                             "\r\ncontent-type: application/json\r\ncontent-length: " +
                             std::to_string(body.size()) + "\r\n\r\n" + body);
}

std::string Server::stats() const {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto ns = [](const timeval& time) {
    return static_cast<long long>(time.tv_sec) * 1'000'000'000 + time.tv_usec * 1000LL;
  };
  char text[512];
  std::snprintf(text, sizeof text,
                "{\"requests\":%lld,\"streaming\":%lld,\"tokens\":%lld,\"blocked_sends\":%lld,"
                "\"late_mean_ns\":%lld,\"late_max_ns\":%lld,\"late_over_1ms\":%lld,"
                "\"cpu_ns\":%lld,\"now_ns\":%lld}\n",
                static_cast<long long>(requests_ - truth_begin_),
                static_cast<long long>(streaming_), static_cast<long long>(tokens_sent_),
                static_cast<long long>(blocked_),
                static_cast<long long>(tokens_sent_ == 0 ? 0 : late_sum_ / tokens_sent_),
                static_cast<long long>(late_max_), static_cast<long long>(late_1ms_),
                ns(used.ru_utime) + ns(used.ru_stime), static_cast<long long>(now_ns()));
  return text;
}

void Server::reset() {
  truth_.clear();
  truth_begin_ = requests_;
  tokens_sent_ = blocked_ = late_sum_ = late_1ms_ = late_max_ = 0;
}

const char* const kUsage =
    "tacho_bench_server [--port 0] [--ttft-ms 20] [--gap-ms 20] [--tokens 200] [--no-truth]\n"
    "Streams scripted answers to POST /v1/chat/completions and /v1/completions. A request's token "
    "i\n"
    "is due at its arrival + ttft + i x gap + a phase of its own below one gap. max_tokens of a\n"
    "request wins over --tokens. GET /truth: when each request came and each token left, in ns of\n"
    "the monotonic clock; GET /stats: counts and CPU; POST /reset: forget both.\n";

bool parse(int count, char** arguments, Options& options) {
  for (int i = 1; i < count; ++i) {
    const std::string_view name = arguments[i];
    if (name == "--no-truth") {
      options.keep_truth = false;
      continue;
    }
    if (i + 1 == count) return false;
    const double value = std::atof(arguments[++i]);
    if (name == "--port") {
      options.port = static_cast<uint16_t>(value);
    } else if (name == "--ttft-ms") {
      options.ttft = static_cast<int64_t>(value * 1e6);
    } else if (name == "--gap-ms") {
      options.gap = static_cast<int64_t>(value * 1e6);
    } else if (name == "--tokens") {
      options.tokens = std::max<int64_t>(1, static_cast<int64_t>(value));
    } else {
      return false;
    }
  }
  return true;
}

}  // namespace

int main(int count, char** arguments) {
  Options options;
  if (!parse(count, arguments, options)) {
    std::fputs(kUsage, stderr);
    return 2;
  }
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  prctl(PR_SET_TIMERSLACK, 1);
  Server server(options);
  if (!server.listen_on()) {
    std::fprintf(stderr, "cannot listen on port %d: %s\n", options.port, std::strerror(errno));
    return 4;
  }
  server.run();
}
