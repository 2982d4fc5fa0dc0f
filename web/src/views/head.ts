// The first screen: what was measured and when, whether it holds, and the figures to quote.
import type { Cell, Maybe, Report } from "../data.ts";
import { h, type Child } from "../dom.ts";
import { best_cell, error_rate, failed, standing, stat, subject, total } from "../facts.ts";
import { count, duration_ms, duration_text, figure, gap, instant, percent, span_s }
  from "../format.ts";
import { t, type Key } from "../i18n.ts";
import { verdict_mark } from "./panel.ts";

/// The title block: the model, and the facts of the run in one line each.
export function title_block(report: Report): HTMLElement {
  const { run, cells } = report;
  const about = subject(run);
  const known_status = ["finished", "interrupted", "running"].includes(run.status ?? "");
  const status = known_status ? t(`status_${run.status}` as Key) : run.status ?? t("not_said");
  const facts: [string, string | null][] = [
    [t("server"), about.engine],
    [t("address"), about.url],
    [t("hardware"), about.hardware],
    [t("started"), run.started_at === null ? null : instant(run.started_at)],
    [t("measured_for"), span_of(cells)],
    [t("status"), status],
    ["tacho", run.tacho_version],
  ];
  return h("div", { class: "title" },
    h("p", { class: "kicker" }, t("report_of")),
    h("h1", {}, about.model ?? t("model_not_named")),
    h("dl", { class: "facts" }, ...facts.filter(([, value]) => value !== null)
      .map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value)))));
}

function span_of(cells: readonly Cell[]): string | null {
  const seconds = total(cells, (cell) => cell.summary.duration_s);
  if (seconds === null) return null;
  const n = cells.length;
  return `${span_s(seconds)} · ${n === 1 ? t("one_cell") : t("n_cells", { n })}`;
}

/// Whether the figures hold, with the reasons in plain sight, then the run's own notes.
export function verdict_block(report: Report): HTMLElement {
  const { run, cells } = report;
  const { valid, invalid, unsaid, reasons } = standing(cells);
  const parts = [
    valid > 0 ? t("n_valid", { n: valid }) : "", unsaid > 0 ? t("n_unsaid", { n: unsaid }) : "",
  ].filter(Boolean).join(", ");
  const heading = invalid.length > 0
    ? [h("b", {}, t("n_invalid", { n: invalid.length, all: cells.length })),
       parts ? `  ${parts}` : ""]
    : [h("b", {}, unsaid === cells.length ? t("verdict_missing") : t("all_valid"))];
  const look = invalid.length > 0 ? "bad" : valid > 0 && unsaid === 0 ? "good" : "";
  return h("div", { class: "verdicts" },
    cells.length === 0 ? null : h("div", { class: `verdict ${look}`, role: "status" },
      h("p", {}, ...heading),
      reasons.length === 0 ? null : h("ul", {}, ...reasons.map(([reason, labels]) =>
        h("li", {}, reason === "?" ? t("reason_missing") : reason,
          h("span", { class: "where" }, ` ${labels.join(", ")}`))))),
    run.status === "interrupted" ? banner(t("was_interrupted")) : null,
    run.status === "running" ? banner(t("is_running")) : null,
    ...run.notes.map((note) => banner(note)));
}

const banner = (text: string) => h("p", { class: "banner" }, text);

interface Tile {
  name: string;
  figure: string;
  unit: string;
  below: string;
  doubtful: boolean;
}

/// The figures to quote: of the one cell, or the best over all of them.
export function tiles(cells: readonly Cell[]): HTMLElement | null {
  const first = cells[0];
  if (first === undefined) return null;
  const content = cells.length === 1 ? tiles_of_one(first) : tiles_of_many(cells);
  return h("div", { class: "tiles" }, ...content.map((tile) =>
    h("div", { class: "tile" },
      h("p", { class: "name" }, tile.name),
      h("p", { class: "figure" }, tile.figure,
        tile.unit && tile.figure !== gap ? h("small", {}, ` ${tile.unit}`) : null),
      h("p", { class: "below" }, tile.doubtful ? verdict_mark(false) : null, tile.below))));
}

