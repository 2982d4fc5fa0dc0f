// The parts of a plan's page: the question, the choices as charts and as a table, what would change
// them, how far the model may be off, and the commands that check it.
import type { Charts } from "../charts/echarts.ts";
import { series_color, series_symbol, type Look } from "../charts/look.ts";
import { gpus_of, pareto } from "../charts/pareto.ts";
import type { Maybe } from "../data.ts";
import { copy_button, h, type Child } from "../dom.ts";
import { figure, gap } from "../format.ts";
import { t } from "../i18n.ts";
import type { Choice, Plan } from "../plan_data.ts";
import { table, type Column, type Sort } from "../table.ts";
import { key_mark } from "./curves.ts";
import { panel, section } from "./panel.ts";

/// The choices that the page shows: of each kind the best that holds.
export const shown = (plan: Plan): Choice[] =>
  plan.choices.filter((choice) => choice.state === "holds" && choice.is_best);

const name_of = (choice: Choice) => choice.name + (choice.verified ? "" : " ?");

export function plan_title(plan: Plan): HTMLElement {
  const first = shown(plan)[0];
  const facts: [string, string][] = [
    [t("plan_load"), plan.load], [t("plan_bounds"), plan.bounds.join(", ")],
    [t("plan_tried"), String(plan.choices.length)],
    [t("plan_seconds"), plan.seconds === null ? gap : `${figure(plan.seconds)} s`],
  ];
  return h("div", { class: "title" },
    h("p", { class: "kicker" }, t("plan_of")),
    h("h1", {}, `${plan.model} · ${plan.engine}`),
    h("dl", { class: "facts" }, ...facts.map(([name, value]) =>
      h("div", {}, h("dt", {}, name), h("dd", {}, value)))),
    h("div", { class: "verdicts" }, h("div", { class: `verdict ${first ? "" : "bad"}` },
      first === undefined ? h("p", {}, h("b", {}, t("plan_none")))
        : h("p", {}, h("b", {}, name_of(first)), `  $${first.usd_per_hour?.toFixed(2)}/h  `,
            verdict(first)),
      plan.next_cheaper === "" ? null
        : h("p", {}, `${t("plan_next_cheaper")} ${plan.next_cheaper}`))));
}

function verdict(choice: Choice): string {
  if (choice.is_sure === null) return "";
  if (choice.is_sure) return t("plan_sure");
  return choice.replicas_if_slower === 0 ? t("plan_edge_fails")
    : t("plan_edge", { n: choice.replicas_if_slower ?? "?" });
}

export function plan_charts(plan: Plan, look: Look, charts: Charts): HTMLElement | null {
  const choices = shown(plan);
  if (choices.length < 2) return null;
  const gpus = gpus_of(choices);
  const one = (title: string, unit: string, value: (choice: Choice) => Maybe, wide: boolean) =>
    panel(charts, { title, wide, height: wide ? 360 : 260,
                    option: pareto(look, { choices, gpus, unit, value }) });
  const seconds = (choice: Choice) =>
    choice.e2e_ms.p50 === null ? null : choice.e2e_ms.p50 / 1000;
  charts.clear();
  return section("plan-charts", t("plan_cost_and_time"),
    h("ul", { class: "legend" }, ...gpus.map((gpu, place) =>
      h("li", {}, key_mark(series_color(look, place), series_symbol(place)), gpu))),
    h("p", { class: "foot" }, t("plan_front")),
    one("E2E p50 · $/h", "s", seconds, true),
    h("div", { class: "panels two" },
      one("TTFT p99 · $/h", "ms", (choice) => choice.ttft_ms.p99, false),
      one("TPOT p99 · $/h", "ms", (choice) => choice.tpot_ms.p99, false)));
}

const times_columns = (group: string, of: (choice: Choice) => Choice["ttft_ms"],
                       unit: string, factor = 1): Column<Choice>[] =>
  (["mean", "p50", "p90", "p99"] as const).map((which) => ({
    key: `${group}-${which}`, group, title: which, unit,
    value: (choice) => {
      const value = of(choice)[which];
      return value === null ? null : value * factor;
    },
  }));

const share = (key: string, title: string, value: (choice: Choice) => Maybe): Column<Choice> =>
  ({ key, title, unit: "%", value: (choice) => {
      const part = value(choice);
      return part === null ? null : Math.round(part * 1000) / 10;
    } });

