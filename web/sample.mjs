// A maintainer's tool: makes up a run so that the report page can be looked at without a server.
// The figures follow a simple server (steps slow down with the batch, queues grow past its limit)
// under fixed seeds, and every file says in its notes that nothing in it was measured.
//
//   node sample.mjs KIND                 prints the data as JSON
//   node sample.mjs KIND PAGE OUT        writes PAGE with the data inlined to OUT
//
// KIND: grid (13 cells), one, dynamic, failed (everything failed), empty, thin (little is known)
import { readFileSync, writeFileSync } from "node:fs";

function make_random(seed) {
  let state = seed >>> 0;
  const uniform = () => {  // Mulberry32.
    state = (state + 0x6d2b79f5) >>> 0;
    let z = Math.imul(state ^ (state >>> 15), state | 1);
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
    return ((z ^ (z >>> 14)) >>> 0) / 2 ** 32;
  };
  const normal = () =>
    Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  return { uniform, normal, lognormal: (median, spread) => median * Math.exp(spread * normal()),
           exponential: (mean) => -mean * Math.log(1 - uniform()) };
}

const round = (value, digits = 3) => Number(value.toFixed(digits));

function distribution(values) {
  const known = values.filter((value) => value !== null).sort((a, b) => a - b);
  const n = known.length;
  if (n === 0) return null;
  const at = (q) => {
    const rank = q * (n - 1);
    const low = Math.floor(rank);
    const high = Math.min(low + 1, n - 1);
    return round(known[low] + (rank - low) * (known[high] - known[low]), 4);
  };
  const mean = known.reduce((sum, value) => sum + value, 0) / n;
  const square = known.reduce((sum, value) => sum + (value - mean) ** 2, 0) / Math.max(1, n - 1);
  const quantiles = { p1: 0.01, p5: 0.05, p10: 0.1, p25: 0.25, p50: 0.5, p75: 0.75, p90: 0.9,
                      p95: 0.95, p99: 0.99, p99_9: 0.999 };
  return {
    mean: round(mean, 4), std: round(Math.sqrt(square), 4), min: at(0),
    ...Object.fromEntries(Object.entries(quantiles).map(([name, q]) => [name, at(q)])),
    max: at(1), n,
    rank_is_max: Object.entries(quantiles).filter(([, q]) => Math.ceil(q * n) >= n)
      .map(([name]) => name),
  };
}

// Requests of one cell: `slots` run at once, the others wait; a step takes longer the more run.
function make_requests(random, plan) {
  const rows = { start_s: [], due_s: [], ttft_ms: [], e2e_ms: [], tpot_ms: [], input_tokens: [],
                 output_tokens: [], outcome: [] };
  const slots = plan.concurrency ?? 64;
  const free = Array.from({ length: slots }, () => 0);
  const busy = plan.concurrency ?? Math.min(64, plan.rate === "inf" ? 64 : plan.rate * 3);
  let clock = 0;
  for (let i = 0; i < plan.requests; ++i) {
    const slot = free.indexOf(Math.min(...free));
    if (plan.kind === "dynamic" && plan.rate !== "inf") clock += random.exponential(1 / plan.rate);
    const due = plan.kind === "dynamic" ? clock : free[slot];
    const input = plan.input ?? Math.round(random.lognormal(380, 0.8)) + 4;
    const asked = plan.output ?? Math.max(2, Math.round(random.lognormal(150, 0.7)));
    const wait = Math.max(0, free[slot] - due);
    const prefill = (18 + input * 0.055) * (1 + busy / 48) * random.lognormal(1, 0.18);
    const ttft = wait * 1000 + prefill + (random.uniform() < 0.02 ? 120 * random.uniform() : 0);
    const tpot = (7.2 + 0.16 * busy + 0.0009 * input) * random.lognormal(1, 0.06);
    const e2e = ttft + tpot * (asked - 1);
    const fails = random.uniform() < plan.failing;
    const loss = random.uniform() < 0.7 ? "http_status 503" : "timeout first_token";
    free[slot] = due + (fails ? 0.02 : e2e / 1000);
    rows.start_s.push(round(due, 4));
    rows.ttft_ms.push(fails ? null : round(ttft));
    rows.e2e_ms.push(fails ? null : round(e2e));
    rows.tpot_ms.push(fails || asked < 2 ? null : round(tpot, 4));
    rows.input_tokens.push(input);
    rows.output_tokens.push(fails ? null : asked);
    rows.outcome.push(fails ? loss : "ok");
  }
  delete rows.due_s;
  return rows;
}

function itl_values(random, rows) {
  const gaps = [];
  rows.tpot_ms.forEach((tpot, row) => {
    if (tpot === null) return;
    const tokens = Math.min(40, rows.output_tokens[row] - 1);
    for (let i = 0; i < tokens; ++i) {
      gaps.push(random.uniform() < 0.01 ? tpot * (3 + 8 * random.uniform())
                                        : random.lognormal(tpot, 0.09));
    }
  });
  return gaps;
}

