// The certificate that one of our own servers shows: `tacho sim` and `tacho monitor` take it by the
// same flags.
#pragma once

#include <optional>

#include "cli/flags.h"
#include "net/tls.h"

namespace tacho {

/// Files of a server's TLS, as typed.
struct ServerTlsFlags {
  std::string certificate, key;
};

/// Adds the rows.
void add_server_tls_flags(FlagTable& table, ServerTlsFlags& flags);

/// What TLS needs; nothing where no certificate is given. Fails when the files are not what they
/// should be.
Result<std::optional<TlsContext>> server_tls(const ServerTlsFlags& flags);

}  // namespace tacho
