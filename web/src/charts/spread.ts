// Charts of how values spread: the distribution of one cell, the gaps between tokens, and boxes of
// all cells side by side.
import type { Bins, Cell, Distribution, Maybe, Metric, Stat } from "../data.ts";
import { count, duration_text, figure, percent } from "../format.ts";
import { t } from "../i18n.ts";
import type { Option } from "./echarts.ts";
import { axis, base, faded, log_fields, series_color, tip, upright, type Look } from "./look.ts";
import { ecdf, outline } from "./numbers.ts";

const marked: readonly Stat[] = ["p50", "p90", "p99"];

// The marks are the summary's percentiles, not ones read off the curve: the curve may be thinned.
// Their labels lean away from each other, and the middle one stands higher, as p50 and p90 are
// often a few pixels apart.
function marks(look: Look, distribution: Distribution | null) {
  const places: Partial<Record<Stat, object>> = {
    p50: { align: "right", distance: [3, 3] }, p90: { align: "center", distance: [0, 15] },
    p99: { align: "left", distance: [3, 3] },
  };
  const known = marked.filter((which) => (distribution?.[which] ?? null) !== null);
  return {
    symbol: "none",
    silent: true,
    animation: false,
    lineStyle: { color: look.muted, width: 1, type: [3, 3] },
    data: known.map((which) => ({
      name: which,
      xAxis: distribution?.[which] ?? 0,
      label: { color: look.text, fontSize: 10, position: "end", formatter: which,
               ...places[which] },
    })),
  };
}

const marked_grid = { left: 8, right: 22, top: 40, bottom: 26, containLabel: true };

// A tail that is far from the median would press the rest of the curve against the edge.
const wants_log = (distribution: Distribution | null) => {
  const [p50, max] = [distribution?.p50 ?? 0, distribution?.max ?? 0];
  return p50 > 0 && max > 8 * p50 && (distribution?.min ?? 0) > 0;
};

/// The share of requests at or below each value, with p50, p90 and p99 marked.
export function distribution_curve(look: Look, values: readonly Maybe[],
                                   distribution: Distribution | null): Option {
  const color = series_color(look, 0);
  const log = wants_log(distribution);
  return {
    ...base(look),
    grid: marked_grid,
    xAxis: axis(look, "ms", log
      ? log_fields(look, distribution?.min ?? 1, distribution?.max ?? 1)
      : { scale: true, splitNumber: 4 }),
    yAxis: upright(look, "%", { min: 0, max: 100, interval: 25, nameGap: 22 }),
    tooltip: {
      ...base(look).tooltip,
      trigger: "axis",
      formatter: (items: unknown) => {
        const [x, y] = (items as { value: [number, number] }[])[0]?.value ?? [0, 0];
        return tip(`≤ ${duration_text(x)}`, [{ name: t("of_requests"), value: percent(y / 100) }]);
      },
    },
    series: [{
      type: "line", step: "end", showSymbol: false, lineStyle: { width: 1.6, color },
      itemStyle: { color }, emphasis: { disabled: true },
      data: ecdf(values).map(([x, y]) => [x, y * 100]),
      markLine: marks(look, distribution),
    }],
  } as Option;
}

/// True where rare gaps would vanish beside the common ones: the counts are then logarithmic too.
export const is_tall = (bins: Bins): boolean =>
  bins.counts.reduce((most, amount) => Math.max(most, amount), 0) >= 200;

/// How many gaps between tokens fell into each bin; time is logarithmic, as stalls are rare and
/// long.
export function gap_histogram(look: Look, bins: Bins, distribution: Distribution | null): Option {
  const color = series_color(look, 0);
  const corners = outline(bins);
  const most = corners.reduce((largest, corner) => Math.max(largest, corner[1]), 0);
  const tall = is_tall(bins);
  // On a logarithmic axis an empty bin has no place; it is drawn on the ground, below one.
  const ground = tall ? 0.5 : 0;
  return {
    ...base(look),
    grid: marked_grid,
    xAxis: axis(look, "ms", log_fields(look, corners[0]?.[0] ?? 1,
                                       corners[corners.length - 1]?.[0] ?? 1)),
    yAxis: upright(look, t("tokens"), { nameGap: 22, ...(tall
      ? { ...log_fields(look, 1, most), min: ground } : { min: 0 }) }),
    tooltip: {
      ...base(look).tooltip,
      trigger: "axis",
      formatter: (items: unknown) => {
        const place = (items as { dataIndex: number }[])[0]?.dataIndex ?? 0;
        const [from, amount] = corners[place] ?? [0, 0];
        const to = corners[place + 1]?.[0];
        const title = to === undefined ? `≥ ${figure(from)} ms`
          : `${figure(from)} … ${figure(to)} ms`;
        return tip(title, [{ name: t("tokens"), value: count(amount) }]);
      },
    },
    series: [{
      type: "line", step: "end", showSymbol: false, lineStyle: { width: 1, color },
      itemStyle: { color }, emphasis: { disabled: true },
      areaStyle: { color: faded(color, 0.35), origin: "start" },
      data: corners.map(([edge, amount]) => [edge, Math.max(amount, ground)]),
      markLine: marks(look, distribution),
    }],
  } as Option;
}

const box_stats: readonly Stat[] = ["p1", "p25", "p50", "p75", "p99"];

/// One box for each cell: the quartiles, whiskers to p1 and p99, a dot at the maximum. The cell
/// that is open is the one in full colour.
export function boxes(look: Look, cells: readonly Cell[], metric: Metric, open: number): Option {
  const drawn = cells.filter((cell) =>
    box_stats.every((which) => (cell.summary[metric]?.[which] ?? null) !== null));
  const value = (cell: Cell, which: Stat) => cell.summary[metric]?.[which] ?? 0;
  const all = drawn.flatMap((cell) => [value(cell, "p1"), value(cell, "p99"), value(cell, "max")]);
  const [low, high] = [Math.min(...all), Math.max(...all)];
  const log = low > 0 && high > 10 * low;
  const [strong, weak] = [series_color(look, 0), look.muted];
  const color = (cell: Cell) => (cell.index === open ? strong : weak);
  return {
    ...base(look),
    grid: { left: 8, right: 16, top: 28, bottom: 4, containLabel: true },
    xAxis: axis(look, "", {
      type: "category", data: drawn.map((cell) => cell.label),
      axisLabel: { color: look.muted, fontSize: 10, rotate: drawn.length > 4 ? 40 : 0,
                   fontFamily: look.font, width: 120, overflow: "truncate" },
    }),
    yAxis: upright(look, "ms", log ? log_fields(look, low, high) : { scale: true }),
    tooltip: {
      ...base(look).tooltip,
      trigger: "item",
      formatter: (item: unknown) => {
        const cell = drawn[(item as { dataIndex: number }).dataIndex];
        const rows: Stat[] = ["max", "p99", "p75", "p50", "p25", "p1", "min"];
        return cell === undefined ? "" : tip(cell.label, rows.map((which) => (
          { name: which, value: duration_text(cell.summary[metric]?.[which] ?? null) })));
      },
    },
    series: [
      { type: "boxplot", boxWidth: [6, 26], data: drawn.map((cell) => ({
          value: box_stats.map((which) => value(cell, which)),
          itemStyle: { color: faded(color(cell), 0.25), borderColor: color(cell),
                       borderWidth: 1.3 },
        })) },
      { type: "scatter", symbolSize: 4, data: drawn.map((cell) => (
          { value: value(cell, "max"), itemStyle: { color: color(cell) } })) },
    ],
  } as Option;
}
