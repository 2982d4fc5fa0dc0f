// The page: reads the run's data out of its own file, draws every part, and draws again when the
// reader changes the language, the theme, the cell or the lines. There is no other state than
// `state`, and nothing is ever fetched.
import { Charts } from "./charts/echarts.ts";
import { current_look } from "./charts/look.ts";
import { read_report, type Report } from "./data.ts";
import { add, h } from "./dom.ts";
import { schema_known, subject } from "./facts.ts";
import { choose_language, language, set_language, t } from "./i18n.ts";
import { is_plan, read_plan } from "./plan_data.ts";
import { PlanPage } from "./plan_page.ts";
import type { Sort } from "./table.ts";
import { appendix } from "./views/appendix.ts";
import { cell_charts, cell_picker, cell_summary, percentile_table } from "./views/cell.ts";
import { load_curves, type CurveChoice } from "./views/curves.ts";
import { bar, tiles, title_block, verdict_block } from "./views/head.ts";
import { instrument_panel } from "./views/instrument.ts";
import { failure_table, overview_table } from "./views/overview.ts";
import { section } from "./views/panel.ts";
import { interval_table, window_table } from "./views/sure.ts";

type Theme = "light" | "dark";

interface State {
  report: Report;
  open: number;
  sort: Sort | null;
  curves: CurveChoice;
  /// Null follows the system.
  theme: Theme | null;
}

// Pages opened as files may be denied storage; the switches then work for this visit only.
function recall(key: string): string | null {
  try {
    return localStorage.getItem(`tacho-${key}`);
  } catch {
    return null;
  }
}

function remember(key: string, value: string): void {
  try {
    localStorage.setItem(`tacho-${key}`, value);
  } catch {
    // See recall().
  }
}

function read_page(): unknown {
  try {
    return JSON.parse(document.getElementById("tacho-run")?.textContent || "{}");
  } catch {
    return null;
  }
}

type Part = "overview" | "curves" | "cell" | "sure";

class Page {
  private charts = { curves: new Charts(), cell: new Charts() };
  private printing = false;

  constructor(private state: State) {}

  /// Draws the whole page.
  draw(): void {
    document.documentElement.lang = language() === "zh" ? "zh-CN" : "en";
    const theme = this.printing ? "light" : this.state.theme;
    if (theme === null) delete document.documentElement.dataset["theme"];
    else document.documentElement.dataset["theme"] = theme;
    const model = subject(this.state.report.run).model;
    document.title = [model, t("report_title")].filter(Boolean).join(" · ");
    document.querySelector(".skip")!.textContent = t("skip");
    this.keep_focus(() => {
      fill("bar", this.bar());
      fill("report", this.body());
    });
    this.draw_charts();
  }

  open(index: number): void {
    if (this.state.report.cells[index] === undefined) return;
    history.replaceState(null, "", `#cell=${index}`);
    this.change({ open: index }, ["cell", "sure"]);
  }

  /// Opens a cell and brings its part of the page into view.
  go_to(index: number): void {
    this.open(index);
    document.getElementById("cell")?.scrollIntoView();
  }

  /// Charts on paper take the paper's width and the light colours.
  print(on: boolean): void {
    this.printing = on;
    document.documentElement.classList.toggle("printing", on);
    this.draw();
    for (const part of document.querySelectorAll("details")) part.open = on;
  }

  // Only the parts that a change concerns are drawn again: thousands of dots take their time.
  private change(changes: Partial<State>, parts: readonly Part[]): void {
    Object.assign(this.state, changes);
    this.keep_focus(() => {
      for (const part of parts) document.getElementById(part)?.replaceWith(this.part(part));
    });
    this.draw_charts();
  }

  // What had the keyboard's focus is found again by its id after it was made anew.
  private keep_focus(redraw: () => void): void {
    const id = document.activeElement?.id;
    redraw();
    if (id) document.getElementById(id)?.focus({ preventScroll: true });
  }

  private draw_charts(): void {
    for (const charts of Object.values(this.charts)) charts.draw();
  }

