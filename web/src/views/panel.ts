// A framed chart with its title, and what stands there when there is nothing to draw.
import type { Charts, Option } from "../charts/echarts.ts";
import { h } from "../dom.ts";
import { t } from "../i18n.ts";

export interface Panel {
  title: string;
  /// A line under the title: what to look at, or how many values it stands on.
  note?: string;
  height?: number;
  wide?: boolean;
  /// Null where the run has nothing to draw; `empty` then says why.
  option: Option | null;
  empty?: string;
}

export function panel(charts: Charts, content: Panel): HTMLElement {
  const box = h("div", { class: content.option === null ? "chart none" : "chart" });
  if (content.option === null) box.textContent = content.empty ?? t("nothing_recorded");
  else {
    box.style.height = `${content.height ?? 240}px`;
    box.setAttribute("role", "img");
    box.setAttribute("aria-label", [content.title, content.note].filter(Boolean).join(". "));
    charts.add(box, content.option);
  }
  const look = ["panel", content.wide ? "wide" : "", content.option === null ? "empty" : ""];
  return h("figure", { class: look.join(" ").trim() },
    h("figcaption", {}, content.title, content.note ? h("span", {}, content.note) : null), box);
}

/// A section of the page with its heading.
export function section(id: string, title: string, ...children: (Node | null)[]): HTMLElement {
  return h("section", { id, "aria-labelledby": `${id}-heading` },
    h("h2", { id: `${id}-heading` }, title), ...children);
}

/// The verdict as a word in a frame; it never relies on colour alone.
export function verdict_mark(valid: boolean | null): HTMLElement {
  if (valid === null) return h("span", { class: "mark" }, t("not_said"));
  return h("span", { class: valid ? "mark good" : "mark bad" }, t(valid ? "valid" : "invalid"));
}
