// Every figure of every cell as one CSV line, with the JSON keys as headings, so that a script that
// reads the JSON can read this too.
import { metrics, scalars, stats, type Cell } from "./data.ts";
import { to_csv, type Value } from "./table.ts";

const distribution_columns = metrics.flatMap((metric) =>
  stats.map((stat) => ({ metric, stat, title: `${metric}_${stat}` })));

const heading = [
  "id", "label", "kind", "concurrency", "request_rate", "input_tokens", "output_tokens",
  "length_label", "valid", "invalid_reasons", ...scalars, "outcomes", "goodput_share",
  "goodput_per_s", "send_lag_ms_p99", "client_lag_ms_p99", "loop_busy_share",
  "coalesced_read_share", ...distribution_columns.map((column) => column.title),
];

function line(cell: Cell): Value[] {
  const { summary } = cell;
  const { instrument, verdict } = summary;
  const outcomes = Object.entries(summary.outcomes).map(([kind, count]) => `${kind}: ${count}`);
  return [
    cell.id, cell.label, cell.kind, cell.concurrency, cell.request_rate, cell.input_tokens,
    cell.output_tokens, cell.length_label, verdict.valid === null ? null : String(verdict.valid),
    verdict.reasons.join("; "), ...scalars.map((key) => summary[key]), outcomes.join("; "),
    summary.goodput?.share ?? null, summary.goodput?.per_s ?? null,
    instrument.send_lag_ms?.p99 ?? null, instrument.client_lag_ms?.p99 ?? null,
    instrument.loop_busy_share, instrument.coalesced_read_share,
    ...distribution_columns.map(({ metric, stat }) => summary[metric]?.[stat] ?? null),
  ];
}

/// The overview as CSV text.
export const overview_csv = (cells: readonly Cell[]): string => to_csv(heading, cells.map(line));