  private bar() {
    const dark = this.state.theme === null
      ? matchMedia("(prefers-color-scheme: dark)").matches : this.state.theme === "dark";
    const flip = () => {
      this.state.theme = dark ? "light" : "dark";
      remember("theme", this.state.theme);
      this.draw();
    };
    const translate = () => {
      set_language(language() === "zh" ? "en" : "zh");
      remember("language", language());
      this.draw();
    };
    const places: [string, string][] = this.state.report.cells.length === 0
      ? [["rerun", t("nav_rerun")]]
      : [["overview", t("nav_overview")], ["curves", t("nav_curves")], ["cell", t("nav_cell")],
         ["sure", t("nav_sure")], ["rerun", t("nav_rerun")]];
    return bar(places, [
      h("button", { type: "button", id: "language", onclick: translate,
                    lang: language() === "zh" ? "en" : "zh-CN" },
        language() === "zh" ? "English" : "中文"),
      h("button", { type: "button", id: "theme", onclick: flip }, t(dark ? "light" : "dark")),
    ]);
  }

  private body() {
    const { report } = this.state;
    const again = appendix(report.run);
    const rerun = section("rerun", t("rerun"),
      ...(again.length > 0 ? again : [h("p", { class: "quiet" }, t("nothing_recorded"))]));
    const head = [title_block(report), verdict_block(report)];
    if (!schema_known(report)) {
      head.push(h("p", { class: "banner" }, t("schema_unknown", { schema: report.schema ?? "?" })));
    }
    if (report.cells.length === 0) {
      return [...head, h("p", { class: "quiet" }, t("no_cells")), rerun];
    }
    const parts: Part[] = ["overview", "curves", "cell", "sure"];
    return [...head, tiles(report.cells), ...parts.map((part) => this.part(part)), rerun];
  }

  private part(part: Part): HTMLElement {
    switch (part) {
      case "overview": return this.overview();
      case "curves": return this.curves();
      case "cell": return this.cell();
      case "sure": return this.sure();
    }
  }

  private overview() {
    const { report, sort } = this.state;
    return section("overview", t("overview"),
      overview_table({ cells: report.cells, sort,
                       on_sort: (next) => this.change({ sort: next }, ["overview"]),
                       on_open: (index) => this.go_to(index) }),
      failure_table(report.cells));
  }

  private curves() {
    const charts = this.charts.curves;
    charts.clear();
    return section("curves", t("curves"), ...load_curves({
      cells: this.state.report.cells, look: current_look(), charts, choice: this.state.curves,
      on_choice: (curves) => this.change({ curves }, ["curves"]),
    }));
  }

  private cell() {
    const { report, open } = this.state;
    const charts = this.charts.cell;
    charts.clear();
    const options = { cells: report.cells, open, look: current_look(), charts,
                      on_open: (index: number) => this.open(index) };
    const cell = report.cells[open]!;
    return section("cell", t("cell_detail"), cell_picker(options), cell_summary(cell),
      percentile_table(cell), window_table(cell), cell_charts(options));
  }

  private sure() {
    const cell = this.state.report.cells[this.state.open]!;
    return section("sure", `${t("how_sure")} · ${cell.label}`, interval_table(cell),
      instrument_panel(cell, this.state.report.run.certificate));
  }
}

function fill(id: string, parts: Parameters<typeof add>[1]): void {
  const place = document.getElementById(id)!;
  place.replaceChildren();
  add(place, parts);
}

const asks_for_cell = () => /^#cell=\d+$/.test(location.hash);

function opened_cell(report: Report): number {
  const asked = Number(/^#cell=(\d+)$/.exec(location.hash)?.[1] ?? 0);
  return report.cells[asked] === undefined ? 0 : asked;
}

function start(): void {
  const query = new URLSearchParams(location.search);
  set_language(choose_language(location.search, recall("language"), navigator.language));
  const json = read_page();
  if (json === null) {
    document.getElementById("report")!.textContent = t("unreadable");
    return;
  }
  const wish = query.get("theme") ?? recall("theme");
  const theme = wish === "light" || wish === "dark" ? wish : null;
  if (is_plan(json)) return new PlanPage({ plan: read_plan(json), theme, remember }).draw();
  const report = read_report(json);
  const page = new Page({
    report, open: opened_cell(report), sort: null, curves: { stats: ["p50", "p99"], log: false },
    theme,
  });
  page.draw();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => page.draw());
  addEventListener("beforeprint", () => page.print(true));
  addEventListener("afterprint", () => page.print(false));
  addEventListener("hashchange", () => {
    if (asks_for_cell()) document.getElementById("cell")?.scrollIntoView();
  });
  if (asks_for_cell()) document.getElementById("cell")?.scrollIntoView();
}

start();
