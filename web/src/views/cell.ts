// One cell in detail: its verdict, its percentiles, its charts.
import { boxes, distribution_curve, gap_histogram, is_tall } from "../charts/spread.ts";
import type { Charts } from "../charts/echarts.ts";
import type { Look } from "../charts/look.ts";
import { pairs, varies } from "../charts/numbers.ts";
import { start_scatter, time_line, time_line_px } from "../charts/timeline.ts";
import { length_map, prompt_scatter } from "../charts/tokens.ts";
import { metrics, stats, type Cell, type Distribution, type Metric, type Stat } from "../data.ts";
import { h } from "../dom.ts";
import { failed, failures } from "../facts.ts";
import { count, figure, gap, percent, span_s } from "../format.ts";
import { t, type Key } from "../i18n.ts";
import { table, type Column } from "../table.ts";
import { panel, verdict_mark, type Panel } from "./panel.ts";

export interface CellOptions {
  cells: readonly Cell[];
  open: number;
  look: Look;
  charts: Charts;
  on_open: (index: number) => void;
}

const abbreviations: Partial<Record<Metric, string>> = {
  ttft_ms: "TTFT", ttfo_ms: "TTFO", tpot_ms: "TPOT", itl_ms: "ITL", e2e_ms: "E2E",
};

/// The short name of a metric; the abbreviations are the same in every language.
const metric_name = (metric: Metric): string =>
  abbreviations[metric] ?? t(`metric_${metric}` as Key);

/// The choice of the cell: a list with a step back and forth.
export function cell_picker(options: CellOptions): HTMLElement | null {
  const { cells, open, on_open } = options;
  if (cells.length < 2) return null;
  const select = h("select", { id: "cell-select", "aria-label": t("cell"),
                               onchange: () => on_open(Number(select.value)) },
    ...cells.map((cell) => {
      const doubt = cell.summary.verdict.valid === false ? ` — ${t("invalid")}` : "";
      return h("option", { value: cell.index, selected: cell.index === open }, cell.label + doubt);
    }));
  const step = (id: string, by: number, sign: string, name: string) =>
    h("button", { type: "button", id, "aria-label": name, title: name,
                  disabled: cells[open + by] === undefined,
                  onclick: () => on_open(open + by) }, sign);
  return h("div", { class: "picker" },
    step("cell-back", -1, "‹", t("cell_before")), select,
    step("cell-next", 1, "›", t("cell_after")));
}

/// Verdict, counts and goodput of the open cell.
export function cell_summary(cell: Cell): HTMLElement {
  const { summary } = cell;
  const lost = failures(cell)
    .map(([kind, n]) => `${kind === "?" ? t("kind_missing") : kind}: ${count(n)}`);
  const nothing = failed(cell) === null ? gap : t("none");
  const facts: [string, string][] = [
    [t("requests"), t("counts", { planned: count(summary.planned), sent: count(summary.sent),
                                  completed: count(summary.completed) })],
    [t("failures"), lost.join(", ") || nothing],
    [t("duration"), span_s(summary.duration_s)],
    [t("throughput"), `${figure(summary.request_throughput_per_s)} req/s · `
      + `${figure(summary.output_token_throughput_per_s)} out tok/s · `
      + `${figure(summary.total_token_throughput_per_s)} tok/s`],
  ];
  if (summary.goodput !== null) facts.push([t("goodput"), goodput_text(cell)]);
  const reasons = summary.verdict.reasons;
  return h("div", { class: "cell-head" },
    h("p", { class: "cell-title" }, h("b", {}, cell.label), verdict_mark(summary.verdict.valid)),
    reasons.length === 0 ? null
      : h("ul", { class: "reasons" }, ...reasons.map((reason) => h("li", {}, reason))),
    summary.findings.length === 0 ? null
      : h("div", { class: "findings" }, h("b", {}, t("findings")),
          h("ul", {}, ...summary.findings.map((line) => h("li", {}, line)))),
    h("dl", { class: "facts" }, ...facts.map(([name, value]) =>
      h("div", {}, h("dt", {}, name), h("dd", {}, value)))));
}

function goodput_text(cell: Cell): string {
  const goodput = cell.summary.goodput;
  if (goodput === null) return "";
  const missed = Object.entries(goodput.failed_by).map(([slo, n]) => `${slo} ${count(n)}`);
  return `${figure(goodput.per_s)} req/s · ${percent(goodput.share)} (${goodput.slos.join(", ")})`
    + (missed.length > 0 ? ` · ${t("missed")}: ${missed.join(", ")}` : "");
}

interface Row {
  name: string;
  distribution: Distribution;
}

/// Every statistic of every distribution of the cell. A percentile whose rank is the largest sample
/// is marked: it says no more than the maximum does.
export function percentile_table(cell: Cell): HTMLElement {
  const rows = metrics.flatMap((metric): Row[] => {
    const distribution = cell.summary[metric];
    return distribution === null ? [] : [{ name: metric_title(metric), distribution }];
  });
  if (rows.length === 0) return h("p", { class: "quiet" }, t("nothing_completed"));
  const thin = rows.some((row) => row.distribution.rank_is_max.length > 0);
  const column = (which: Stat): Column<Row> => ({
    key: which,
    title: which === "mean" || which === "std" ? t(`stat_${which}`) : which.replace("_", "."),
    value: (row) => row.distribution[which],
    show: (row) => statistic(row.distribution, which),
  });
  return h("div", {},
    table<Row>({
      id: "percentile-table", caption: t("percentiles"), rows,
      columns: [{ key: "name", title: t("metric"), value: (row) => row.name },
                ...stats.map(column)],
    }),
    thin ? h("p", { class: "foot" }, t("rank_is_max")) : null);
}

