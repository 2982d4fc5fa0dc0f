// The page of a plan: the same file, style and charts as a run's page, with other parts.
import { Charts } from "./charts/echarts.ts";
import { current_look } from "./charts/look.ts";
import { add, h } from "./dom.ts";
import { language, set_language, t } from "./i18n.ts";
import type { Plan } from "./plan_data.ts";
import type { Sort } from "./table.ts";
import { bar } from "./views/head.ts";
import { plan_charts, plan_commands, plan_failures, plan_sources, plan_table, plan_title,
         plan_what_ifs } from "./views/plan.ts";

/// What the page shares with a run's: the theme, and where choices are kept.
export interface PlanPageOptions {
  plan: Plan;
  theme: "light" | "dark" | null;
  remember: (key: string, value: string) => void;
}

export class PlanPage {
  private charts = new Charts();
  private sort: Sort | null = null;

  constructor(private options: PlanPageOptions) {}

  draw(): void {
    const { plan, theme } = this.options;
    document.documentElement.lang = language() === "zh" ? "zh-CN" : "en";
    if (theme === null) delete document.documentElement.dataset["theme"];
    else document.documentElement.dataset["theme"] = theme;
    document.title = `${plan.model} · ${t("plan_of")}`;
    document.querySelector(".skip")!.textContent = t("skip");
    this.charts.clear();
    const places: [string, string][] = [
      ["plan-charts", t("plan_cost_and_time")], ["plan-choices", t("plan_choices")],
      ["plan-what-ifs", t("plan_what_ifs")], ["plan-sources", t("plan_sources")],
      ["plan-check", t("plan_check")],
    ];
    fill("bar", bar(places, this.switches()));
    fill("report", [
      plan_title(plan), plan_charts(plan, current_look(), this.charts),
      plan_table(plan, this.sort, (sort) => { this.sort = sort; this.draw(); }),
      plan_what_ifs(plan), plan_sources(plan), plan_failures(plan), plan_commands(plan),
    ]);
    this.charts.draw();
  }

  private switches(): HTMLElement[] {
    const { theme, remember } = this.options;
    const dark = theme === null ? matchMedia("(prefers-color-scheme: dark)").matches
      : theme === "dark";
    const flip = () => {
      this.options.theme = dark ? "light" : "dark";
      remember("theme", this.options.theme);
      this.draw();
    };
    const translate = () => {
      set_language(language() === "zh" ? "en" : "zh");
      remember("language", language());
      this.draw();
    };
    return [
      h("button", { type: "button", id: "language", onclick: translate,
                    lang: language() === "zh" ? "en" : "zh-CN" },
        language() === "zh" ? "English" : "中文"),
      h("button", { type: "button", id: "theme", onclick: flip }, t(dark ? "light" : "dark")),
    ];
  }
}

function fill(id: string, parts: Parameters<typeof add>[1]): void {
  const place = document.getElementById(id)!;
  place.replaceChildren();
  add(place, parts);
}
