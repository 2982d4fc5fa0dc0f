// Charts over the lengths of requests: what a longer prompt costs, and which lengths were asked.
import type { Requests } from "../data.ts";
import { count, figure } from "../format.ts";
import { t } from "../i18n.ts";
import type { Option } from "./echarts.ts";
import { axis, base, mixed, series_color, tip, upright, type Look } from "./look.ts";
import { heat_map, pairs } from "./numbers.ts";
import { at_once, dot_opacity, dot_px } from "./timeline.ts";

/// TTFT against the number of input tokens.
export function prompt_scatter(look: Look, requests: Requests): Option {
  const points = pairs(requests.input_tokens, requests.ttft_ms);
  const color = series_color(look, 0);
  return {
    ...base(look),
    xAxis: axis(look, t("input_tokens"), { scale: true }),
    yAxis: upright(look, "ms", { min: 0 }),
    tooltip: {
      ...base(look).tooltip,
      trigger: "item",
      formatter: (item: unknown) => {
        const [tokens, ttft] = (item as { value: [number, number] }).value;
        return tip(`${count(tokens)} ${t("input_tokens")}`,
          [{ color, name: "TTFT", value: `${figure(ttft)} ms` }]);
      },
    },
    series: [{ type: "scatter", ...at_once, data: points, symbolSize: dot_px(points.length),
               itemStyle: { color, opacity: dot_opacity(points.length) },
               emphasis: { disabled: true } }],
  } as Option;
}

/// How many requests had which input and output length.
export function length_map(look: Look, requests: Requests): Option {
  const map = heat_map(pairs(requests.input_tokens, requests.output_tokens));
  const color = series_color(look, 0);
  return {
    ...base(look),
    grid: { left: 8, right: 72, top: 28, bottom: 26, containLabel: true },
    xAxis: axis(look, t("input_tokens"), { type: "category", data: map.x_labels }),
    yAxis: upright(look, t("output_tokens"), { type: "category", data: map.y_labels }),
    visualMap: {
      min: 0, max: map.most, calculable: false, orient: "vertical", right: 0, top: "middle",
      itemWidth: 10, itemHeight: 110, text: [count(map.most), "0"],
      textStyle: { color: look.muted, fontSize: 11 },
      inRange: { color: [mixed(look.panel, color, 0.12), color] },
    },
    tooltip: {
      ...base(look).tooltip,
      trigger: "item",
      formatter: (item: unknown) => {
        const [x, y, amount] = (item as { value: [number, number, number] }).value;
        return tip(`${map.x_labels[x]} → ${map.y_labels[y]}`,
          [{ name: t("requests"), value: count(amount) }]);
      },
    },
    series: [{ type: "heatmap", progressive: 0, data: map.bins,
               itemStyle: { borderWidth: 1, borderColor: look.panel },
               emphasis: { disabled: true } }],
  } as Option;
}
