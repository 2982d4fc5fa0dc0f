// The table of all cells, and the failures of all cells by kind.
import type { Cell, Maybe, Metric, Stat } from "../data.ts";
import { h, save_file } from "../dom.ts";
import { error_rate, failed, failures, stat } from "../facts.ts";
import { count, percent_figure } from "../format.ts";
import { t } from "../i18n.ts";
import { overview_csv } from "../overview_csv.ts";
import { table, type Column, type Sort } from "../table.ts";
import { verdict_mark } from "./panel.ts";

export interface OverviewOptions {
  cells: readonly Cell[];
  sort: Sort | null;
  on_sort: (sort: Sort | null) => void;
  on_open: (index: number) => void;
}

const load_value = (cell: Cell): Maybe => {
  if (cell.kind === "static") return cell.concurrency;
  return cell.request_rate === "inf" ? Number.MAX_VALUE : cell.request_rate;
};

function load_text(cell: Cell): string {
  if (cell.kind === "static") return cell.concurrency === null ? "–" : `c = ${cell.concurrency}`;
  if (cell.request_rate === null) return "–";
  return cell.request_rate === "inf" ? "inf" : `${cell.request_rate} req/s`;
}

const percentile = (group: string, metric: Metric, which: Stat): Column<Cell> => ({
  key: `${metric}-${which}`, group: `${group} (ms)`, title: which,
  value: (cell) => stat(cell, metric, which),
});

function columns(on_open: (index: number) => void): Column<Cell>[] {
  const link = (cell: Cell) => h("a", {
    href: `#cell=${cell.index}`,
    onclick: (event) => {
      event.preventDefault();
      on_open(cell.index);
    },
  }, cell.label);
  // The verdict is the last column and may be out of sight; the first one never is.
  const doubt = (cell: Cell) => cell.summary.verdict.valid === false
    ? h("span", { class: "mark bad", title: t("invalid"), "aria-hidden": "true" }, "!") : null;
  const open = (cell: Cell) => h("span", {}, link(cell), " ", doubt(cell));
  return [
    { key: "label", title: t("cell"), value: (cell) => cell.label, show: open },
    { key: "load", title: t("load"), help: t("load_help"), value: load_value, show: load_text },
    percentile("TTFT", "ttft_ms", "p50"), percentile("TTFT", "ttft_ms", "p99"),
    percentile("TPOT", "tpot_ms", "p50"), percentile("TPOT", "tpot_ms", "p99"),
    percentile("E2E", "e2e_ms", "p50"), percentile("E2E", "e2e_ms", "p99"),
    { key: "requests_per_s", group: t("throughput"), title: "req/s",
      value: (cell) => cell.summary.request_throughput_per_s },
    { key: "output_per_s", group: t("throughput"), title: "out tok/s",
      value: (cell) => cell.summary.output_token_throughput_per_s },
    { key: "errors", group: t("failures"), title: t("failed"), value: failed,
      show: (cell) => (failed(cell) ? h("span", { class: "lost" }, count(failed(cell)))
        : count(failed(cell))) },
    { key: "error_rate", group: t("failures"), title: "%", value: error_rate,
      show: (cell) => percent_figure(error_rate(cell)) },
    { key: "verdict", group: " ", title: t("verdict"),
      value: (cell) => verdict_value(cell),
      show: (cell) => {
        const mark = verdict_mark(cell.summary.verdict.valid);
        mark.title = cell.summary.verdict.reasons.join("\n");
        return mark;
      } },
  ];
}

function verdict_value(cell: Cell): string {
  const { valid, reasons } = cell.summary.verdict;
  if (valid === null) return "";
  return valid ? "valid" : ["invalid", ...reasons].join(": ");
}

/// The overview: one line a cell, sortable, with the way to the cell's own part of the page.
export function overview_table(options: OverviewOptions): HTMLElement {
  const { cells, sort, on_sort } = options;
  const download = h("button", { type: "button", class: "small", id: "download-csv",
    onclick: () => save_file("tacho-overview.csv", "text/csv;charset=utf-8", overview_csv(cells)),
  }, t("download_csv"));
  return table({
    id: "overview-table", caption: t("all_cells"), columns: columns(options.on_open), rows: cells,
    sort, ...(cells.length > 1 ? { on_sort } : {}), tools: [download],
  });
}

/// Failures of every cell by kind; a sentence when there are none.
export function failure_table(cells: readonly Cell[]): HTMLElement {
  const hit = cells.filter((cell) => (failed(cell) ?? 0) > 0);
  if (hit.length === 0) {
    const known = cells.some((cell) => failed(cell) !== null);
    return h("p", { class: "quiet" }, t(known ? "no_failures" : "endings_missing"));
  }
  const totals = new Map<string, number>();
  for (const cell of hit) {
    for (const [kind, amount] of failures(cell)) totals.set(kind, (totals.get(kind) ?? 0) + amount);
  }
  const kinds = [...totals].sort((left, right) => right[1] - left[1]).map(([kind]) => kind);
  const amount = (cell: Cell, kind: string) =>
    failures(cell).find(([candidate]) => candidate === kind)?.[1] ?? 0;
  return table<Cell>({
    id: "failure-table", caption: t("failures_by_kind"), rows: hit,
    columns: [
      { key: "label", title: t("cell"), value: (cell) => cell.label },
      { key: "sent", title: t("sent"), value: (cell) => cell.summary.sent },
      { key: "completed", title: t("completed"), value: (cell) => cell.summary.completed },
      ...kinds.map((kind): Column<Cell> => ({
        key: kind, title: kind === "?" ? t("kind_missing") : kind,
        value: (cell) => amount(cell, kind) })),
      { key: "share", title: t("share"), unit: "%",
        value: error_rate, show: (cell) => percent_figure(error_rate(cell)) },
    ],
  });
}
