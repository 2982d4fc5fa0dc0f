// A snapshot in JSON, there and back: for scripts, and for a monitor that looks at another one.
#pragma once

#include "base/json.h"
#include "base/result.h"
#include "monitor/snapshot.h"

namespace tacho {

/// The snapshot; a value that is missing is null, with the reason beside it. Ages are relative to
/// its own instant, so that no clock has to agree.
Json snapshot_json(const Snapshot& snapshot);

/// Reads it back. Metrics of a newer tacho that are not known here are left out.
Result<Snapshot> read_snapshot(std::string_view text, std::string_view what);

}  // namespace tacho
