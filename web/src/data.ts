// The run's data as the page sees it, and the one place that trusts nothing about it.
//
// The JSON comes from a tacho of another day, or from another program that writes the same files.
// Whatever is missing or of the wrong kind becomes null here, so that the rest of the page never
// asks twice, and never shows a figure that nobody measured.

export type Maybe = number | null;
export type Tree = { [key: string]: unknown };

/// The statistics of one distribution, in the order in which tables show them.
export const stats = [
  "mean", "std", "min", "p1", "p5", "p10", "p25", "p50",
  "p75", "p90", "p95", "p99", "p99_9", "max", "n",
] as const;
export type Stat = (typeof stats)[number];

/// One distribution; `rank_is_max` names the percentiles whose rank is the largest sample. Of each
/// statistic: its 95 % interval (null where it is not known), how many independent requests it
/// stands on, and how many more an interval takes.
export type Distribution = Record<Stat, Maybe> & {
  rank_is_max: string[];
  ci95: Record<string, [number, number] | null> | null;
  n_effective: Record<string, number>;
  needs_more: Record<string, number>;
};

/// The throughputs of a part of the cell's time.
export interface Window {
  from_s: Maybe;
  duration_s: Maybe;
  request_throughput_per_s: Maybe;
  input_token_throughput_per_s: Maybe;
  output_token_throughput_per_s: Maybe;
  total_token_throughput_per_s: Maybe;
}

export type Windows = Record<"steady_state" | "whole_run" | "drain", Window | null>;

/// The distributions of a summary, in the order in which tables show them.
export const metrics = [
  "ttft_ms", "ttft_from_due_ms", "ttfo_ms", "tpot_ms", "itl_ms", "chunk_gap_ms",
  "e2e_ms", "e2e_from_due_ms", "input_tokens", "output_tokens",
] as const;
export type Metric = (typeof metrics)[number];

/// The plain numbers of a summary.
export const scalars = [
  "planned", "offered", "sent", "completed", "failed", "duration_s",
  "request_throughput_per_s", "input_token_throughput_per_s", "output_token_throughput_per_s",
  "total_token_throughput_per_s", "requests_per_minute", "error_rate", "timeout_rate",
  "concurrency_mean", "concurrency_little",
] as const;
export type Scalar = (typeof scalars)[number];

export interface Goodput {
  slos: string[];
  good: Maybe;
  share: Maybe;
  per_s: Maybe;
  failed_by: Record<string, number>;
}

export interface Instrument {
  stamps: string | null;
  client_lag_ms: Distribution | null;
  send_lag_ms: Distribution | null;
  loop_busy_share: Maybe;
  coalesced_read_share: Maybe;
  multi_token_chunk_share: Maybe;
  reconnects: Maybe;
}

export interface Truth {
  ttft_error_ms: Distribution | null;
  gap_error_ms: Distribution | null;
}

export interface Verdict {
  /// Null where the run does not say: such a cell is neither called valid nor invalid.
  valid: boolean | null;
  reasons: string[];
}

export type Summary = Record<Scalar, Maybe> & Record<Metric, Distribution | null> & {
  outcomes: Record<string, number>;
  goodput: Goodput | null;
  token_source: { input: string | null; output: string | null };
  instrument: Instrument;
  truth: Truth | null;
  windows: Windows;
  verdict: Verdict;
  /// What holds the service back, a line each; empty without --monitor.
  findings: string[];
};

/// The requests as columns of one length; `total` counts them all where the writer capped the rows.
export interface Requests {
  rows: number;
  total: number;
  start_s: Maybe[];
  ttft_ms: Maybe[];
  e2e_ms: Maybe[];
  tpot_ms: Maybe[];
  input_tokens: Maybe[];
  output_tokens: Maybe[];
  outcome: (string | null)[];
}

/// A histogram with one more edge than counts.
export interface Bins {
  edges: number[];
  counts: number[];
}

export interface Series {
  t_s: number[];
  in_flight: Maybe[];
  output_tokens_per_s: Maybe[];
  requests_per_s: Maybe[];
  errors_per_s: Maybe[];
  /// What was read of the server meanwhile, by kind; empty without --monitor.
  observed: Partial<Record<Observed, Maybe[]>>;
}

/// What may be read of a server while a cell runs.
export const observed = ["engine_running", "engine_waiting", "kv_usage", "device_utilization",
                         "device_power", "host_cpu"] as const;
