// Before a run: whether anything answers at the target, what it says of itself, and whether the
// endpoint takes a request of the kind that will be sent. Everything that can be wrong is found
// here, in one line, before any load.
#pragma once

#include "cli/bench_locate.h"
#include "cli/bench_options.h"
#include "load/rules.h"
#include "protocol/protocol.h"

namespace tacho {

/// Asks each server for its models, and the first what it is; sets the model.
Status question_server(const BenchOptions& options, CheckedTarget& target);

/// Sends each server one small request to prove that its endpoint takes the kind that will be sent.
/// It waits as long as any request would, but two minutes at most.
Status prove_endpoint(const CheckedTarget& target, const Protocol& protocol, const Ask& ask,
                      const Timeouts& timeouts);

}  // namespace tacho