function histogram(values) {
  const edges = Array.from({ length: 81 }, (_, i) => round(10 ** (-1 + i * 0.05), 5));
  const counts = edges.slice(1).map(() => 0);
  for (const value of values) {
    const bin = Math.floor((Math.log10(value) + 1) / 0.05);
    if (bin >= 0 && bin < counts.length) ++counts[bin];
  }
  return { edges, counts };
}

function make_series(rows, duration_s) {
  const step = Math.max(0.5, duration_s / 90);
  const t_s = Array.from({ length: Math.ceil(duration_s / step) }, (_, i) => round(i * step, 3));
  const series = { t_s, in_flight: t_s.map(() => 0), output_tokens_per_s: t_s.map(() => 0),
                   requests_per_s: t_s.map(() => 0), errors_per_s: t_s.map(() => 0) };
  const bin = (time) => Math.min(t_s.length - 1, Math.floor(time / step));
  rows.start_s.forEach((start, row) => {
    if (rows.e2e_ms[row] === null) return void (series.errors_per_s[bin(start)] += 1 / step);
    const end = start + rows.e2e_ms[row] / 1000;
    const first = start + rows.ttft_ms[row] / 1000;
    series.requests_per_s[bin(end)] += 1 / step;
    t_s.forEach((time, i) => {
      if (time >= start && time < end) ++series.in_flight[i];
    });
    const busy = bin(end) - bin(first) + 1;
    for (let i = bin(first); i <= bin(end); ++i) {
      series.output_tokens_per_s[i] += rows.output_tokens[row] / busy / step;
    }
  });
  for (const key of Object.keys(series)) series[key] = series[key].map((value) => round(value, 3));
  return series;
}

function make_summary(random, plan, rows, gaps, duration_s) {
  const planned = plan.requests;
  const completed = rows.outcome.filter((kind) => kind === "ok").length;
  const sum = (values) => values.reduce((total, value) => total + (value ?? 0), 0);
  const outcomes = {};
  for (const kind of rows.outcome) outcomes[kind] = (outcomes[kind] ?? 0) + 1;
  const good = rows.ttft_ms.filter((ttft) => ttft !== null && ttft <= 300).length;
  const per_s = (amount) => round(amount / duration_s, 4);
  const input = sum(rows.input_tokens.filter((_, row) => rows.outcome[row] === "ok"));
  const output = sum(rows.output_tokens);
  const little = sum(rows.e2e_ms) / 1000 / duration_s;
  const lag = () => Array.from({ length: planned }, () => random.lognormal(0.012, 0.5));
  const send_lag = Array.from({ length: planned },
    () => random.lognormal(plan.late ? 2.4 : 0.03, 0.6));
  return {
    planned, offered: planned, sent: planned, completed, failed: planned - completed, outcomes,
    duration_s: round(duration_s, 3), request_throughput_per_s: per_s(completed),
    input_token_throughput_per_s: per_s(input), output_token_throughput_per_s: per_s(output),
    total_token_throughput_per_s: per_s(input + output), requests_per_minute: per_s(completed * 60),
    goodput: plan.slo ? { slos: ["ttft_ms<=300"], good, share: round(good / planned, 4),
                          per_s: per_s(good), failed_by: { ttft_ms: completed - good } } : null,
    error_rate: round((planned - completed) / planned, 5),
    timeout_rate: round((outcomes["timeout first_token"] ?? 0) / planned, 5),
    concurrency_mean: round(little * 1.002, 3), concurrency_little: round(little, 3),
    ttft_ms: distribution(rows.ttft_ms), ttft_from_due_ms: distribution(rows.ttft_ms),
    ttfo_ms: null, tpot_ms: distribution(rows.tpot_ms), itl_ms: distribution(gaps),
    chunk_gap_ms: distribution(gaps), e2e_ms: distribution(rows.e2e_ms),
    e2e_from_due_ms: distribution(rows.e2e_ms), input_tokens: distribution(rows.input_tokens),
    output_tokens: distribution(rows.output_tokens),
    token_source: { input: "usage", output: "usage" },
    instrument: {
      stamps: "kernel", client_lag_ms: distribution(lag()), send_lag_ms: distribution(send_lag),
      loop_busy_share: round(0.02 + 0.004 * (plan.concurrency ?? 8), 4),
      coalesced_read_share: 0.0004, multi_token_chunk_share: 0, reconnects: 0 },
    truth: plan.truth ? { ttft_error_ms: distribution(lag().map((value) => value - 0.005)),
                          gap_error_ms: distribution(lag().map((value) => value - 0.012)) } : null,
    verdict: verdict(plan, completed),
  };
}

