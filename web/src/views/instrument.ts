// How sure: what the instrument knows of its own errors while it measured this cell.
import type { Cell, Distribution, Maybe, Stat } from "../data.ts";
import { h } from "../dom.ts";
import { stat } from "../facts.ts";
import { count, duration_text, figure, gap, percent } from "../format.ts";
import { t, type Key } from "../i18n.ts";
import { table, type Column } from "../table.ts";

interface Lag {
  name: string;
  help: string;
  distribution: Distribution | null;
}

const shown: readonly Stat[] = ["p50", "p99", "max", "n"];

/// The panel of the open cell: lags and true errors as a table, the rest as facts.
export function instrument_panel(cell: Cell, certificate: string | null): HTMLElement {
  const { instrument, truth, token_source } = cell.summary;
  const facts: [string, string, string][] = [
    [t("stamps"), stamp_text(instrument.stamps), t("stamps_help")],
    [t("loop_busy"), percent(instrument.loop_busy_share), t("loop_busy_help")],
    [t("coalesced"), percent(instrument.coalesced_read_share), t("coalesced_help")],
    [t("multi_token"), percent(instrument.multi_token_chunk_share), t("multi_token_help")],
    [t("reconnects"), count(instrument.reconnects), ""],
    [t("in_flight_check"), little_text(cell), t("in_flight_help")],
    [t("token_source"), `${t("input")}: ${token_source.input ?? gap} · `
      + `${t("output")}: ${token_source.output ?? gap}`, t("token_source_help")],
    [t("calibration"), certificate ?? gap, t("calibration_help")],
  ];
  return h("div", { class: "instrument" },
    lag_table(cell),
    truth === null ? h("p", { class: "foot" }, t("no_truth")) : null,
    h("dl", { class: "facts with-help" }, ...facts.map(([name, value, help]) =>
      h("div", {}, h("dt", {}, name), h("dd", {}, value, help ? h("small", {}, help) : null)))));
}

function stamp_text(stamps: string | null): string {
  const name = stamps === "tap+socket" ? "tap_socket" : stamps ?? "";
  const known = ["socket", "tap", "tap_socket", "read", "mixed"].includes(name);
  return known ? t(`stamps_${name}` as Key) : stamps ?? gap;
}

function little_text(cell: Cell): string {
  const { concurrency_mean: mean, concurrency_little: little } = cell.summary;
  if (mean === null || little === null) return gap;
  const both = `${figure(mean)} / ${figure(little)}`;
  if (mean === 0) return both;
  return `${both} (${t("apart", { share: percent(Math.abs(little - mean) / mean) })})`;
}

// A lag means something only beside the figure it disturbs, hence its share of the median TTFT.
function lag_table(cell: Cell): HTMLElement {
  const { instrument, truth } = cell.summary;
  const rows: Lag[] = [
    { name: t("client_lag"), help: t("client_lag_help"), distribution: instrument.client_lag_ms },
    { name: t("send_lag"), help: t("send_lag_help"), distribution: instrument.send_lag_ms },
    ...(truth === null ? [] : [
      { name: t("truth_ttft"), help: t("truth_help"), distribution: truth.ttft_error_ms },
      { name: t("truth_gap"), help: t("truth_help"), distribution: truth.gap_error_ms },
    ]),
  ];
  const ttft = stat(cell, "ttft_ms", "p50");
  const share = (lag: Lag): Maybe => {
    const p99 = lag.distribution?.p99 ?? null;
    return p99 === null || ttft === null || ttft <= 0 ? null : Math.abs(p99) / ttft;
  };
  const column = (which: Stat): Column<Lag> => ({
    key: which, title: which, value: (lag) => lag.distribution?.[which] ?? null,
    show: (lag) => {
      const value = lag.distribution?.[which] ?? null;
      return which === "n" ? count(value) : duration_text(value);
    },
  });
  return table<Lag>({
    id: "instrument-table", caption: t("own_errors"), rows,
    columns: [
      { key: "name", title: t("quantity"), value: (lag) => lag.name,
        show: (lag) => h("span", {}, lag.name, h("small", { class: "help" }, lag.help)) },
      ...shown.map(column),
      { key: "share", title: t("share_of_ttft"), value: share, show: (lag) => percent(share(lag)) },
    ],
  });
}
