// Tables leave the page as numbers in full, and sorting never mixes gaps with values.
import assert from "node:assert/strict";
import { test } from "node:test";

import { read_report } from "../../web/src/data.ts";
import { overview_csv } from "../../web/src/overview_csv.ts";
import { next_sort, sorted, to_csv, to_tsv } from "../../web/src/table.ts";

const columns = [
  { key: "name", title: "Name", value: (row) => row[0] },
  { key: "p50", group: "TTFT", title: "p50", unit: "ms", value: (row) => row[1] },
];
const rows = [["c=16", 20], ["c=2", null], ["c=4", 3.14159]];
const names = (list) => list.map((row) => row[0]);

test("gaps come last both ways", () => {
  assert.deepEqual(names(sorted(rows, columns, { key: "p50", descending: false })),
    ["c=4", "c=16", "c=2"]);
  assert.deepEqual(names(sorted(rows, columns, { key: "p50", descending: true })),
    ["c=16", "c=4", "c=2"]);
});

test("labels sort by the numbers in them, and no sort is the run's own order", () => {
  assert.deepEqual(names(sorted(rows, columns, { key: "name", descending: false })),
    ["c=2", "c=4", "c=16"]);
  assert.deepEqual(sorted(rows, columns, null), rows);
});

test("a heading asks for up, down and the run's own order in turn", () => {
  const up = next_sort(null, "p50");
  const down = next_sort(up, "p50");
  assert.deepEqual([up.descending, down.descending, next_sort(down, "p50")], [false, true, null]);
  assert.deepEqual(next_sort(up, "name"), { key: "name", descending: false });
});

test("TSV carries full numbers under full titles", () => {
  assert.equal(to_tsv(columns, rows),
    "Name\tTTFT p50 (ms)\nc=16\t20\nc=2\t\nc=4\t3.14159\n");
  assert.equal(to_tsv(columns.slice(0, 1), [["a\tb\nc"]]), "Name\na b c\n");
});

test("CSV quotes what has to be quoted", () => {
  assert.equal(to_csv(["a", "b"], [["x,y", 'say "hi"'], [1.5, null]]),
    'a,b\r\n"x,y","say ""hi"""\r\n1.5,\r\n');
});

test("the overview's CSV has one line a cell and as many fields as its heading", () => {
  const { cells } = read_report({ cells: [{ label: "c=1" }, { label: "c=2", summary: {
    ttft_ms: { p50: 12.5, n: 4 }, verdict: { valid: false, reasons: ["late"] } } }] });
  const lines = overview_csv(cells).trimEnd().split("\r\n");
  const heading = lines[0].split(",");
  assert.equal(lines.length, 3);
  assert.equal(new Set(heading).size, heading.length);
  for (const line of lines) assert.equal(line.split(",").length, heading.length);
  assert.equal(lines[2].split(",")[heading.indexOf("ttft_ms_p50")], "12.5");
  assert.equal(lines[2].split(",")[heading.indexOf("valid")], "false");
});
