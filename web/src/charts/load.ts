// Charts over all cells: what a server does as the load grows, and what it trades for throughput.
import type { Cell, Maybe, Metric, Stat } from "../data.ts";
import { figure } from "../format.ts";
import { stat } from "../facts.ts";
import { t } from "../i18n.ts";
import type { LineSeriesOption, Option } from "./echarts.ts";
import { axis, base, log_fields, series_color, series_symbol, tip, upright, type Look }
  from "./look.ts";
import { lines, type LoadAxis } from "./numbers.ts";

/// Which stroke a statistic has; p50 is the plain line.
export const strokes: Partial<Record<Stat, number[] | "solid">> = {
  p50: "solid", mean: [2, 2], p90: [7, 3], p95: [7, 3, 2, 3], p99: [3, 3],
};

const axis_name = (by: LoadAxis["by"]) =>
  t(by === "rate" ? "axis_rate" : by === "length" ? "axis_length" : "axis_concurrency");

interface Curve {
  name: string;
  place: number;
  stroke: number[] | "solid";
  cells: Cell[];
  value: (cell: Cell) => Maybe;
}

// A cell that is not valid keeps its place on the line but is drawn hollow.
function curve_series(look: Look, curve: Curve, load: LoadAxis): LineSeriesOption {
  const color = series_color(look, curve.place);
  return {
    type: "line",
    name: curve.name,
    symbol: series_symbol(curve.place),
    symbolSize: 7,
    showAllSymbol: true,
    lineStyle: { width: 1.6, color, type: curve.stroke },
    itemStyle: { color, borderColor: color, borderWidth: 1.5 },
    emphasis: { disabled: true },
    data: curve.cells.filter((cell) => curve.value(cell) !== null).map((cell) => ({
      value: [load.category(cell) ?? "", curve.value(cell) ?? 0],
      ...(cell.summary.verdict.valid === false
        ? { itemStyle: { color: look.panel, borderColor: color, borderWidth: 1.5 } } : {}),
    })),
  };
}

function curves_option(look: Look, load: LoadAxis, curves: Curve[], unit: string, log: boolean) {
  const by_category = (category: string) => curves.flatMap((curve) =>
    curve.cells.filter((cell) => load.category(cell) === category).map((cell) => ({
      color: series_color(look, curve.place),
      name: cell.summary.verdict.valid === false ? `${curve.name} · ${t("invalid")}` : curve.name,
      value: `${figure(curve.value(cell))} ${unit}`,
    })));
  return {
    ...base(look),
    xAxis: axis(look, axis_name(load.by), { type: "category", data: load.categories }),
    yAxis: upright(look, unit, log ? log_over(look, curves) : { min: 0 }),
    tooltip: {
      ...base(look).tooltip,
      trigger: "axis",
      formatter: (items: unknown) => {
        const first = (items as { axisValue: string }[])[0]?.axisValue ?? "";
        return tip(`${axis_name(load.by)} ${first}`, by_category(first));
      },
    },
    series: curves.map((curve) => curve_series(look, curve, load)),
  } as Option;
}

function log_over(look: Look, curves: Curve[]) {
  const values = curves.flatMap((curve) => curve.cells.map(curve.value))
    .filter((value): value is number => value !== null && value > 0);
  return values.length === 0 ? { min: 0 }
    : log_fields(look, Math.min(...values), Math.max(...values));
}

export interface PercentileChart {
  metric: Metric;
  stats: readonly Stat[];
  log: boolean;
}

/// Percentiles of one metric against the load, one line for each length pair and percentile.
export function percentile_curves(look: Look, cells: readonly Cell[], load: LoadAxis,
                                  chart: PercentileChart): Option {
  const curves = lines(cells, load).flatMap((line, place) =>
    chart.stats.map((which): Curve => ({
      name: `${line.name} ${which.replace("_", ".")}`,
      place,
      stroke: strokes[which] ?? "solid",
      cells: line.cells,
      value: (cell) => stat(cell, chart.metric, which),
    })));
  return curves_option(look, load, curves, "ms", chart.log);
}

/// A rate of completed work against the load.
export function rate_curves(look: Look, cells: readonly Cell[], load: LoadAxis, unit: string,
                            value: (cell: Cell) => Maybe): Option {
  const curves = lines(cells, load).map((line, place): Curve =>
    ({ name: line.name, place, stroke: "solid", cells: line.cells, value }));
  return curves_option(look, load, curves, unit, false);
}

/// Output tokens a second for one user: 1000 ÷ the median TPOT in ms.
export function per_user_speed(cell: Cell): Maybe {
  const tpot = stat(cell, "tpot_ms", "p50");
  return tpot === null || tpot <= 0 ? null : 1000 / tpot;
}

function trade_off_tip(cell: Cell, color: string): HTMLElement {
  const output = cell.summary.output_token_throughput_per_s;
  const rows = [
    { color, name: t("throughput_output"), value: `${figure(output)} tok/s` },
    { name: t("per_user"), value: `${figure(per_user_speed(cell))} tok/s` },
    { name: "TPOT p50", value: `${figure(stat(cell, "tpot_ms", "p50"))} ms` },
  ];
  const verdict = cell.summary.verdict.valid === false ? ` · ${t("invalid")}` : "";
  return tip(cell.label + verdict, rows);
}

/// Throughput of the whole server against the speed that one user sees: up and to the right is
/// better, and each step along a line is a step of load.
export function trade_off(look: Look, cells: readonly Cell[], load: LoadAxis): Option {
  const groups = lines(cells, load);
  return {
    ...base(look),
    grid: { left: 8, right: 28, top: 28, bottom: 26, containLabel: true },
    xAxis: axis(look, `${t("per_user")} (tok/s)`, { min: 0 }),
    yAxis: upright(look, "tok/s", { min: 0 }),
    tooltip: {
      ...base(look).tooltip,
      trigger: "item",
      formatter: (item: unknown) => {
        const data = (item as { data: { cell: number }; color: string });
        const cell = cells.find((candidate) => candidate.index === data.data.cell);
        return cell ? trade_off_tip(cell, data.color) : "";
      },
    },
    series: groups.map((line, place): LineSeriesOption => {
      const color = series_color(look, place);
      const drawn = line.cells.filter((cell) => per_user_speed(cell) !== null
        && cell.summary.output_token_throughput_per_s !== null);
      return {
        type: "line", name: line.name, symbol: series_symbol(place), symbolSize: 8,
        lineStyle: { width: 1.6, color },
        itemStyle: { color, borderColor: color, borderWidth: 1.5 },
        emphasis: { disabled: true },
        label: { show: true, position: "right", color: look.muted, fontSize: 10,
                 formatter: (item) => (item.data as { load: string }).load },
        labelLayout: { hideOverlap: true },
        data: drawn.map((cell) => ({
          value: [per_user_speed(cell) ?? 0, cell.summary.output_token_throughput_per_s ?? 0],
          cell: cell.index,
          load: load.category(cell) ?? "",
          ...(cell.summary.verdict.valid === false
            ? { itemStyle: { color: look.panel, borderColor: color, borderWidth: 1.5 } } : {}),
        })),
      };
    }),
  } as Option;
}
