#include "net/fetch.h"

#include <memory>
#include <optional>

#include "base/text.h"
#include "net/epoll_loop.h"
#include "net/pool.h"
#include "net/source_addresses.h"
#include "net/unix_socket.h"

namespace tacho {
namespace {

/// Collects one answer and stops the loop.
class Collector final : public ResponseHandler {
 public:
  Collector(Loop& loop, const FetchRequest& request) : loop_(loop), request_(request) {}
  void on_sent(const SendTimes& times) override {
    is_sent = true;
    reply.sent = times.sent;
  }
  void on_reconnect() override {}
  void on_head(const HttpHead& head, const Receipt&) override {
    reply.status = head.status;
    reply.head = head;
  }
  void on_body(std::string_view bytes, const Receipt& receipt) override {
    if (is_too_long) return;
    if (request_.most_bytes != 0 && reply.body.size() + bytes.size() > request_.most_bytes) {
      is_too_long = true;
      loop_.stop();
    } else if (request_.on_body && reply.status == 200) {
      request_.on_body(bytes, receipt);
    } else {
      reply.body += bytes;
    }
  }
  void on_end(const Receipt& receipt) override {
    is_complete = true;
    reply.done = receipt.arrived;
    loop_.stop();
  }
  void on_failure(const CloseReason& reason, bool, const Receipt&) override {
    failure = reason;
    loop_.stop();
  }

  FetchReply reply;
  std::optional<CloseReason> failure;
  bool is_sent = false;
  bool is_complete = false;
  bool is_too_long = false;

 private:
  Loop& loop_;
  const FetchRequest& request_;
};

/// The way out when the server does not accept us: another version, or a certificate of ours.
std::string what_to_show(const TlsOptions& tls, const std::string& detail) {
  if (detail.find("version") != std::string::npos || detail.find("protocol") != std::string::npos) {
    return "allow another version with --tls-min and --tls-max";
  }
  if (tls.certificate_file.empty()) {
    return "if the server asks for a client certificate, give it with --cert FILE and --key FILE";
  }
  return format("the server does not accept the certificate in '{}'", tls.certificate_file);
}

Error describe(const FetchRequest& request, const Url& url, const CloseReason& reason,
               bool has_answer) {
  const std::string& path = request.route.unix_socket;
  const std::string where = path.empty() ? url.origin() : path;
  switch (reason.kind) {
    case CloseReason::Kind::refused:
      return world_error(
          format("cannot connect to {}: {}; is the server running there?", where, reason.detail));
    case CloseReason::Kind::not_tls:
      return world_error(
          format("{}: {}; use {}://", where, reason.detail, url.is_tls ? "http" : "https"));
    case CloseReason::Kind::untrusted:
      return world_error(
          format("{}: TLS failed: {}; name its CA with --cacert FILE, or accept any "
                 "certificate with --insecure",
                 where, reason.detail));
    case CloseReason::Kind::not_http2:
      return world_error(format("{}: {}; use --http 1.1", where, reason.detail));
    case CloseReason::Kind::denied:
      return world_error(format("{}: TLS failed: {}; {}", where, reason.detail,
                                what_to_show(request.route.tls, reason.detail)));
    default:
      // Many TLS servers say nothing to plain HTTP but hang up.
      if (!has_answer && request.route.http == HttpVersion::http2) {
        return world_error(format(
            "{} gave no answer to {} {} in HTTP/2: {}; does it speak that? --http 1.1 is the "
            "usual one",
            where, request.method, url.path,
            reason.detail.empty() ? "connection closed" : reason.detail));
      }
      if (!has_answer && !url.is_tls) {
        return world_error(format("{} gave no answer to {} {}: {}; if it speaks TLS, use https://",
                                  where, request.method, url.path,
                                  reason.detail.empty() ? "connection closed" : reason.detail));
      }
      return world_error(format("{} broke off the answer to {} {}: {}", where, request.method,
                                url.path,
                                reason.detail.empty() ? "connection closed" : reason.detail));
  }
}

/// A loop and what is needed to connect to one server from it.
struct Way {
  Url url;
  Address address;
  std::optional<Address> source;
  std::unique_ptr<EpollLoop> loop;
  std::optional<TlsContext> tls;

  static Result<std::unique_ptr<Way>> open(const std::string& typed, const Route& route) {
    auto way = std::make_unique<Way>();
    auto url = parse_url(typed);
    if (!url) return url.error();
    auto address = find_server(*url, route.unix_socket);
    if (!address) return address.error();
    if (route.source) {
      if (auto status = check_families({*route.source}, *address); !status) return status.error();
    }
    auto loop = EpollLoop::create();
    if (!loop) return loop.error();
    // Only for https: reading the system's certificates takes tens of milliseconds.
    if (url->is_tls) {
      auto context = TlsContext::create(route.tls, url->host);
      if (!context) return context.error();
      way->tls.emplace(std::move(*context));
    }
    way->url = std::move(*url);
    way->address = std::move(*address);
    way->source = route.source;
    way->loop = std::move(*loop);
    return way;
  }

