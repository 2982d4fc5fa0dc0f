// The page trusts nothing about its data: what is missing becomes null, and nothing is invented.
import assert from "node:assert/strict";
import { test } from "node:test";

import { read_distribution, read_report } from "../../web/src/data.ts";
import { best_cell, error_rate, failed, failures, flatten, standing, subject, total }
  from "../../web/src/facts.ts";

const cells = (...list) => read_report({ cells: list }).cells;

test("any JSON value is a report", () => {
  for (const value of [null, 3, "x", [], {}, { cells: 7 }, { cells: [null, 5, {}] }]) {
    assert.ok(Array.isArray(read_report(value).cells));
  }
  const [cell] = cells({});
  assert.equal(cell.summary.ttft_ms, null);
  assert.equal(cell.summary.verdict.valid, null);
  assert.equal(cell.requests.rows, 0);
});

test("a distribution without samples is none", () => {
  assert.equal(read_distribution({ n: 0, mean: 0 }), null);
  assert.equal(read_distribution({}), null);
  const known = read_distribution({ n: 2, p50: 1.5, p99: "x", rank_is_max: ["p99", 4] });
  assert.equal(known.p50, 1.5);
  assert.equal(known.p99, null);
  assert.deepEqual(known.rank_is_max, ["p99"]);
});

test("an interval is two numbers, or it is not known; a run without them says so", () => {
  const sure = read_distribution({ n: 9, p50: 1, ci95: { p50: [0.5, 2], p99: null, p90: [1, "x"] },
                                   needs_more: { p99: 7 }, n_effective: { p50: 3.5 } });
  assert.deepEqual(sure.ci95, { p50: [0.5, 2], p99: null, p90: null });
  assert.equal(sure.needs_more.p99, 7);
  assert.equal(sure.n_effective.p50, 3.5);
  assert.equal(read_distribution({ n: 9, p50: 1 }).ci95, null);
});

test("the parts of a run are read where it has them", () => {
  const [one, none] = cells({ summary: { windows: { headline: "drain",
    drain: { from_s: 1, duration_s: 2, request_throughput_per_s: 3 }, steady_state: null } } }, {});
  assert.equal(one.summary.windows.drain.request_throughput_per_s, 3);
  assert.equal(one.summary.windows.drain.total_token_throughput_per_s, null);
  assert.equal(one.summary.windows.steady_state, null);
  assert.equal(none.summary.windows.whole_run, null);
});

test("columns of requests have one length and keep the real total", () => {
  const [cell] = cells({ requests_total: 50_000,
    requests: { start_s: [0, 1, 2], ttft_ms: [5], outcome: ["ok"] } });
  assert.deepEqual(cell.requests.ttft_ms, [5, null, null]);
  assert.equal(cell.requests.rows, 3);
  assert.equal(cell.requests.total, 50_000);
});

test("a histogram whose edges do not fit its counts is not drawn", () => {
  const bins = (edges, counts) =>
    cells({ itl_ms_histogram: { edges, counts } })[0].itl_ms_histogram;
  assert.equal(bins([1, 2], [1, 2]), null);
  assert.equal(bins([1, 2, 3], [0, 0]), null);
  assert.deepEqual(bins([1, 2, 3], [0, 4]), { edges: [1, 2, 3], counts: [0, 4] });
});

test("failures are counted by kind, and those without a kind are not lost", () => {
  const [cell] = cells({ summary: { completed: 5, failed: 5,
    outcomes: { ok: 5, "http_status 500": 1, reset: 3 } } });
  assert.deepEqual(failures(cell), [["reset", 3], ["http_status 500", 1], ["?", 1]]);
  assert.equal(error_rate(cell), 0.5);
});

test("a run that says nothing about endings has no failures to deny", () => {
  assert.equal(failed(cells({})[0]), null);
  assert.equal(error_rate(cells({})[0]), null);
  assert.equal(failed(cells({ summary: { outcomes: { ok: 3 } } })[0]), 0);
});

const measured = (label, valid, p50) => ({
  label, summary: { verdict: { valid, reasons: valid ? [] : ["late"] }, ttft_ms: { p50, n: 9 } },
});
const median = (cell) => cell.summary.ttft_ms?.p50 ?? null;

test("a headline rests on an invalid cell only when there is no other", () => {
  const both = cells(measured("a", false, 1), measured("b", true, 2));
  assert.equal(best_cell(both, median, "lowest").label, "b");
  assert.equal(best_cell(both.slice(0, 1), median, "lowest").label, "a");
  assert.equal(best_cell(cells({}), median, "lowest"), null);
});

test("the reasons of invalid cells are gathered", () => {
  const found = standing(cells(measured("a", false, 1), measured("b", true, 2),
    measured("c", false, 3), {}));
  assert.deepEqual([found.valid, found.invalid.length, found.unsaid], [1, 2, 1]);
  assert.deepEqual(found.reasons, [["late", ["a", "c"]]]);
});

test("sums leave out what is not known", () => {
  const list = cells({ summary: { completed: 3 } }, {});
  assert.equal(total(list, (cell) => cell.summary.completed), 3);
  assert.equal(total(list, (cell) => cell.summary.planned), null);
});

test("the engine is what the server says of itself, never the dataset's name", () => {
  const run = { config: { dataset: { name: "built-in" } },
                server: { server: "uvicorn", version: { version: "0.11.0" },
                          models: { data: [{ id: "m", owned_by: "vllm" }] } } };
  assert.equal(subject(run).engine, "vllm 0.11.0");
  const sim = { server: "tacho-sim", version: { version: "tacho-sim 0.1.0" } };
  assert.equal(subject({ ...run, server: sim }).engine, "tacho-sim 0.1.0");
  assert.equal(subject({ ...run, server: {} }).engine, null);
});

test("the subject is found in free-form objects, and unknown is not a name", () => {
  const { run } = read_report({ run: {
    config: { target: { model: "m", url: "http://h" } }, server: { engine: "unknown" } } });
  assert.deepEqual(subject(run), { model: "m", url: "http://h", engine: null, hardware: null });
});

test("nested objects become paths in the order of the file", () => {
  assert.deepEqual(flatten({ b: { c: [1, 2] }, a: null, d: [{ e: true }] }),
    [["b.c", "1, 2"], ["a", "–"], ["d.0.e", "true"]]);
});
