// The canary: one small streamed request now and then, as a user would send it. It says whether a
// server is well without putting load on it, and how large its own share of the load is.
#pragma once

#include "cli/flags.h"
#include "monitor/probe.h"

namespace tacho {

/// Flags about the canary, as typed.
struct CanaryFlags {
  std::string url;
  double every_s = 30.0;
  std::string model;
  std::string key_variable;
  std::uint32_t tokens = 8;
  double timeout_s = 30.0;
};

/// Adds the rows.
void add_canary_flags(FlagTable& table, CanaryFlags& flags);

/// The probe; the error is about the URL or the environment.
Result<ProbePtr> make_canary_probe(const CanaryFlags& flags);

}  // namespace tacho