export type Observed = (typeof observed)[number];

export interface Cell {
  index: number;
  id: number;
  label: string;
  kind: "static" | "dynamic";
  concurrency: Maybe;
  request_rate: number | "inf" | null;
  input_tokens: Maybe;
  output_tokens: Maybe;
  length_label: string;
  summary: Summary;
  requests: Requests;
  itl_ms_histogram: Bins | null;
  series: Series | null;
}

export interface Run {
  tacho_version: string | null;
  command: string | null;
  started_at: string | null;
  status: string | null;
  config: Tree;
  environment: Tree;
  server: Tree;
  notes: string[];
  /// What `tacho calibrate` had found the measuring machine to carry, in one line.
  certificate: string | null;
}

export interface Report {
  schema: Maybe;
  run: Run;
  cells: Cell[];
}

const tree = (value: unknown): Tree =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Tree) : {};
const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
const number = (value: unknown): Maybe =>
  typeof value === "number" && Number.isFinite(value) ? value : null;
const text = (value: unknown): string | null =>
  typeof value === "string" && value !== "" ? value : null;
const texts = (value: unknown): string[] =>
  list(value).filter((item): item is string => typeof item === "string" && item !== "");

function counts(value: unknown): Record<string, number> {
  const pairs = Object.entries(tree(value)).filter(([, count]) => number(count) !== null);
  return Object.fromEntries(pairs) as Record<string, number>;
}

function each<Key extends string, Value>(keys: readonly Key[], read: (key: Key) => Value) {
  return Object.fromEntries(keys.map((key) => [key, read(key)])) as Record<Key, Value>;
}

/// Reads a distribution; one without a sample is null.
export function read_distribution(value: unknown): Distribution | null {
  const source = tree(value);
  const numbers = each(stats, (stat) => number(source[stat]));
  if (numbers.n === 0 || stats.every((stat) => numbers[stat] === null)) return null;
  return {
    ...numbers,
    rank_is_max: texts(source["rank_is_max"]),
    ci95: read_intervals(source["ci95"]),
    n_effective: counts(source["n_effective"]),
    needs_more: counts(source["needs_more"]),
  };
}

function read_intervals(value: unknown): Distribution["ci95"] {
  if (value === null || value === undefined) return null;
  return Object.fromEntries(Object.entries(tree(value)).map(([key, bounds]) => {
    const [low, high] = list(bounds).map(number);
    return [key, low === null || low === undefined || high === null || high === undefined
      ? null : [low, high]];
  }));
}

const window_numbers = [
  "from_s", "duration_s", "request_throughput_per_s", "input_token_throughput_per_s",
  "output_token_throughput_per_s", "total_token_throughput_per_s",
] as const;

function read_window(value: unknown): Window | null {
  const source = tree(value);
  return number(source["duration_s"]) === null ? null
    : each(window_numbers, (key) => number(source[key]));
}

function read_goodput(value: unknown): Goodput | null {
  if (value === null || value === undefined) return null;
  const source = tree(value);
  return {
    slos: texts(source["slos"]),
    good: number(source["good"]),
    share: number(source["share"]),
    per_s: number(source["per_s"]),
    failed_by: counts(source["failed_by"]),
  };
}

function read_instrument(value: unknown): Instrument {
  const source = tree(value);
  return {
    stamps: text(source["stamps"]),
    client_lag_ms: read_distribution(source["client_lag_ms"]),
    send_lag_ms: read_distribution(source["send_lag_ms"]),
    loop_busy_share: number(source["loop_busy_share"]),
    coalesced_read_share: number(source["coalesced_read_share"]),
    multi_token_chunk_share: number(source["multi_token_chunk_share"]),
    reconnects: number(source["reconnects"]),
  };
}

function read_truth(value: unknown): Truth | null {
  const source = tree(value);
  const ttft_error_ms = read_distribution(source["ttft_error_ms"]);
  const gap_error_ms = read_distribution(source["gap_error_ms"]);
  return ttft_error_ms === null && gap_error_ms === null ? null : { ttft_error_ms, gap_error_ms };
}

