#include "cli/server_tls.h"

namespace tacho {

void add_server_tls_flags(FlagTable& t, ServerTlsFlags& f) {
  t.text({"--tls-cert", "--ssl-certfile"}, "FILE", f.certificate,
         "Serve over TLS with this certificate (PEM).");
  t.text({"--tls-key", "--ssl-keyfile"}, "FILE", f.key,
         "Its key (PEM), where it is in a file of its own.");
}

Result<std::optional<TlsContext>> server_tls(const ServerTlsFlags& flags) {
  if (flags.certificate.empty()) {
    if (!flags.key.empty()) return input_error("--tls-key needs --tls-cert");
    return std::optional<TlsContext>();
  }
  TlsOptions options;
  options.certificate_file = flags.certificate;
  options.key_file = flags.key;
  options.key_flag = "--tls-key";
  options.password_flag = "";
  auto context = TlsContext::create_server(options);
  if (!context) return context.error();
  return std::optional<TlsContext>(std::move(*context));
}

}  // namespace tacho
