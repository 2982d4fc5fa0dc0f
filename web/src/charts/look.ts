// How every chart looks: colours from the style sheet, thin lines, no movement. Colours are told
// apart by eyes of all kinds (after Okabe and Ito), and a second mark, the symbol, says the same.
import { h } from "../dom.ts";
import { tick } from "../format.ts";
import type { Option } from "./echarts.ts";
import { log_ticks } from "./numbers.ts";

export interface Look {
  text: string;
  muted: string;
  line: string;
  panel: string;
  bad: string;
  /// One colour for each length pair, in order; they repeat after the last.
  series: string[];
  font: string;
}

/// Reads the colours of the theme that is on.
export function current_look(): Look {
  const style = getComputedStyle(document.documentElement);
  const value = (name: string) => style.getPropertyValue(name).trim();
  return {
    text: value("--text"), muted: value("--muted"), line: value("--line"), panel: value("--panel"),
    bad: value("--bad"), series: value("--series").split(/\s+/), font: value("--font"),
  };
}

const symbols = ["circle", "rect", "triangle", "diamond"] as const;

export const series_color = (look: Look, place: number): string =>
  look.series[place % look.series.length] ?? look.text;
export const series_symbol = (place: number): (typeof symbols)[number] =>
  symbols[place % symbols.length] ?? "circle";

/// A colour with an opacity, for areas under lines.
export const faded = (color: string, opacity: number): string =>
  `${color}${Math.round(opacity * 255).toString(16).padStart(2, "0")}`;

/// The colour `part` of the way from `from` to `to`, both #rrggbb; for scales, which cannot fade.
export function mixed(from: string, to: string, part: number): string {
  const channel = (color: string, place: number) => parseInt(color.slice(place, place + 2), 16);
  const mix = (place: number) =>
    Math.round(channel(from, place) * (1 - part) + channel(to, place) * part);
  return `#${[1, 3, 5].map((place) => mix(place).toString(16).padStart(2, "0")).join("")}`;
}

type Axis = Record<string, unknown>;

/// Fields of an axis that reads numbers or, with `categories`, names.
export function axis(look: Look, name: string, more: Axis = {}): Axis {
  const categorical = more["type"] === "category";
  return {
    type: "value",
    name,
    nameLocation: "middle",
    nameGap: 28,
    nameTextStyle: { color: look.muted, fontSize: 11, fontFamily: look.font },
    axisLine: { show: true, lineStyle: { color: look.line } },
    axisTick: { show: categorical, lineStyle: { color: look.line } },
    splitLine: { show: !categorical, lineStyle: { color: look.line, opacity: 0.6 } },
    minorSplitLine: { show: false },
    axisLabel: {
      color: look.muted, fontSize: 11, fontFamily: look.font, hideOverlap: true,
      ...(categorical ? {} : { formatter: (value: number) => tick(value) }),
    },
    ...more,
  };
}

/// The same for the upright axis: the unit stands above it, so that the labels keep their room.
export const upright = (look: Look, unit: string, more: Axis = {}): Axis =>
  axis(look, unit, {
    nameLocation: "end", nameGap: 10,
    nameTextStyle: { color: look.muted, fontSize: 11, fontFamily: look.font, align: "left" },
    axisLine: { show: false },
    ...more,
  });

/// Fields of a logarithmic axis that holds `low` to `high`: it ends on ticks and each has a label,
/// where the library by itself would label the powers of ten alone.
export function log_fields(look: Look, low: number, high: number): Axis {
  const ticks = log_ticks(low, high);
  return {
    type: "log", min: ticks[0], max: ticks[ticks.length - 1],
    axisTick: { customValues: ticks },
    axisLabel: { color: look.muted, fontSize: 11, fontFamily: look.font, hideOverlap: true,
                 customValues: ticks, formatter: (value: number) => tick(value) },
  };
}

/// What all charts share.
export function base(look: Look): Option {
  return {
    animation: false,
    textStyle: { color: look.text, fontFamily: look.font },
    grid: { left: 8, right: 16, top: 28, bottom: 26, containLabel: true },
    tooltip: {
      confine: true,
      backgroundColor: look.panel,
      borderColor: look.line,
      padding: [6, 9],
      textStyle: { color: look.text, fontSize: 12, fontFamily: look.font },
      axisPointer: { lineStyle: { color: look.muted }, label: { show: false } },
      transitionDuration: 0,
    },
  };
}

export interface TipRow {
  color?: string;
  name: string;
  value: string;
}

/// The content of a tooltip as elements, never as markup.
export function tip(title: string, rows: readonly TipRow[]): HTMLElement {
  return h("div", { class: "tip" },
    h("b", {}, title),
    h("table", {}, ...rows.map((row) => h("tr", {},
      h("td", {}, row.color ? swatch(row.color) : null, row.name),
      h("td", { class: "number" }, row.value)))));
}

function swatch(color: string): HTMLElement {
  const mark = h("span", { class: "swatch" });
  mark.style.background = color;
  return mark;
}
