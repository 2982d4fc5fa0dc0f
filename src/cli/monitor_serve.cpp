#include "cli/monitor_serve.h"

#include <cstdio>

#include "base/file.h"
#include "base/text.h"
#include "monitor/exporter.h"
#include "net/epoll_loop.h"
#include "net/fetch.h"

namespace tacho {
namespace {

/// RFC 4648.
std::string base64(std::string_view bytes) {
  constexpr std::string_view letters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t bits = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      const bool has = i + k < bytes.size();
      bits = bits << 8 | (has ? static_cast<unsigned char>(bytes[i + k]) : 0u);
    }
    for (std::size_t k = 0; k < 4; ++k) {
      out += i + k > bytes.size() ? '=' : letters[bits >> (18 - 6 * k) & 63];
    }
  }
  return out;
}

Result<ExporterOptions> exporter_options(const ServeFlags& flags) {
  ExporterOptions options;
  const auto compat = parse_compat_names(flags.compat);
  if (!compat) return compat.error();
  options.compat = *compat;
  auto authorization = authorization_of(flags);
  if (!authorization) return authorization.error();
  options.authorization = std::move(*authorization);
  return options;
}

}  // namespace

Result<std::string> authorization_of(const ServeFlags& flags) {
  if (flags.basic_auth.empty()) return std::string();
  const std::size_t colon = flags.basic_auth.find(':');
  if (colon == 0 || colon == std::string::npos || colon + 1 == flags.basic_auth.size()) {
    return input_error("--basic-auth takes USER:FILE; the first line of the file is the password");
  }
  const auto file = read_file(flags.basic_auth.substr(colon + 1));
  if (!file) return file.error();
  const std::string_view password = trim(std::string_view(*file).substr(0, file->find('\n')));
  if (password.empty()) {
    return input_error(format("'{}' holds no password", flags.basic_auth.substr(colon + 1)));
  }
  return "Basic " + base64(flags.basic_auth.substr(0, colon) + ":" + std::string(password));
}

void add_serve_flags(FlagTable& t, ServeFlags& f) {
  t.group("Serving");
  t.text({"--listen"}, "HOST:PORT", f.listen,
         "Serve /metrics for Prometheus, /snapshot and /alerts in JSON, without a screen. A port "
         "alone is one of the loopback.");
  t.texts({"--compat"}, "NAME,…", f.compat,
          "Also the names of other exporters, for boards that ask for those: nvitop, dcgm, npu.");
  t.text({"--basic-auth"}, "USER:FILE", f.basic_auth,
         "Let only those read who send this user and the password that is the file's first line; "
         "with --connect, send them.");
  add_server_tls_flags(t, f.tls);
}

bool is_asked_to_serve(const ServeFlags& flags) { return !flags.listen.empty(); }

Status check_serve_flags(const ServeFlags& flags) {
  if (const auto options = exporter_options(flags); !options) return options.error();
  if (const auto tls = server_tls(flags.tls); !tls) return tls.error();
  return Nothing{};
}

int serve_monitor(const Sampler& sampler, const ServeFlags& flags, AlertDesk& desk,
                  const volatile std::sig_atomic_t& is_interrupted) {
  const bool is_port = parse_integer(flags.listen).has_value();
  const auto url = parse_url(is_port ? "127.0.0.1:" + flags.listen : flags.listen);
  if (!url) return fail(url.error());
  auto options = exporter_options(flags);
  if (!options) return fail(options.error());
  options->alerts = &desk.alerts;
  const auto tls = server_tls(flags.tls);
  if (!tls) return fail(tls.error());
  auto loop = EpollLoop::create();
  if (!loop) return fail(loop.error());
  const auto address = find_server(*url, "");
  if (!address) return fail(address.error());
  Exporter exporter(sampler, std::move(*options));
  HttpServerOptions server_options;
  server_options.tls = *tls ? &**tls : nullptr;
  HttpServer server(**loop, exporter, std::move(server_options));
  if (auto status = server.listen(*address); !status) return fail(status.error());
  std::fprintf(stderr, "tacho monitor: serving %s://%s:%d/metrics\n", *tls ? "https" : "http",
               url->host.c_str(), server.port());
  Timer check(**loop, [&] {
    if (is_interrupted != 0) return (*loop)->stop();
    check.arm((*loop)->now() + std::chrono::milliseconds(200));
  });
  check.arm((*loop)->now());
  Timer judge(**loop, [&] {
    desk.look(sampler.latest());
    judge.arm((*loop)->now() + std::chrono::seconds(1));
  });
  judge.arm((*loop)->now());
  (*loop)->run();
  return 0;
}

}  // namespace tacho