export function plan_table(plan: Plan, sort: Sort | null,
                           on_sort: (sort: Sort | null) => void): HTMLElement {
  const columns: Column<Choice>[] = [
    { key: "name", title: t("plan_choice"), value: name_of },
    { key: "cost", title: "$/h", value: (choice) => choice.usd_per_hour },
    { key: "million", title: "$/M", help: t("plan_million"),
      value: (choice) => choice.usd_per_million },
    { key: "batch", title: t("plan_batch"), value: (choice) => choice.batch },
    ...times_columns("TTFT", (choice) => choice.ttft_ms, "ms"),
    ...times_columns("TPOT", (choice) => choice.tpot_ms, "ms"),
    ...times_columns("E2E", (choice) => choice.e2e_ms, "s", 1e-3),
    share("good", t("goodput"), (choice) => choice.goodput_share),
    { key: "capacity", title: t("plan_capacity"), unit: "req/s", value: (c) => c.capacity },
    { key: "weights", title: t("plan_weights"), unit: "GB", value: (c) => c.weights_gb },
    share("cache", t("plan_cache"), (choice) => choice.cache_peak),
    share("mfu", "MFU", (choice) => choice.mfu),
    share("mbu", "MBU", (choice) => choice.mbu),
    { key: "binds", title: t("plan_binds"), value: (choice) => choice.binds || null },
    { key: "sure", title: t("plan_if_wrong"), value: (choice) => verdict(choice) || null },
  ];
  return section("plan-choices", t("plan_choices"),
    table({ id: "plan-table", caption: t("plan_best"), columns, rows: shown(plan), sort,
            on_sort }));
}

export function plan_what_ifs(plan: Plan): HTMLElement | null {
  if (plan.what_ifs.length === 0) return null;
  const dollars = (value: Maybe) => (value === null ? gap : `$${value.toFixed(2)}`);
  return section("plan-what-ifs", t("plan_what_ifs"),
    table({ id: "what-ifs", caption: t("plan_what_if"), rows: plan.what_ifs, columns: [
      { key: "change", title: t("plan_change"), value: (one) => one.change },
      { key: "first", title: t("plan_first_then"), value: (one) => (
        one.replicas_of_first ? `${one.replicas_of_first} ×, ${dollars(one.usd_per_hour_of_first)}`
          : t("plan_fails")) },
      { key: "cheapest", title: t("plan_cheapest_then"), value: (one) => (
        one.cheapest ? `${one.cheapest}, ${dollars(one.usd_per_hour)}` : t("plan_fails")) },
    ] }));
}

export function plan_sources(plan: Plan): HTMLElement {
  const seen = gpus_of(shown(plan)).flatMap((gpu) => {
    const choice = plan.choices.find((candidate) => candidate.gpu === gpu);
    return choice ? [choice] : [];
  });
  const price = (choice: Choice) => plan.prices.find((one) => one.gpu === choice.gpu);
  const off = (value: Maybe) => (value === null ? null : `±${Math.round(value * 100)} %`);
  return section("plan-sources", t("plan_sources"),
    h("p", { class: "foot" }, `${t("plan_band_source")} ${plan.band_source}`),
    table({ id: "plan-bands", caption: t("plan_bands"), rows: seen, columns: [
      { key: "gpu", title: "GPU", value: (c: Choice) => c.gpu + (c.verified ? "" : " ?") },
      { key: "ttft", title: "TTFT", value: (c: Choice) => off(c.band.ttft) },
      { key: "tpot", title: "TPOT", value: (c: Choice) => off(c.band.tpot) },
      { key: "e2e", title: "E2E", value: (c: Choice) => off(c.band.e2e) },
      { key: "basis", title: t("plan_basis"), value: (c: Choice) => c.band.basis },
      { key: "price", title: "$/h", value: (c: Choice) => price(c)?.usd_per_hour ?? null },
      { key: "date", title: t("plan_date"), value: (c: Choice) => price(c)?.date ?? null },
      { key: "source", title: t("plan_source"), value: (c: Choice) => price(c)?.source ?? null },
    ] }));
}

export function plan_failures(plan: Plan): HTMLElement | null {
  const failed = plan.choices.filter((choice) => choice.state !== "holds");
  if (failed.length === 0) return null;
  return h("details", { class: "tree" },
    h("summary", {}, t("plan_failures"), h("span", {}, t("n_entries", { n: failed.length }))),
    table({ id: "plan-failures", caption: t("plan_failures"), rows: failed, columns: [
      { key: "name", title: t("plan_choice"), value: name_of },
      { key: "batch", title: t("plan_batch"), value: (choice) => choice.batch },
      { key: "state", title: t("status"), value: (choice) => choice.state },
      { key: "reason", title: t("plan_reason"), value: (choice) => choice.reason },
    ] }));
}

export function plan_commands(plan: Plan): HTMLElement | null {
  if (plan.commands.length === 0) return null;
  const text = plan.commands.join("\n");
  const tools: Child[] = [h("h3", {}, t("plan_check_how")),
                          copy_button(t("copy"), t("copied"), () => text)];
  return section("plan-check", t("plan_check"),
    h("div", { class: "command" }, h("div", { class: "tools" }, ...tools),
      h("pre", { tabindex: "0" }, h("code", {}, text))));
}
