// What choices cost against a time: one colour and symbol for each GPU, and a line along those that
// nothing beats in both.
import type { Maybe } from "../data.ts";
import { figure } from "../format.ts";
import { t } from "../i18n.ts";
import type { Choice } from "../plan_data.ts";
import type { Option } from "./echarts.ts";
import { axis, base, log_fields, series_color, series_symbol, tip, upright, type Look }
  from "./look.ts";

/// The GPUs of some choices, in the order in which they come: what colours stand for.
export const gpus_of = (choices: readonly Choice[]): string[] =>
  [...new Set(choices.map((choice) => choice.gpu))];

export interface ParetoChart {
  /// Those that hold, the best of each kind.
  choices: readonly Choice[];
  gpus: readonly string[];
  unit: string;
  value: (choice: Choice) => Maybe;
}

/// The choices that nothing beats in cost and in this value, by cost.
export function front_of(choices: readonly Choice[], value: ParetoChart["value"]): Choice[] {
  const known = choices.filter((choice) => choice.usd_per_hour !== null && value(choice) !== null)
    .sort((a, b) => (a.usd_per_hour ?? 0) - (b.usd_per_hour ?? 0)
      || (value(a) ?? 0) - (value(b) ?? 0));
  let best = Infinity;
  return known.filter((choice) => {
    const is_better = (value(choice) ?? Infinity) < best;
    if (is_better) best = value(choice) ?? best;
    return is_better;
  });
}

const point = (chart: ParetoChart) => (choice: Choice) =>
  ({ value: [choice.usd_per_hour ?? 0, chart.value(choice) ?? 0], name: choice.name });

export function pareto(look: Look, chart: ParetoChart): Option {
  const drawn = chart.choices.filter((choice) => choice.usd_per_hour !== null
    && (chart.value(choice) ?? 0) > 0);
  const costs = drawn.map((choice) => choice.usd_per_hour ?? 0);
  const values = drawn.map((choice) => chart.value(choice) ?? 0);
  const colors = new Map(chart.gpus.map((gpu, place) => [gpu, series_color(look, place)]));
  return {
    ...base(look),
    xAxis: axis(look, "$/h", log_fields(look, Math.min(...costs), Math.max(...costs))),
    yAxis: upright(look, chart.unit, log_fields(look, Math.min(...values), Math.max(...values))),
    tooltip: {
      ...base(look).tooltip,
      trigger: "item",
      formatter: (item: unknown) => {
        const name = (item as { name: string }).name;
        const choice = drawn.find((candidate) => candidate.name === name);
        return choice === undefined ? "" : tip(choice.name, [
          { color: colors.get(choice.gpu) ?? look.text, name: "$/h",
            value: figure(choice.usd_per_hour) },
          { name: "TTFT p50 / p99", value: both(choice.ttft_ms, "ms") },
          { name: "TPOT p50 / p99", value: both(choice.tpot_ms, "ms") },
          { name: "E2E p50 / p99", value: both(choice.e2e_ms, "ms") },
          { name: t("plan_binds"), value: choice.binds || "–" },
        ]);
      },
    },
    series: [
      { type: "line", step: "end", showSymbol: false, silent: true, z: 1,
        lineStyle: { color: look.muted, width: 1, type: [4, 3] },
        data: front_of(drawn, chart.value).map((choice) =>
          [choice.usd_per_hour ?? 0, chart.value(choice) ?? 0]) },
      ...chart.gpus.map((gpu, place) => ({
        type: "scatter" as const, name: gpu, symbol: series_symbol(place), symbolSize: 9,
        itemStyle: { color: colors.get(gpu) ?? look.text },
        data: drawn.filter((choice) => choice.gpu === gpu).map(point(chart)),
      })),
    ],
  } as Option;
}

const both = (times: Choice["ttft_ms"], unit: string) =>
  `${figure(times.p50)} / ${figure(times.p99)} ${unit}`;
