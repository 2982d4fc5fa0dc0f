// The charts over all cells, with one legend for all of them and the choice of percentiles.
import type { Charts } from "../charts/echarts.ts";
import { per_user_speed, percentile_curves, rate_curves, strokes, trade_off }
  from "../charts/load.ts";
import { series_color, series_symbol, type Look } from "../charts/look.ts";
import { lines, load_axis, type LoadAxis } from "../charts/numbers.ts";
import type { Cell, Metric, Stat } from "../data.ts";
import { h } from "../dom.ts";
import { t } from "../i18n.ts";
import { panel } from "./panel.ts";

/// The statistics that the load charts can show.
export const curve_stats: readonly Stat[] = ["mean", "p50", "p90", "p95", "p99"];

export interface CurveChoice {
  stats: readonly Stat[];
  log: boolean;
}

export interface CurvesOptions {
  cells: readonly Cell[];
  look: Look;
  charts: Charts;
  choice: CurveChoice;
  on_choice: (choice: CurveChoice) => void;
}

const charted: [metric: Metric, name: string][] =
  [["ttft_ms", "TTFT"], ["tpot_ms", "TPOT"], ["e2e_ms", "E2E"]];

/// One group of charts for each kind of load; a sentence when there is nothing to compare.
export function load_curves(options: CurvesOptions): HTMLElement[] {
  const groups = (["static", "dynamic"] as const).flatMap((kind) => {
    const cells = options.cells.filter((cell) => cell.kind === kind);
    const axis = load_axis(cells);
    return axis === null ? [] : [curve_group(options, cells, axis)];
  });
  if (groups.length === 0) return [h("p", { class: "quiet" }, t("no_curves"))];
  return [choice_bar(options), ...groups];
}

function curve_group(options: CurvesOptions, cells: Cell[], axis: LoadAxis): HTMLElement {
  const { look, charts, choice } = options;
  const against = t(axis.by === "rate" ? "against_rate"
    : axis.by === "length" ? "against_length" : "against_concurrency");
  const times = charted
    .filter(([metric]) => cells.some((cell) => cell.summary[metric] !== null))
    .map(([metric, name]) => panel(charts, {
      title: `${name} ${against}`,
      option: percentile_curves(look, cells, axis, { metric, ...choice }),
    }));
  const kind = t(cells[0]?.kind === "dynamic" ? "kind_dynamic" : "kind_static");
  return h("div", { class: "group" },
    h("h3", {}, kind),
    legend(look, cells, axis, choice.stats),
    h("div", { class: "panels" }, ...times,
      panel(charts, {
        title: `${t("throughput_output")} ${against}`,
        option: rate_curves(look, cells, axis, "tok/s",
          (cell) => cell.summary.output_token_throughput_per_s),
      }),
      panel(charts, {
        title: `${t("throughput_requests")} ${against}`,
        option: rate_curves(look, cells, axis, "req/s",
          (cell) => cell.summary.request_throughput_per_s),
      }),
      cells.every((cell) => per_user_speed(cell) === null) ? null
        : panel(charts, { title: t("trade_off"), note: t("trade_off_note"),
                          option: trade_off(look, cells, axis) })));
}

// Charts of one group share their lines, so one legend serves them all: colour and symbol for the
// lengths, the stroke for the percentile, hollow for a cell that is not valid.
function legend(look: Look, cells: Cell[], axis: LoadAxis, stats: readonly Stat[]): HTMLElement {
  const has_invalid = cells.some((cell) => cell.summary.verdict.valid === false);
  return h("ul", { class: "legend" },
    ...lines(cells, axis).map((line, place) => {
      const name = axis.by === "length" ? t("all_lengths") : line.name;
      return h("li", {}, key_mark(series_color(look, place), series_symbol(place)), name);
    }),
    ...curve_stats.filter((which) => stats.includes(which))
      .map((which) => h("li", {}, stroke_mark(look.text, strokes[which] ?? "solid"), which)),
    has_invalid ? h("li", {}, key_mark(look.muted, "circle", true), t("hollow_invalid")) : null);
}

function svg(shape: string, attributes: Record<string, string>): SVGElement {
  const space = "http://www.w3.org/2000/svg";
  const picture = document.createElementNS(space, "svg");
  picture.setAttribute("viewBox", "0 0 24 12");
  picture.setAttribute("aria-hidden", "true");
  const drawn = document.createElementNS(space, shape);
  for (const [name, value] of Object.entries(attributes)) drawn.setAttribute(name, value);
  picture.appendChild(drawn);
  return picture;
}

const shapes = {
  circle: "M12 2a4 4 0 1 1 0 8a4 4 0 1 1 0-8z",
  rect: "M8 2h8v8h-8z",
  triangle: "M12 1.5l5 9h-10z",
  diamond: "M12 .5l4.5 5.5l-4.5 5.5l-4.5-5.5z",
};

/// The mark of a series in a legend.
export const key_mark = (color: string, symbol: keyof typeof shapes, hollow = false) =>
  svg("path", { d: shapes[symbol], fill: hollow ? "none" : color, stroke: color,
                "stroke-width": "1.5" });

const stroke_mark = (color: string, stroke: number[] | "solid") =>
  svg("path", { d: "M0 6h24", stroke: color, "stroke-width": "1.6",
                ...(stroke === "solid" ? {} : { "stroke-dasharray": stroke.join(" ") }) });

function choice_bar(options: CurvesOptions): HTMLElement {
  const { choice, on_choice } = options;
  const toggled = (which: Stat) => {
    const next = curve_stats.filter((candidate) =>
      choice.stats.includes(candidate) !== (candidate === which));
    // The last one stays on: charts without a line would look broken.
    return { ...choice, stats: next.length === 0 ? choice.stats : next };
  };
  const button = (id: string, label: string, on: boolean, next: CurveChoice) =>
    h("button", { type: "button", id, class: "chip", "aria-pressed": String(on),
                  onclick: () => on_choice(next) }, label);
  return h("div", { class: "choices", role: "group", "aria-label": t("lines_shown") },
    h("span", {}, t("lines_shown")),
    ...curve_stats.map((which) =>
      button(`show-${which}`, which, choice.stats.includes(which), toggled(which))),
    button("show-log", t("log_scale"), choice.log, { ...choice, log: !choice.log }));
}