function verdict(plan, completed) {
  const reasons = [];
  if (plan.late) reasons.push("client-bound: send_lag p99 is over max(1 ms, 5 % of ttft)");
  if (plan.grows) reasons.push("queue grows: requests in flight rise through the whole run");
  if (completed === 0) reasons.push("nothing completed");
  else if (plan.failing > 0.1) reasons.push("error budget passed: 1 % of requests may fail");
  return { valid: reasons.length === 0, reasons };
}

function make_cell(plan, id) {
  const random = make_random(1000 + id);
  const rows = make_requests(random, plan);
  const gaps = itl_values(random, rows);
  const ends = rows.start_s.map((start, row) => start + (rows.e2e_ms[row] ?? 20) / 1000);
  const duration_s = Math.max(0.5, ...ends);
  const lengths = plan.input === undefined ? "dataset" : `${plan.input}→${plan.output}`;
  const load = plan.kind === "static" ? `c=${plan.concurrency}` : `rate=${plan.rate}`;
  return {
    id, label: `${load} · ${lengths}`, kind: plan.kind, concurrency: plan.concurrency ?? null,
    request_rate: plan.rate ?? null, input_tokens: plan.input ?? null,
    output_tokens: plan.output ?? null, length_label: lengths,
    summary: make_summary(random, plan, rows, gaps, duration_s), requests: rows,
    requests_total: plan.requests, itl_ms_histogram: gaps.length > 0 ? histogram(gaps) : null,
    series: make_series(rows, duration_s),
  };
}

const at = (concurrency, input, output, more = {}) => ({
  kind: "static", concurrency, input, output, failing: 0, requests: Math.max(60, concurrency * 12),
  ...more });
const open = (rate, more = {}) => ({
  kind: "dynamic", rate, failing: 0, requests: rate === "inf" ? 400 : Math.max(80, rate * 40),
  ...more });

const plans = {
  grid: [
    ...[1, 4, 16, 64].flatMap((c) =>
      [at(c, 128, 64), at(c, 512, 256, { failing: c === 64 ? 0.02 : 0 })]),
    at(128, 128, 64, { late: true }),
    open(2), open(8), open(16, { failing: 0.12, grows: true }), open("inf", { failing: 0.004 }),
  ],
  one: [at(8, undefined, undefined, { requests: 600, slo: true, truth: true })],
  dynamic: [open(1), open(4, { slo: true }), open(8), open("inf")],
  failed: [at(4, 128, 64, { failing: 1 }), at(16, 128, 64, { failing: 1 })],
  empty: [],
  thin: [],
};

function make_report(kind) {
  const cells = plans[kind].map(make_cell);
  const run = {
    tacho_version: "0.1.0",
    command: "tacho bench --url http://127.0.0.1:8000 --model example/Model-7B-Instruct "
      + "--concurrency 1,4,16,64,128 --lengths 128:64,512:256 --rate 2,8,16,inf --seed 7",
    started_at: "2025-01-15T09:30:00Z", status: kind === "failed" ? "interrupted" : "finished",
    config: { model: "example/Model-7B-Instruct", url: "http://127.0.0.1:8000",
              protocol: "openai-chat", stream: true, seed: 7, warmup_requests: 16,
              lengths: ["128:64", "512:256"],
              timeouts: { connect_s: 5, first_token_s: 30, total_s: 120 }, ignore_eos: true },
    environment: { host: "sample-host", kernel: "Linux 6.1.0", cpu: { model: "unknown", cores: 16 },
                   memory_gib: 64, gpu: "unknown", clock: "tsc" },
    server: { engine: "sample engine", version: "1.2.3", hardware: "1 × sample accelerator",
              max_model_len: 8192 },
    notes: ["Sample data made up by web/sample.mjs: nothing in this report was measured."],
  };
  if (kind === "thin") {
    return { schema: 1, run: { notes: run.notes }, cells: [{ label: "c=1", concurrency: 1,
      summary: { completed: 3, outcomes: { ok: 3 }, ttft_ms: distribution([31, 29.5, 33]) } }] };
  }
  return { schema: 1, run, cells };
}

const [kind = "grid", page, out] = process.argv.slice(2);
if (plans[kind] === undefined) {
  console.error(`sample.mjs: no sample "${kind}"; there are ${Object.keys(plans).join(", ")}`);
  process.exit(2);
}
const json = JSON.stringify(make_report(kind)).replace(/<\//g, "<\\/");
if (page === undefined) {
  process.stdout.write(`${json}\n`);
} else {
  const marker = '<script type="application/json" id="tacho-run">{}</script>';
  const filled = readFileSync(page, "utf8").replace(marker, () => marker.replace("{}", () => json));
  writeFileSync(out, filled);
}