  /// Valid for as long as the way is.
  Dial dial() const {
    const Dial plain = [this](StreamHandler& handler) {
      return loop->connect(address, handler, source ? &*source : nullptr);
    };
    if (!tls) return plain;
    return [this, plain](StreamHandler& handler) { return tls->connect(*loop, plain, handler); };
  }
};

/// Connects, notes what was agreed on, and stops the loop.
class AlpnProbe final : public StreamHandler {
 public:
  explicit AlpnProbe(Loop& loop) : loop_(loop) {}
  void on_connected() override {
    protocol = stream->application_protocol();
    loop_.stop();
  }
  void on_bytes(std::string_view, const Receipt&) override {}
  void on_closed(const CloseReason& reason) override {
    failure = reason;
    loop_.stop();
  }

  StreamPtr stream;
  std::string protocol;
  std::optional<CloseReason> failure;

 private:
  Loop& loop_;
};

}  // namespace

Result<bool> picks_http2(const std::string& url, const Route& route, Duration timeout) {
  FetchRequest request;
  request.url = url;
  request.route = route;
  request.route.tls.offer = AlpnOffer::either;
  auto way = Way::open(url, request.route);
  if (!way) return way.error();
  EpollLoop& l = *(*way)->loop;
  AlpnProbe probe(l);
  Timer timer(l, [&] { l.stop(); });
  timer.arm(l.clock() + timeout);
  probe.stream = (*way)->dial()(probe);
  l.run();
  if (probe.failure) return describe(request, (*way)->url, *probe.failure, false);
  return probe.protocol == "h2";  // After the timeout: the next request will say what is wrong.
}

Result<Address> find_server(const Url& url, const std::string& unix_socket) {
  return unix_socket.empty() ? resolve(url.host, url.port) : unix_address(unix_socket);
}

std::string http_request_start(const std::string& method, const Url& url, const std::string& path,
                               const std::vector<std::string>& header_lines) {
  std::string text = format("{} {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: tacho/{}\r\nAccept: */*\r\n",
                            method, path, url.host_header(), TACHO_VERSION);
  for (const auto& line : header_lines) text += line + "\r\n";
  return text;
}

std::string http_request_text(const std::string& method, const Url& url, const std::string& path,
                              const std::vector<std::string>& header_lines,
                              const std::string& body) {
  std::string text = http_request_start(method, url, path, header_lines);
  if (!body.empty() || method != "GET") {
    text += format("Content-Type: application/json\r\nContent-Length: {}\r\n", body.size());
  }
  return text + "\r\n" + body;
}

Result<FetchReply> fetch(const FetchRequest& request) {
  auto way = Way::open(request.url, request.route);
  if (!way) return way.error();
  const Url* url = &(*way)->url;
  EpollLoop& l = *(*way)->loop;
  std::vector<Line> lines{{(*way)->dial(), request.route.http, url->is_tls}};
  ConnectionPool pool(l, std::move(lines));
  const std::string text =
      http_request_text(request.method, *url, (url->path.empty() ? "/" : url->path) + url->query,
                        request.header_lines, request.body);
  Collector collector(l, request);
  Duration waited{0};
  bool is_given_up = false;
  Timer give_up(l, [&] {
    is_given_up = request.is_given_up->load(std::memory_order_relaxed);
    if (is_given_up) return l.stop();
    give_up.arm(l.now() + std::chrono::milliseconds(100));
  });
  if (request.is_given_up != nullptr) give_up.arm(l.clock() + std::chrono::milliseconds(100));
  Timer timer(l, [&] {
    waited = request.timeout;
    l.stop();
  });
  Timer connect_timer(l, [&] {
    if (collector.is_sent) return;
    waited = request.connect_timeout;
    l.stop();
  });
  const Instant start = l.clock();
  timer.arm(start + request.timeout);
  if (request.connect_timeout > Duration(0)) connect_timer.arm(start + request.connect_timeout);
  InFlight& in_flight = pool.submit(0, text, collector);
  l.run();
  if (is_given_up) {
    in_flight.cancel();
    return world_error(format("{} was not waited for any longer", url->origin()));
  }
  if (waited > Duration(0)) {
    in_flight.cancel();
    if (!collector.is_sent) {
      return world_error(format("cannot connect to {} within {} s; is the server running there?",
                                url->origin(), format_significant(to_s(waited), 3)));
    }
    return world_error(format("{} did not answer {} {} within {} s", url->origin(), request.method,
                              url->path, format_significant(to_s(waited), 3)));
  }
  if (collector.is_too_long) {
    if (!collector.is_complete && !collector.failure) in_flight.cancel();
    return world_error(format("{}{} is longer than {} MiB, which is no page of its kind",
                              url->origin(), url->path, request.most_bytes >> 20));
  }
  if (collector.failure)
    return describe(request, *url, *collector.failure, collector.reply.status != 0);
  return std::move(collector.reply);
}

}  // namespace tacho
