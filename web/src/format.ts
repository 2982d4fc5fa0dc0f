// Numbers as people read them: units, about three digits that mean something, and one kind of gap
// for "not measured". A column of a table is formatted as a whole, so that its points line up.
import type { Maybe } from "./data.ts";

/// What stands where nothing was measured.
export const gap = "–";

/// Groups the thousands and keeps exactly `decimals` digits behind the point.
export function fixed(value: number, decimals: number): string {
  const [whole = "", fraction] = Math.abs(value).toFixed(decimals).split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  const body = fraction === undefined ? grouped : `${grouped}.${fraction}`;
  return value < 0 && /[1-9]/.test(body) ? `−${body}` : body;
}

/// The decimals with which `value` shows three significant digits, at most `most` of them.
export function decimals_for(value: number, most = 3): number {
  const size = Math.abs(value);
  if (size === 0 || !Number.isFinite(size)) return 0;
  return Math.min(most, Math.max(0, 2 - Math.floor(Math.log10(size))));
}

/// One number on its own, with three significant digits or all of its whole ones.
export function figure(value: Maybe): string {
  return value === null ? gap : fixed(value, decimals_for(value));
}

/// A count: whole, grouped.
export function count(value: Maybe): string {
  return value === null ? gap : fixed(value, Number.isInteger(value) ? 0 : 1);
}

/// A share between 0 and 1 as a percentage. A small share that is not zero never reads as zero.
export function percent(share: Maybe): string {
  if (share === null) return gap;
  const value = share * 100;
  if (value !== 0 && Math.abs(value) < 0.01) return "<0.01 %";
  if (value < 100 && value > 99.9) return `${fixed(Math.floor(value * 100) / 100, 2)} %`;
  return `${fixed(value, Number.isInteger(value) ? 0 : decimals_for(value, 2))} %`;
}

/// The same without the sign, for a column that has it in its heading.
export const percent_figure = (share: Maybe): string => percent(share).replace(" %", "");

/// A duration given in milliseconds, in the unit a reader would choose.
export function duration_ms(value: Maybe): { figure: string; unit: string } {
  if (value === null) return { figure: gap, unit: "" };
  const size = Math.abs(value);
  if (size > 0 && size < 1) return { figure: figure(value * 1000), unit: "µs" };
  if (size >= 10_000) return { figure: figure(value / 1000), unit: "s" };
  return { figure: figure(value), unit: "ms" };
}

/// The same as one string: `12.3 ms`.
export function duration_text(value: Maybe): string {
  const parts = duration_ms(value);
  return parts.unit === "" ? parts.figure : `${parts.figure} ${parts.unit}`;
}

/// Seconds as `2 h 05 min`, `3 min 20 s` or `12.5 s`.
export function span_s(seconds: Maybe): string {
  if (seconds === null) return gap;
  if (seconds < 100) return `${figure(seconds)} s`;
  const whole = Math.round(seconds);
  const two = (value: number) => String(value).padStart(2, "0");
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min ${two(whole % 60)} s`;
  return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min`;
}

/// A formatter for a whole column: its smallest value decides the decimals, two at most, so that
/// the points line up; values above 10,000 want none.
export function column_format(values: readonly Maybe[]): (value: Maybe) => string {
  const sizes = values.filter((value): value is number => value !== null && value !== 0)
    .map((value) => Math.abs(value));
  if (sizes.length === 0 || sizes.every((size) => Number.isInteger(size))) {
    return (value) => (value === null ? gap : fixed(value, 0));
  }
  const wanted = decimals_for(Math.min(...sizes), Math.min(...sizes) < 0.1 ? 3 : 2);
  const decimals = Math.max(...sizes) >= 10_000 ? Math.min(1, wanted) : wanted;
  return (value) => (value === null ? gap : fixed(value, decimals));
}

/// A tick of an axis: short, without trailing zeros.
export function tick(value: number): string {
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1_000_000) return `${trim(value / 1_000_000)}M`;
  if (size >= 100_000) return `${trim(value / 1000)}k`;
  return trim(value);
}

function trim(value: number): string {
  const rounded = fixed(value, decimals_for(value));
  return rounded.includes(".") ? rounded.replace(/\.?0+$/, "") : rounded;
}

/// An ISO instant as `2025-11-21 07:40:12 UTC`, or unchanged when it is something else.
/// It stays in the zone that the run wrote: two readers must see the same digits.
export function instant(iso: string | null): string {
  if (iso === null) return gap;
  const parts = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.\d+)?(Z|[+-]\d\d:?\d\d)?$/.exec(iso);
  if (parts === null) return iso;
  const zone = parts[3] === "Z" ? " UTC" : parts[3] === undefined ? "" : ` ${parts[3]}`;
  return `${parts[1]} ${parts[2]}${zone}`;
}