/// The name of a metric with its unit.
export const metric_title = (metric: Metric) =>
  metric.endsWith("_ms") ? `${metric_name(metric)} (ms)` : metric_name(metric);

function statistic(distribution: Distribution, which: Stat) {
  const value = distribution[which];
  if (which === "n") return count(value);
  const thin = distribution.rank_is_max.some((name) => name.replace(".", "_") === which);
  return thin ? h("span", { class: "thin", title: t("rank_is_max") }, `${figure(value)}†`)
    : figure(value);
}

/// The charts of the open cell; `cells` are there for the boxes, which stand side by side.
export function cell_charts(options: CellOptions): HTMLElement | null {
  const { cells, open, charts } = options;
  const cell = cells[open];
  if (cell === undefined) return null;
  const narrow = [...spread_panels(options, cell), ...token_panels(options, cell)];
  const broad = [...box_panels(options), ...time_panels(options, cell)];
  // What was not recorded is named in one line: a page full of empty frames would hide the rest.
  const is_missing = (content: Panel) => content.option === null && content.empty === undefined;
  const missing = [...narrow, ...broad].filter(is_missing).map((content) => content.title);
  const grid = (look: string, panels: Panel[]) => h("div", { class: look },
    ...panels.filter((content) => !is_missing(content)).map((content) => panel(charts, content)));
  return h("div", {}, grid("panels", narrow), grid("panels two", broad),
    missing.length === 0 ? null
      : h("p", { class: "quiet missing" }, t("not_recorded", { names: missing.join(" · ") })));
}

// Charts of requests say when the run kept only some of them; percentiles stand on all.
function cap_text({ requests }: Cell): string {
  return requests.total > requests.rows && requests.rows > 0
    ? t("capped", { rows: count(requests.rows), total: count(requests.total) }) : "";
}

function spread_panels({ look }: CellOptions, cell: Cell): Panel[] {
  const curve = (metric: "ttft_ms" | "tpot_ms" | "e2e_ms"): Panel => {
    const values = cell.requests[metric];
    const n = values.filter((value) => value !== null).length;
    return {
      title: `${metric_name(metric)}: ${t("share_at_or_below")}`,
      note: n === 0 ? "" : cap_text(cell) || t("of_n_requests", { n: count(n) }),
      option: n === 0 ? null : distribution_curve(look, values, cell.summary[metric]),
    };
  };
  const bins = cell.itl_ms_histogram;
  return [
    curve("ttft_ms"), curve("tpot_ms"), curve("e2e_ms"),
    { title: t("itl_histogram"),
      note: bins === null ? "" : t(is_tall(bins) ? "log_axes" : "log_axis"),
      option: bins === null ? null : gap_histogram(look, bins, cell.summary.itl_ms) },
  ];
}

function token_panels({ look }: CellOptions, cell: Cell): Panel[] {
  const { input_tokens, output_tokens, ttft_ms } = cell.requests;
  const has_ttft = pairs(input_tokens, ttft_ms).length > 0;
  const has_lengths = pairs(input_tokens, output_tokens).length > 0;
  const one = (values: (number | null)[]) => count(values.find((value) => value !== null) ?? null);
  return [
    { title: t("ttft_by_input"), note: cap_text(cell),
      option: has_ttft && varies(input_tokens) ? prompt_scatter(look, cell.requests) : null,
      ...(has_ttft ? { empty: t("same_input", { n: one(input_tokens) }) } : {}) },
    { title: t("lengths_asked"), note: cap_text(cell),
      option: has_lengths && (varies(input_tokens) || varies(output_tokens))
        ? length_map(look, cell.requests) : null,
      ...(has_lengths ? { empty: t("same_lengths",
        { input: one(input_tokens), output: one(output_tokens) }) } : {}) },
  ];
}

function box_panels({ look, cells, open }: CellOptions): Panel[] {
  return (["ttft_ms", "e2e_ms"] as const).map((metric) => {
    const known = cells.some((cell) => cell.summary[metric] !== null);
    return { title: `${metric_name(metric)}: ${t("box_plot")}`, note: t("box_note"),
             height: cells.length > 4 ? 290 : 240,
             option: known ? boxes(look, cells, metric, open) : null };
  });
}

function time_panels({ look }: CellOptions, cell: Cell): Panel[] {
  const { series, requests } = cell;
  return [
    { title: t("ttft_over_time"), note: cap_text(cell), wide: true, height: 220,
      option: requests.start_s.some((start) => start !== null)
        ? start_scatter(look, requests) : null },
    { title: t("time_line"), wide: true, height: series === null ? 0 : time_line_px(look, series),
      option: series === null ? null : time_line(look, series) },
  ];
}
