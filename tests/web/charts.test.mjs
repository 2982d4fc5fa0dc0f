// What the charts draw, before anything is drawn.
import assert from "node:assert/strict";
import { test } from "node:test";

import { ecdf, heat_map, lines, load_axis, log_ticks, outline, pairs, round_step, varies }
  from "../../web/src/charts/numbers.ts";
import { read_report } from "../../web/src/data.ts";

test("a distribution climbs from 0 to 1 however much it is thinned", () => {
  const values = Array.from({ length: 12_345 }, (_, i) => (i * 7919) % 12_345);
  const steps = ecdf(values, 300);
  assert.ok(steps.length <= 303);
  assert.deepEqual(steps[0], [0, 0]);
  assert.deepEqual(steps[steps.length - 1], [12_344, 1]);
  for (let i = 1; i < steps.length; ++i) {
    assert.ok(steps[i][0] >= steps[i - 1][0] && steps[i][1] >= steps[i - 1][1]);
  }
  assert.deepEqual(ecdf([null, null]), []);
});

test("a histogram's outline drops empty ends and keeps off zero", () => {
  assert.deepEqual(outline({ edges: [0, 1, 2, 3, 4], counts: [0, 5, 2, 0] }),
    [[1, 5], [2, 2], [3, 0]]);
  assert.deepEqual(outline({ edges: [0, 2, 4], counts: [1, 1] }), [[1, 1], [2, 1], [4, 0]]);
  assert.deepEqual(outline({ edges: [1, 2], counts: [0] }), []);
});

test("logarithmic ticks enclose the values", () => {
  assert.deepEqual(log_ticks(5.01, 89.1), [5, 10, 20, 50, 100]);
  assert.deepEqual(log_ticks(20, 20), [10, 40]);
  for (const [low, high] of [[0.03, 4], [1, 1000], [7, 90_000], [1e-3, 1e5]]) {
    const ticks = log_ticks(low, high);
    assert.ok(ticks[0] <= low && ticks[ticks.length - 1] >= high, `${low}..${high}`);
    assert.ok(ticks.length <= 10);
  }
});

test("pairs are rows where both are known", () => {
  assert.deepEqual(pairs([1, null, 3], [4, 5, null]), [[1, 4]]);
  assert.ok(!varies([3, null, 3]) && varies([3, 4]));
});

test("steps of a length axis are round and whole", () => {
  assert.deepEqual([[3, 12], [100, 12], [130, 12], [5000, 12]].map(([span, parts]) =>
    round_step(span, parts)), [1, 10, 20, 500]);
});

test("a heat map counts every request once, on narrow and on wide ranges", () => {
  const narrow = Array.from({ length: 100 }, (_, i) => [100 + i, 50 + (i % 7)]);
  const wide = Array.from({ length: 100 }, (_, i) => [4 + i * i, 1 + (i % 90)]);
  for (const points of [narrow, wide, [[128, 64]]]) {
    const map = heat_map(points);
    assert.equal(map.bins.reduce((sum, bin) => sum + bin[2], 0), points.length);
    for (const [x, y] of map.bins) {
      assert.ok(map.x_labels[x] !== undefined && map.y_labels[y] !== undefined);
    }
  }
});

const report = (cells) => read_report({ cells }).cells;

test("loads ascend as numbers and inf is its own last category", () => {
  const cells = report(["inf", 16, 2].map((request_rate) =>
    ({ kind: "dynamic", request_rate, length_label: "dataset" })));
  const axis = load_axis(cells);
  assert.equal(axis.by, "rate");
  assert.deepEqual(axis.categories, ["2", "16", "inf"]);
  assert.deepEqual(lines(cells, axis)[0].cells.map((cell) => cell.request_rate), [2, 16, "inf"]);
});

test("there is one line for each length pair", () => {
  const cells = report([[1, "a"], [4, "b"], [4, "a"], [1, "b"]].map(([concurrency, length_label]) =>
    ({ kind: "static", concurrency, length_label })));
  const drawn = lines(cells, load_axis(cells));
  assert.deepEqual(drawn.map((line) => [line.name, line.cells.map((cell) => cell.concurrency)]),
    [["a", [1, 4]], ["b", [1, 4]]]);
});

test("one load at several lengths is drawn against the lengths; a lone cell is not drawn", () => {
  const cells = report(["a", "b"].map((length_label) =>
    ({ kind: "static", concurrency: 4, length_label })));
  assert.equal(load_axis(cells).by, "length");
  assert.equal(lines(cells, load_axis(cells)).length, 1);
  assert.equal(load_axis(cells.slice(0, 1)), null);
});
