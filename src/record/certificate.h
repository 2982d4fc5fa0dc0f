// What `tacho calibrate` has found this machine to carry, kept in the user's cache and named by
// each later run: a figure is worth more where the instrument's own error is known. It holds for
// the machine, kernel and tacho that it was made with, and for no other.
#pragma once

#include <string>

#include "base/json.h"

namespace tacho {

/// Where the certificate is kept; "" when the environment names no place for it.
std::string certificate_path();

/// What a certificate holds for: host, CPU, number of cores, kernel.
Json machine_identity();

/// The highest of a certificate's levels that was carried without error, or null.
Json best_level(const Json& levels);

/// What a run says of its instrument's certificate: `status` is valid, outdated or none, and `text`
/// one line for people. Of a valid one also when it was made, with which stamps, its levels and the
/// best of them (`carries`); never the machine's name. `certificate` is null when there is none.
Json certificate_of_run(const Json& certificate, const Json& machine, std::string_view version);

/// The same of the certificate in the user's cache, for this machine and this tacho.
Json certificate_of_this_run();

/// One sentence when a load lies beyond what a run's certificate covers; else "". `stamps` is what
/// the run was stamped by.
std::string beyond_certificate(const Json& of_run, double streams, double events_per_s,
                               const std::string& stamps);

}  // namespace tacho
