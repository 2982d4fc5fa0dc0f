// Charts along the time of a run: how full the server was, what it gave, and what a request that
// started then had to wait.
import { observed, type Maybe, type Observed, type Requests, type Series } from "../data.ts";
import { figure, tick } from "../format.ts";
import { t } from "../i18n.ts";
import type { Option } from "./echarts.ts";
import { axis, base, faded, series_color, tip, upright, type Look } from "./look.ts";
import { pairs } from "./numbers.ts";

interface Lane {
  title: string;
  unit: string;
  values: Maybe[];
  color: string;
}

function lanes(look: Look, series: Series): Lane[] {
  const has = (values: Maybe[]) => values.some((value) => value !== null);
  const failing = series.errors_per_s.some((value) => (value ?? 0) > 0);
  const all: Lane[] = [
    { title: t("in_flight"), unit: t("requests_unit"), values: series.in_flight,
      color: series_color(look, 0) },
    { title: t("throughput_output"), unit: "tok/s", values: series.output_tokens_per_s,
      color: series_color(look, 2) },
    { title: t("throughput_requests"), unit: "req/s", values: series.requests_per_s,
      color: series_color(look, 3) },
    { title: t("errors"), unit: t("errors_per_s"), values: series.errors_per_s, color: look.bad },
  ];
  const units: Record<Observed, string> = {
    engine_running: t("requests_unit"), engine_waiting: t("requests_unit"), kv_usage: "%",
    device_utilization: "%", device_power: "W", host_cpu: "%",
  };
  observed.forEach((key, place) => {
    const values = series.observed[key];
    if (values === undefined) return;
    all.push({ title: t(`observed_${key}`), unit: units[key], values,
               color: series_color(look, 4 + place % 4) });
  });
  return all.filter((lane) =>
    has(lane.values) && (failing || lane.values !== series.errors_per_s));
}

function lane_series(series: Series, lane: Lane, place: number) {
  const data = series.t_s.map((t_s, row) => [t_s, lane.values[row] ?? null]);
  const shared = { name: lane.title, xAxisIndex: place, yAxisIndex: place, data,
                   itemStyle: { color: lane.color }, emphasis: { disabled: true } };
  return { ...shared, type: "line", showSymbol: false, step: "end",
           lineStyle: { width: 1.3, color: lane.color },
           areaStyle: { color: faded(lane.color, 0.12) } };
}

const lane_px = 78;
const between_px = 34;

/// The height that the time line of `series` wants, in CSS pixels.
export const time_line_px = (look: Look, series: Series): number =>
  lanes(look, series).length * (lane_px + between_px) + 30;

/// Requests in flight, throughput and errors over time, one lane each on a common clock.
export function time_line(look: Look, series: Series): Option {
  const drawn = lanes(look, series);
  const end = series.t_s[series.t_s.length - 1] ?? 0;
  const last = drawn.length - 1;
  return {
    ...base(look),
    grid: drawn.map((_, place) => (
      { left: 54, right: 16, top: 24 + place * (lane_px + between_px), height: lane_px })),
    axisPointer: { link: [{ xAxisIndex: "all" }] },
    xAxis: drawn.map((_, place) => axis(look, place === last ? t("axis_time") : "", {
      gridIndex: place, min: 0, max: end,
      axisLabel: { show: place === last, color: look.muted, fontSize: 11, hideOverlap: true,
                   showMaxLabel: false, formatter: (value: number) => tick(value) },
    })),
    yAxis: drawn.map((lane, place) => upright(look, `${lane.title} (${lane.unit})`, {
      gridIndex: place, min: 0, splitNumber: 2,
      nameTextStyle: { color: look.muted, fontSize: 11, align: "left", padding: [0, 0, 0, -44] },
    })),
    tooltip: {
      ...base(look).tooltip,
      trigger: "axis",
      formatter: (items: unknown) => {
        const row = (items as { dataIndex: number }[])[0]?.dataIndex ?? 0;
        return tip(`${figure(series.t_s[row] ?? 0)} s`, drawn.map((lane) => (
          { color: lane.color, name: lane.title,
            value: `${figure(lane.values[row] ?? null)} ${lane.unit}` })));
      },
    },
    series: drawn.map((lane, place) => lane_series(series, lane, place)),
  } as Option;
}

/// TTFT of each request against the time it was sent; requests that failed before a first token
/// stand as crosses on the ground line.
export function start_scatter(look: Look, requests: Requests): Option {
  const points = pairs(requests.start_s, requests.ttft_ms);
  const lost = requests.start_s.filter((start, row): start is number =>
    start !== null && (requests.outcome[row] ?? "ok") !== "ok" && requests.ttft_ms[row] === null);
  const color = series_color(look, 0);
  return {
    ...base(look),
    xAxis: axis(look, t("axis_start"), { min: 0 }),
    yAxis: upright(look, "ms", { min: 0 }),
    tooltip: {
      ...base(look).tooltip,
      trigger: "item",
      formatter: (item: unknown) => {
        const { value, seriesIndex } = item as { value: [number, number]; seriesIndex: number };
        return tip(`${figure(value[0])} s`, [seriesIndex === 1
          ? { color: look.bad, name: t("failed"), value: "" }
          : { color, name: "TTFT", value: `${figure(value[1])} ms` }]);
      },
    },
    series: [
      { type: "scatter", ...at_once, data: points, symbolSize: dot_px(points.length),
        itemStyle: { color, opacity: dot_opacity(points.length) }, emphasis: { disabled: true } },
      { type: "scatter", progressive: 0, data: lost.map((start) => [start, 0]), z: 3,
        symbol: "path://M0,0L10,10M10,0L0,10", symbolSize: 7,
        itemStyle: { color: look.bad, borderColor: look.bad, borderWidth: 1.5 },
        emphasis: { disabled: true } },
    ],
  } as Option;
}

/// Dots are drawn in one go. ECharts would draw thousands of them over many frames, and throws when
/// its chart is taken off the page in between. From 5,000 on they are one path, without tooltips.
export const at_once = { progressive: 0, large: true, largeThreshold: 5000 } as const;

/// Many dots are small and faint, so that their density can be seen.
export const dot_px = (dots: number): number => (dots > 3000 ? 2.5 : dots > 500 ? 3.5 : 5);
export const dot_opacity = (dots: number): number => (dots > 3000 ? 0.35 : dots > 500 ? 0.5 : 0.7);
