// The machine's limit: what it costs to read streams and do nothing with them. A bare epoll loop in
// one thread holds N connections to a server of chat completions in a closed loop, takes the bytes
// with recv() and counts the marks "data:" in them. No client that reads each chunk when it comes
// can be cheaper; bench/peers gives every figure as a ratio to this one.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>
#include <string_view>
#include <vector>

namespace {

struct Options {
  uint16_t port = 0;
  size_t streams = 1;
  double seconds = 10;
  int tokens = 200;
};

/// What a connection must remember: the last bytes of its previous read, so that a mark cut in two
/// is found all the same.
struct Connection {
  static constexpr size_t kTail = 7;  // As long as the end of a chunked body.
  char tail[kTail] = {};
};

struct Counts {
  uint64_t events = 0;
  uint64_t reads = 0;
  uint64_t bytes = 0;
  uint64_t responses = 0;
};

int64_t now_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000'000'000 + now.tv_nsec;
}

int64_t cpu_ns() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  return (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1'000'000'000 +
         (used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1'000;
}

std::string request(const Options& options) {
  const std::string body =
      R"({"model":"bench","stream":true,"stream_options":{"include_usage":true},"max_tokens":)" +
      std::to_string(options.tokens) + R"(,"messages":[{"role":"user","content":"Count."}]})";
  return "POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: "
         "application/json\r\ncontent-length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body;
}

int dial(uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (fd < 0 || connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return -1;
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

uint64_t marks(const char* begin, const char* end) {
  uint64_t count = 0;
  while ((begin = static_cast<const char*>(
              memmem(begin, static_cast<size_t>(end - begin), "data:", 5))) != nullptr) {
    ++count;
    begin += 5;
  }
  return count;
}

/// Reads once. True: the response has ended. False too when the connection is gone; then `alive` is
/// false.
bool read_once(int fd, Connection& connection, Counts& counts, bool& alive) {
  static char buffer[Connection::kTail + 65536];
  char* const fresh = buffer + Connection::kTail;
  const ssize_t count = recv(fd, fresh, sizeof buffer - Connection::kTail, MSG_DONTWAIT);
  alive = count > 0;
  if (!alive) return false;
  const char* const end = fresh + count;
  std::memcpy(buffer, connection.tail, Connection::kTail);
  counts.events += marks(fresh - 4, end);  // Four bytes of the past cannot hold a whole mark.
  ++counts.reads;
  counts.bytes += static_cast<uint64_t>(count);
  std::memcpy(connection.tail, end - Connection::kTail, Connection::kTail);
  return std::string_view(connection.tail, Connection::kTail) == "\r\n0\r\n\r\n";
}

bool ask(int fd, const std::string& bytes) {
  return send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size());
}

/// Holds the streams until the time is over. False: a connection was lost.
bool drive(const Options& options, int epoll, std::vector<Connection>& connections,
           Counts& counts) {
  const std::string bytes = request(options);
  const int64_t end = now_ns() + static_cast<int64_t>(options.seconds * 1e9);
  std::vector<epoll_event> events(512);
  while (now_ns() < end) {
    const int count = epoll_wait(epoll, events.data(), static_cast<int>(events.size()), 100);
    for (int i = 0; i < count; ++i) {
      const int fd = events[static_cast<size_t>(i)].data.fd;
      bool alive = true;
      if (read_once(fd, connections[static_cast<size_t>(fd)], counts, alive)) {
        ++counts.responses;
        alive = ask(fd, bytes);
      }
      if (!alive) return false;
    }
  }
  return true;
}

bool parse(int count, char** arguments, Options& options) {
  for (int i = 1; i + 1 < count; i += 2) {
    const std::string_view name = arguments[i];
    const double value = std::atof(arguments[i + 1]);
    if (name == "--port") {
      options.port = static_cast<uint16_t>(value);
    } else if (name == "--streams") {
      options.streams = static_cast<size_t>(value);
    } else if (name == "--seconds") {
      options.seconds = value;
    } else if (name == "--tokens") {
      options.tokens = static_cast<int>(value);
    } else {
      return false;
    }
  }
  return count % 2 == 1 && options.port != 0 && options.streams > 0;
}

void print(const Options& options, const Counts& counts, int64_t wall, int64_t cpu) {
  const double seconds = static_cast<double>(wall) / 1e9;
  const auto events = static_cast<double>(counts.events == 0 ? 1 : counts.events);
  std::printf(
      "{\"streams\":%zu,\"seconds\":%.3f,\"events\":%llu,\"reads\":%llu,\"bytes\":%llu,"
      "\"responses\":%llu,\"events_per_s\":%.0f,\"cpu_ns\":%lld,\"cpu_ns_per_event\":%.0f,"
      "\"busy_share\":%.3f}\n",
      options.streams, seconds, static_cast<unsigned long long>(counts.events),
      static_cast<unsigned long long>(counts.reads), static_cast<unsigned long long>(counts.bytes),
      static_cast<unsigned long long>(counts.responses), events / seconds,
      static_cast<long long>(cpu), static_cast<double>(cpu) / events,
      static_cast<double>(cpu) / static_cast<double>(wall));
}

}  // namespace

int main(int count, char** arguments) {
  Options options;
  if (!parse(count, arguments, options)) {
    std::fputs("tacho_bench_limit --port P [--streams 1] [--seconds 10] [--tokens 200]\n", stderr);
    return 2;
  }
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  std::vector<Connection> connections;
  const std::string bytes = request(options);
  const int64_t begin = now_ns();
  const int64_t cpu_begin = cpu_ns();
  for (size_t i = 0; i < options.streams; ++i) {
    const int fd = dial(options.port);
    if (fd < 0 || !ask(fd, bytes)) {
      std::perror("cannot connect");
      return 4;
    }
    if (connections.size() <= static_cast<size_t>(fd)) {
      connections.resize(static_cast<size_t>(fd) + 1);
    }
    epoll_event interest{.events = EPOLLIN, .data = {.fd = fd}};
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &interest);
  }
  Counts counts;
  if (!drive(options, epoll, connections, counts)) {
    std::fputs("the server closed a connection\n", stderr);
    return 4;
  }
  print(options, counts, now_ns() - begin, cpu_ns() - cpu_begin);
}
