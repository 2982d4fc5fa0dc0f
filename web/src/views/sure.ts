// How sure the figures of a cell are, and of which part of its time its throughputs speak.
import { metrics, type Cell, type Distribution, type Maybe, type Window } from "../data.ts";
import { h } from "../dom.ts";
import { count, figure, gap, span_s } from "../format.ts";
import { t } from "../i18n.ts";
import { table, type Column } from "../table.ts";
import { metric_title } from "./cell.ts";

const judged = ["mean", "p50", "p90", "p95", "p99"] as const;
type Judged = (typeof judged)[number];

interface Row {
  name: string;
  distribution: Distribution;
}

/// The 95 % intervals of each time of the cell; a dash with the number of requests that are missing
/// where too few of them are independent. Null for a run that says nothing of intervals.
export function interval_table(cell: Cell): HTMLElement | null {
  const rows = metrics.flatMap((metric): Row[] => {
    const distribution = cell.summary[metric];
    return distribution === null || distribution.ci95 === null || !metric.endsWith("_ms") ? []
      : [{ name: metric_title(metric), distribution }];
  });
  if (rows.length === 0) return null;
  const column = (which: Judged): Column<Row> => ({
    key: which, title: which === "mean" ? t("stat_mean") : which,
    value: (row) => row.distribution[which], show: (row) => interval(row.distribution, which),
  });
  const worth = (row: Row): Maybe => rounded(row.distribution.n_effective["p50"]);
  return h("div", {},
    table<Row>({
      id: "interval-table", caption: t("intervals"), rows,
      columns: [{ key: "name", title: t("metric"), value: (row) => row.name },
                ...judged.map(column),
                { key: "n", title: "n", value: (row) => row.distribution.n,
                  show: (row) => count(row.distribution.n) },
                { key: "worth", title: t("worth"), value: worth,
                  show: (row) => count(worth(row)) }],
    }),
    h("p", { class: "foot" }, t("intervals_help")));
}

function interval({ ci95, needs_more }: Distribution, which: Judged) {
  const bounds = ci95?.[which] ?? null;
  if (bounds !== null) return `${figure(bounds[0])} – ${figure(bounds[1])}`;
  const missing = needs_more[which];
  return missing === undefined ? gap
    : h("span", { class: "thin" }, t("more_requests", { n: count(missing) }));
}

const rounded = (value: number | undefined): Maybe =>
  value === undefined ? null : Math.round(value);

interface NamedWindow {
  name: string;
  window: Window;
}

/// The throughputs of the steady state, the whole run and the drain, each named.
export function window_table(cell: Cell): HTMLElement | null {
  const rows = (["steady_state", "whole_run", "drain"] as const).flatMap((key): NamedWindow[] => {
    const window = cell.summary.windows[key];
    return window === null ? [] : [{ name: t(`window_${key}`), window }];
  });
  if (rows.length < 2) return null;  // The whole run alone is said above.
  const column = (key: Exclude<keyof Window, "duration_s" | "from_s">, title: string) => ({
    key, title, value: (row: NamedWindow) => row.window[key],
    show: (row: NamedWindow) => figure(row.window[key]),
  });
  return table<NamedWindow>({
    id: "window-table", caption: t("windows"), rows,
    columns: [
      { key: "name", title: t("window"), value: (row) => row.name },
      { key: "from", title: t("window_from"), value: (row) => row.window.from_s,
        show: (row) => span_s(row.window.from_s) },
      { key: "duration", title: t("duration"), value: (row) => row.window.duration_s,
        show: (row) => span_s(row.window.duration_s) },
      column("request_throughput_per_s", "req/s"),
      column("output_token_throughput_per_s", "out tok/s"),
      column("input_token_throughput_per_s", "in tok/s"),
      column("total_token_throughput_per_s", "tok/s"),
    ],
  });
}
