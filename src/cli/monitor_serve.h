// The serving side of `tacho monitor`: where it listens, who may read, in whose names.
#pragma once

#include <csignal>

#include "cli/flags.h"
#include "cli/monitor_alerts.h"
#include "cli/server_tls.h"
#include "monitor/sampler.h"

namespace tacho {

/// Flags about serving, as typed.
struct ServeFlags {
  std::string listen;
  std::vector<std::string> compat;
  std::string basic_auth;  ///< USER:FILE, the file with the password.
  ServerTlsFlags tls;
};

/// Adds the rows.
void add_serve_flags(FlagTable& table, ServeFlags& flags);

/// The value of the Authorization header that readers have to send, and that --connect sends; ""
/// when all may read.
Result<std::string> authorization_of(const ServeFlags& flags);

/// True when it is asked to serve.
bool is_asked_to_serve(const ServeFlags& flags);

/// Says what is wrong with the flags, if anything is.
Status check_serve_flags(const ServeFlags& flags);

/// Serves what the sampler reads until `is_interrupted` is set; the exit code. Alerts are judged
/// meanwhile.
int serve_monitor(const Sampler& sampler, const ServeFlags& flags, AlertDesk& desk,
                  const volatile std::sig_atomic_t& is_interrupted);

}  // namespace tacho