function time_tile(cell: Cell, metric: "ttft_ms" | "tpot_ms" | "e2e_ms", name: string): Tile {
  const median = duration_ms(stat(cell, metric, "p50"));
  return { name: `${name} p50`, ...median, doubtful: false,
           below: `p99 ${duration_text(stat(cell, metric, "p99"))}` };
}

function tiles_of_one(cell: Cell): Tile[] {
  const { summary } = cell;
  const plain = { doubtful: false };
  const all: Tile[] = [
    time_tile(cell, "ttft_ms", "TTFT"),
    time_tile(cell, "tpot_ms", "TPOT"),
    time_tile(cell, "e2e_ms", "E2E"),
    { ...plain, name: t("throughput_output"), figure: figure(summary.output_token_throughput_per_s),
      unit: "tok/s",
      below: `${t("with_input")} ${figure(summary.total_token_throughput_per_s)} tok/s` },
    { ...plain, name: t("throughput_requests"), figure: figure(summary.request_throughput_per_s),
      unit: "req/s", below: `${t("mean_in_flight")} ${figure(summary.concurrency_mean)}` },
    requests_tile([cell]),
  ];
  if (summary.goodput !== null) {
    all.splice(5, 0, { ...plain, name: t("goodput"), figure: figure(summary.goodput.per_s),
                       unit: "req/s", below: `${percent(summary.goodput.share)} ${t("of_due")}` });
  }
  const doubtful = summary.verdict.valid === false;
  return all.map((tile) => ({ ...tile, doubtful }));
}

function tiles_of_many(cells: readonly Cell[]): Tile[] {
  const output = (cell: Cell) => cell.summary.output_token_throughput_per_s;
  const requests = (cell: Cell) => cell.summary.request_throughput_per_s;
  const lowest = (metric: "ttft_ms" | "tpot_ms" | "e2e_ms", name: string): Tile => {
    const cell = best_cell(cells, (candidate) => stat(candidate, metric, "p50"), "lowest");
    const median = duration_ms(cell === null ? null : stat(cell, metric, "p50"));
    const p99 = cell === null ? "" : `p99 ${duration_text(stat(cell, metric, "p99"))} · `;
    return { name: t("lowest", { name: `${name} p50` }), ...median, below: p99 + where(cell),
             doubtful: is_doubtful(cell) };
  };
  return [
    peak(t("highest_output"), "tok/s", best_cell(cells, output, "highest"), output),
    peak(t("highest_requests"), "req/s", best_cell(cells, requests, "highest"), requests),
    lowest("ttft_ms", "TTFT"), lowest("tpot_ms", "TPOT"), lowest("e2e_ms", "E2E"),
    requests_tile(cells),
  ];
}

function peak(name: string, unit: string, cell: Cell | null, value: (cell: Cell) => Maybe): Tile {
  const rate = cell === null ? null : error_rate(cell);
  const errors = rate === null || rate === 0 ? ""
    : ` · ${t("share_failed", { share: percent(rate) })}`;
  return { name, unit, figure: figure(cell === null ? null : value(cell)),
           below: where(cell) + errors, doubtful: is_doubtful(cell) };
}

const where = (cell: Cell | null) => cell?.label ?? "";
const is_doubtful = (cell: Cell | null) => cell?.summary.verdict.valid === false;

function requests_tile(cells: readonly Cell[]): Tile {
  const planned = total(cells, (cell) => cell.summary.planned);
  const lost = total(cells, failed);
  const completed = total(cells, (cell) => cell.summary.completed);
  const all = (completed ?? 0) + (lost ?? 0);
  const below = lost === null ? "" : lost === 0 ? t("none_failed")
    : `${count(lost)} ${t("failed")} (${percent(lost / all)})`;
  return { name: t("completed_requests"), figure: count(completed),
           unit: planned === null ? "" : `/ ${count(planned)}`, below, doubtful: false };
}

/// The bar at the top: the places on the page, the language and the theme.
export function bar(places: readonly [id: string, title: string][], tools: Child[]): Child[] {
  return [
    h("span", { class: "brand" }, "tacho"),
    h("nav", { "aria-label": t("contents") }, ...places.map(([id, title]) =>
      h("a", { href: `#${id}` }, title))),
    h("div", { class: "switches" }, ...tools),
  ];
}
