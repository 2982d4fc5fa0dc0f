// When a cell's figures are not to be trusted, and why: one function for each place where the fault
// may lie. Each reason is one sentence with its numbers, so that the reader can judge the judge;
// docs/metrics.md lists them.
#pragma once

#include "report/summary.h"

namespace tacho {

/// Reasons not to trust a cell; empty when there is none.
Verdict judge(const CellSummary& cell, const Manifest& manifest);

/// The instrument: late sending, late reading, lost stamps, a loop without rest.
void judge_client(const CellSummary& cell, Verdict& verdict);
/// The load: was it the one that was asked for, and one that the server could keep up with?
void judge_load(const CellSummary& cell, Verdict& verdict);
/// The prompts and answers: lengths, repeats, the prefix cache.
void judge_content(const CellSummary& cell, Verdict& verdict);
/// The server: cold at first, restarted or throttling in the middle.
void judge_server(const CellSummary& cell, Verdict& verdict);
/// What was asked for: does it stand on enough requests, and on few enough errors?
void judge_wishes(const CellSummary& cell, const Manifest& manifest, Verdict& verdict);

}  // namespace tacho
