// From columns of requests to what a chart draws. Pure, so that it can be tested without a browser.
import type { Bins, Cell, Maybe } from "../data.ts";

export type Point = [x: number, y: number];

/// The empirical distribution of `values` as steps (value, share at or below it), at most about
/// `points_max` of them; the smallest and the largest value are always there.
export function ecdf(values: readonly Maybe[], points_max = 500): Point[] {
  const known = values.filter((value): value is number => value !== null).sort((a, b) => a - b);
  if (known.length === 0) return [];
  const stride = Math.max(1, Math.ceil(known.length / points_max));
  const steps: Point[] = [[known[0]!, 0]];
  for (let rank = 0; rank < known.length; rank += stride) {
    steps.push([known[rank]!, (rank + 1) / known.length]);
  }
  steps.push([known[known.length - 1]!, 1]);
  return steps;
}

/// The rows where both columns are known.
export function pairs(x: readonly Maybe[], y: readonly Maybe[]): Point[] {
  const points: Point[] = [];
  x.forEach((value, row) => {
    const other = y[row];
    if (value !== null && other !== null && other !== undefined) points.push([value, other]);
  });
  return points;
}

/// True when the values take at least two different places.
export const varies = (values: readonly Maybe[]): boolean =>
  new Set(values.filter((value) => value !== null)).size > 1;

/// The outline of a histogram for a logarithmic axis: one corner (edge, count) for each bin and a
/// last one at zero. A first edge at or below zero has no place on that axis; it moves to half of
/// the next. Empty bins before the first and after the last filled one are left out.
export function outline(bins: Bins): Point[] {
  const first = bins.counts.findIndex((count) => count > 0);
  if (first < 0) return [];
  let last = bins.counts.length - 1;
  while (bins.counts[last] === 0) --last;
  const corners: Point[] = [];
  for (let bin = first; bin <= last; ++bin) corners.push([bins.edges[bin]!, bins.counts[bin]!]);
  if (corners[0]![0] <= 0) corners[0]![0] = bins.edges[first + 1]! / 2;
  corners.push([bins.edges[last + 1]!, 0]);
  return corners;
}

/// Ticks of a logarithmic axis from at or below `low` to at or above `high`: 1, 2 and 5 times the
/// powers of ten over a narrow range, 1 and 3 or the powers alone over wider ones.
export function log_ticks(low: number, high: number): number[] {
  const decades = Math.log10(high / low);
  const factors = decades <= 2 ? [1, 2, 5] : decades <= 3.5 ? [1, 3] : [1];
  const ticks: number[] = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); ++power) {
    // A decimal literal is the nearest double; a product of powers is not always.
    for (const factor of factors) ticks.push(Number(`${factor}e${power}`));
  }
  const first = ticks.filter((tick) => tick <= low * 1.000001).length - 1;
  const last = ticks.findIndex((tick) => tick >= high * 0.999999);
  const cut = ticks.slice(Math.max(0, first), last < 0 ? undefined : last + 1);
  return cut.length > 1 ? cut : [low / 2, low * 2];
}

export interface HeatMap {
  x_labels: string[];
  y_labels: string[];
  /// Column, row and count of each bin that is not empty.
  bins: [x: number, y: number, count: number][];
  most: number;
}

/// A step of 1, 2 or 5 times a power of ten that cuts `span` into at most `parts`; never below one,
/// because tokens are whole.
export function round_step(span: number, parts: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(span / parts, 1)));
  const step = [1, 2, 5, 10].find((factor) => factor * power * parts >= span) ?? 10;
  return Math.max(1, step * power);
}

interface Scale {
  labels: string[];
  bin: (value: number) => number;
}

function scale(values: readonly number[], parts: number): Scale {
  const low = values.reduce((least, value) => Math.min(least, value), Infinity);
  const high = values.reduce((most, value) => Math.max(most, value), -Infinity);
  if (low > 0 && high / low >= 16) return log_scale(low, high);
  const step = round_step(high - low + 1, parts);
  const start = Math.floor(low / step) * step;
  const bins = Math.floor((high - start) / step) + 1;
  const labels = Array.from({ length: bins }, (_, bin) => {
    const from = start + bin * step;
    return step === 1 ? String(from) : `${from}–${from + step - 1}`;
  });
  return { labels, bin: (value) => Math.floor((value - start) / step) };
}

// Lengths of real conversations span decades; equal steps would put most of them in one bin.
function log_scale(low: number, high: number): Scale {
  const edges = [...new Set(log_ticks(low, high + 1).map(Math.ceil))];
  const labels = edges.slice(0, -1).map((edge, bin) => `${edge}–${(edges[bin + 1] ?? 0) - 1}`);
  return { labels, bin: (value) => edges.filter((edge) => edge <= value).length - 1 };
}

/// How many requests fall into each bin of input tokens × output tokens.
export function heat_map(points: readonly Point[], parts = 12): HeatMap {
  const x = scale(points.map((point) => point[0]), parts);
  const y = scale(points.map((point) => point[1]), parts);
  const counts = new Map<string, number>();
  for (const point of points) {
    const key = `${x.bin(point[0])},${y.bin(point[1])}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  const bins = [...counts].map(([key, count]): [number, number, number] => {
    const [column = 0, row = 0] = key.split(",").map(Number);
    return [column, row, count];
  });
  const most = bins.reduce((largest, bin) => Math.max(largest, bin[2]), 0);
  return { x_labels: x.labels, y_labels: y.labels, bins, most };
}

/// What the cells of one kind are drawn against.
export interface LoadAxis {
  by: "concurrency" | "rate" | "length";
  categories: string[];
  category: (cell: Cell) => string | null;
}

export const load_of = (cell: Cell): string | null => {
  const load = cell.kind === "dynamic" ? cell.request_rate : cell.concurrency;
  return load === null ? null : String(load);
};

const by_size = (left: string, right: string) =>
  (left === "inf" ? Infinity : Number(left)) - (right === "inf" ? Infinity : Number(right)) || 0;

/// The axis for cells of one kind: their loads ascending, "inf" last; where there is only one load,
/// their lengths; null where there is nothing to compare.
export function load_axis(cells: readonly Cell[]): LoadAxis | null {
  const loads = [...new Set(cells.map(load_of))].filter((load): load is string => load !== null);
  if (loads.length > 1) {
    const by = cells[0]?.kind === "dynamic" ? "rate" : "concurrency";
    return { by, categories: loads.sort(by_size), category: load_of };
  }
  const lengths = [...new Set(cells.map((cell) => cell.length_label))];
  if (lengths.length < 2) return null;
  return { by: "length", categories: lengths, category: (cell) => cell.length_label };
}

/// One line of a load chart: the cells of one length pair in the order of the axis.
export interface Line {
  name: string;
  cells: Cell[];
}

/// The lines of a load chart, one for each length pair in the order in which they were run.
export function lines(cells: readonly Cell[], axis: LoadAxis): Line[] {
  const place = (cell: Cell) => axis.categories.indexOf(axis.category(cell) ?? "");
  const placed = cells.filter((cell) => place(cell) >= 0)
    .sort((left, right) => place(left) - place(right));
  if (axis.by === "length") return [{ name: load_of(placed[0]!) ?? "", cells: placed }];
  const names = [...new Set(cells.map((cell) => cell.length_label))];
  return names.map((name) => ({ name, cells: placed.filter((cell) => cell.length_label === name) }))
    .filter((line) => line.cells.length > 0);
}
