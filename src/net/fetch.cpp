#include "net/fetch.h"

#include <optional>

#include "base/text.h"
#include "net/epoll_loop.h"
#include "net/pool.h"

namespace tacho {
namespace {

/// Collects one answer and stops the loop.
class Collector final : public ResponseHandler {
 public:
  explicit Collector(Loop& loop) : loop_(loop) {}
  void on_sent(const SendTimes&) override { is_sent = true; }
  void on_reconnect() override {}
  void on_head(const HttpHead& head, const Receipt&) override {
    reply.status = head.status;
    reply.head = head;
  }
  void on_body(std::string_view bytes, const Receipt&) override { reply.body += bytes; }
  void on_end(const Receipt&) override {
    is_complete = true;
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

 private:
  Loop& loop_;
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
  const std::string where = url.origin();
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
    case CloseReason::Kind::denied:
      return world_error(format("{}: TLS failed: {}; {}", where, reason.detail,
                                what_to_show(request.tls, reason.detail)));
    default:
      // Many TLS servers say nothing to plain HTTP but hang up.
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

}  // namespace

std::string http_request_text(const std::string& method, const Url& url, const std::string& path,
                              const std::vector<std::string>& header_lines,
                              const std::string& body) {
  std::string text = format("{} {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: tacho/{}\r\nAccept: */*\r\n",
                            method, path, url.host_header(), TACHO_VERSION);
  for (const auto& line : header_lines) text += line + "\r\n";
  if (!body.empty() || method != "GET") {
    text += format("Content-Type: application/json\r\nContent-Length: {}\r\n", body.size());
  }
  return text + "\r\n" + body;
}

Result<FetchReply> fetch(const FetchRequest& request) {
  auto url = parse_url(request.url);
  if (!url) return url.error();
  auto address = resolve(url->host, url->port);
  if (!address) return address.error();
  auto loop = EpollLoop::create();
  if (!loop) return loop.error();
  // Only for https: reading the system's certificates takes tens of milliseconds.
  std::optional<TlsContext> tls;
  if (url->is_tls) {
    auto context = TlsContext::create(request.tls, url->host);
    if (!context) return context.error();
    tls.emplace(std::move(*context));
  }
  EpollLoop& l = **loop;
  const Dial plain = [&](StreamHandler& handler) { return l.connect(*address, handler); };
  const Dial secure = [&](StreamHandler& handler) { return tls->connect(l, plain, handler); };
  ConnectionPool pool(l, url->is_tls ? secure : plain);
  const std::string text =
      http_request_text(request.method, *url, url->path.empty() ? "/" : url->path,
                        request.header_lines, request.body);
  Collector collector(l);
  Duration waited{0};
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
  ClientConnection& connection = pool.submit(text, collector);
  l.run();
  if (waited > Duration(0)) {
    pool.cancel(connection);
    if (!collector.is_sent) {
      return world_error(format("cannot connect to {} within {} s; is the server running there?",
                                url->origin(), format_significant(to_s(waited), 3)));
    }
    return world_error(format("{} did not answer {} {} within {} s", url->origin(), request.method,
                              url->path, format_significant(to_s(waited), 3)));
  }
  if (collector.failure)
    return describe(request, *url, *collector.failure, collector.reply.status != 0);
  return std::move(collector.reply);
}

}  // namespace tacho
