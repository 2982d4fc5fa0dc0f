// What a number looks like: units, digits that mean something, and never a figure for a gap.
import assert from "node:assert/strict";
import { test } from "node:test";

import { column_format, count, duration_text, figure, fixed, instant, percent, span_s, tick }
  from "../../web/src/format.ts";

test("a figure shows three significant digits or all of its whole ones", () => {
  assert.equal(figure(0), "0");
  assert.equal(figure(7.4938), "7.49");
  assert.equal(figure(25.31), "25.3");
  assert.equal(figure(12337.8), "12,338");
  assert.equal(figure(0.0123), "0.012");
});

test("what was not measured is a dash, whatever the unit", () => {
  for (const format of [figure, count, duration_text, percent, span_s]) {
    assert.equal(format(null), "–");
  }
  assert.equal(instant(null), "–");
});

test("negative numbers keep their sign and zero has none", () => {
  assert.equal(fixed(-1234.5, 1), "−1,234.5");
  assert.equal(fixed(-0.001, 1), "0.0");
});

test("durations choose their unit", () => {
  assert.equal(duration_text(0.0123), "12.3 µs");
  assert.equal(duration_text(48.27), "48.3 ms");
  assert.equal(duration_text(9999), "9,999 ms");
  assert.equal(duration_text(12_340), "12.3 s");
  assert.equal(duration_text(0), "0 ms");
});

test("a small share never reads as zero, nor a large one as all", () => {
  assert.equal(percent(0), "0 %");
  assert.equal(percent(0.00001), "<0.01 %");
  assert.equal(percent(0.99996), "99.99 %");
  assert.equal(percent(1), "100 %");
  assert.equal(percent(0.0156), "1.56 %");
});

test("spans read as people say them", () => {
  assert.equal(span_s(12.5), "12.5 s");
  assert.equal(span_s(507), "8 min 27 s");
  assert.equal(span_s(7500), "2 h 05 min");
});

test("a column is formatted as a whole, so that its points line up", () => {
  const format = column_format([7.49, 31.7, null]);
  assert.deepEqual([7.49, 31.7, null].map(format), ["7.49", "31.70", "–"]);
  const whole = column_format([60, 1536]);
  assert.equal(whole(1536), "1,536");
});

test("ticks are short", () => {
  assert.deepEqual([0, 0.5, 20, 2500, 12_000, 250_000, 3e6].map(tick),
    ["0", "0.5", "20", "2,500", "12,000", "250k", "3M"]);
});

test("instants stay in the zone that the run wrote", () => {
  assert.equal(instant("2025-01-15T09:30:00.123Z"), "2025-01-15 09:30:00 UTC");
  assert.equal(instant("2025-01-15T09:30:00+08:00"), "2025-01-15 09:30:00 +08:00");
  assert.equal(instant("yesterday"), "yesterday");
});