function read_summary(value: unknown): Summary {
  const source = tree(value);
  const verdict = tree(source["verdict"]);
  const token_source = tree(source["token_source"]);
  return {
    ...each(scalars, (key) => number(source[key])),
    ...each(metrics, (key) => read_distribution(source[key])),
    outcomes: counts(source["outcomes"]),
    goodput: read_goodput(source["goodput"]),
    token_source: { input: text(token_source["input"]), output: text(token_source["output"]) },
    instrument: read_instrument(source["instrument"]),
    truth: read_truth(source["truth"]),
    windows: each(["steady_state", "whole_run", "drain"] as const,
                  (key) => read_window(tree(source["windows"])[key])),
    verdict: {
      valid: typeof verdict["valid"] === "boolean" ? verdict["valid"] : null,
      reasons: texts(verdict["reasons"]),
    },
    findings: texts(list(source["findings"]).map((finding) => tree(finding)["line"])),
  };
}

const number_columns = [
  "start_s", "ttft_ms", "e2e_ms", "tpot_ms", "input_tokens", "output_tokens",
] as const;

function read_requests(value: unknown, total: unknown): Requests {
  const source = tree(value);
  const lengths = [...number_columns, "outcome"].map((key) => list(source[key]).length);
  const rows = Math.max(...lengths);
  const column = <Value>(key: string, read: (item: unknown) => Value) => {
    const items = list(source[key]);
    return Array.from({ length: rows }, (_, row) => read(items[row]));
  };
  return {
    rows,
    total: number(source["requests_total"]) ?? number(total) ?? rows,
    ...each(number_columns, (key) => column(key, number)),
    outcome: column("outcome", text),
  };
}

function read_bins(value: unknown): Bins | null {
  const source = tree(value);
  const edges = list(source["edges"]).map(number);
  const amounts = list(source["counts"]).map(number);
  const whole = edges.length === amounts.length + 1 && amounts.length > 0;
  if (!whole || edges.includes(null) || amounts.includes(null)) return null;
  if (!amounts.some((amount) => amount !== 0)) return null;
  return { edges: edges as number[], counts: amounts as number[] };
}

function read_series(value: unknown): Series | null {
  const source = tree(value);
  const t_s = list(source["t_s"]).map(number);
  if (t_s.length === 0 || t_s.includes(null)) return null;
  const column = (key: string) => {
    const items = list(source[key]);
    return t_s.map((_, row) => number(items[row]));
  };
  const seen: Partial<Record<Observed, Maybe[]>> = {};
  for (const key of observed) {
    const items = tree(source["observed"])[key];
    if (Array.isArray(items)) seen[key] = t_s.map((_, row) => number(items[row]));
  }
  return {
    observed: seen,
    t_s: t_s as number[],
    in_flight: column("in_flight"),
    output_tokens_per_s: column("output_tokens_per_s"),
    requests_per_s: column("requests_per_s"),
    errors_per_s: column("errors_per_s"),
  };
}

function read_cell(value: unknown, index: number): Cell {
  const source = tree(value);
  const rate = source["request_rate"];
  const input_tokens = number(source["input_tokens"]);
  const output_tokens = number(source["output_tokens"]);
  const lengths = input_tokens === null ? "dataset" : `${input_tokens}→${output_tokens ?? "–"}`;
  return {
    index,
    id: number(source["id"]) ?? index,
    label: text(source["label"]) ?? `#${index + 1}`,
    kind: source["kind"] === "dynamic" ? "dynamic" : "static",
    concurrency: number(source["concurrency"]),
    request_rate: rate === "inf" ? "inf" : number(rate),
    input_tokens,
    output_tokens,
    length_label: text(source["length_label"]) ?? lengths,
    summary: read_summary(source["summary"]),
    requests: read_requests(source["requests"], source["requests_total"]),
    itl_ms_histogram: read_bins(source["itl_ms_histogram"]),
    series: read_series(source["series"]),
  };
}

/// Reads the whole report. Any JSON value is accepted; `{}` gives a report without cells.
export function read_report(value: unknown): Report {
  const source = tree(value);
  const run = tree(source["run"]);
  return {
    schema: number(source["schema"]),
    run: {
      tacho_version: text(run["tacho_version"]),
      command: text(run["command"]),
      started_at: text(run["started_at"]),
      status: text(run["status"]),
      config: tree(run["config"]),
      environment: tree(run["environment"]),
      server: tree(run["server"]),
      notes: texts(run["notes"]),
      certificate: text(run["certificate"]),
    },
    cells: list(source["cells"]).map(read_cell),
  };
}
