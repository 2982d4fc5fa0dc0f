// Tables: one description of the columns serves the page, the sort, the copy as TSV and the CSV.
// What is copied is the number itself, in full; what is shown is formatted by column.
import { copy_button, h, type Child } from "./dom.ts";
import { column_format, gap } from "./format.ts";
import { t } from "./i18n.ts";

export type Value = string | number | null;

export interface Column<Row> {
  key: string;
  /// The heading of a group of neighbouring columns, such as "TTFT".
  group?: string;
  title: string;
  unit?: string;
  /// A sentence shown on hover.
  help?: string;
  value: (row: Row) => Value;
  /// Shows the value in its own way; without it numbers are formatted as a column.
  show?: (row: Row) => Child;
}

export interface Sort {
  key: string;
  descending: boolean;
}

const is_number = <Row>(column: Column<Row>, rows: readonly Row[]) =>
  rows.every((row) => typeof column.value(row) !== "string");

/// The full name of a column outside the table: `TTFT p50 (ms)`.
export function full_title<Row>(column: Column<Row>): string {
  const name = [column.group, column.title].filter(Boolean).join(" ");
  return column.unit ? `${name} (${column.unit})` : name;
}

/// Rows in the order of `sort`; gaps come last whichever way it goes, and equals keep their order.
export function sorted<Row>(rows: readonly Row[], columns: readonly Column<Row>[],
                            sort: Sort | null): Row[] {
  const column = columns.find((candidate) => candidate.key === sort?.key);
  if (column === undefined || sort === null) return [...rows];
  const sign = sort.descending ? -1 : 1;
  return [...rows].sort((left, right) => {
    const [a, b] = [column.value(left), column.value(right)];
    if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
    if (typeof a === "number" && typeof b === "number") return sign * (a - b);
    return sign * String(a).localeCompare(String(b), "en", { numeric: true });
  });
}

/// The table as tab-separated lines, for a spreadsheet.
export function to_tsv<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const clean = (value: Value) => String(value ?? "").replace(/[\t\r\n]+/g, " ");
  const lines = [columns.map(full_title),
                 ...rows.map((row) => columns.map((column) => column.value(row)))];
  return lines.map((line) => line.map(clean).join("\t")).join("\n") + "\n";
}

/// Rows of values as CSV (RFC 4180), with a heading line.
export function to_csv(heading: readonly string[], rows: readonly (readonly Value[])[]): string {
  const quoted = (value: Value) => {
    const text = String(value ?? "");
    return /[",\r\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
  };
  return [heading, ...rows].map((line) => line.map(quoted).join(",")).join("\r\n") + "\r\n";
}

export interface TableOptions<Row> {
  id: string;
  caption: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  sort?: Sort | null;
  /// Makes the headings buttons; called with what to sort by next.
  on_sort?: (sort: Sort | null) => void;
  /// More buttons beside "copy".
  tools?: Child[];
}

/// The table in a box that scrolls sideways on its own when the window is narrow.
export function table<Row>(options: TableOptions<Row>): HTMLElement {
  const rows = sorted(options.rows, options.columns, options.sort ?? null);
  const numeric = options.columns.map((column) => is_number(column, rows));
  const head = h("thead", {}, group_row(options.columns), title_row(options, numeric));
  return h("div", { class: "table" },
    h("div", { class: "tools" },
      h("h3", { id: `${options.id}-title` }, options.caption),
      ...(options.tools ?? []),
      copy_button(t("copy_tsv"), t("copied"), () => to_tsv(options.columns, rows))),
    h("div", { class: "scroll", tabindex: "0", role: "region",
               "aria-labelledby": `${options.id}-title` },
      h("table", { id: options.id, "aria-labelledby": `${options.id}-title` },
        head, body(options, rows, numeric))));
}

function body<Row>(options: TableOptions<Row>, rows: readonly Row[], numeric: boolean[]) {
  const numbers = (column: Column<Row>) => rows.map((row) => column.value(row))
    .map((value) => (typeof value === "number" ? value : null));
  const formats = options.columns.map((column) => column_format(numbers(column)));
  return h("tbody", {}, ...rows.map((row) =>
    h("tr", {}, ...options.columns.map((column, place) => {
      const value = column.value(row);
      const shown = column.show?.(row)
        ?? (typeof value === "number" ? formats[place]?.(value) : value) ?? gap;
      return h(place === 0 ? "th" : "td",
        { class: cell_class(options.columns, place, numeric), scope: place === 0 ? "row" : null },
        shown);
    }))));
}

const starts_group = <Row>(columns: readonly Column<Row>[], place: number) =>
  place > 0 && columns[place]?.group !== columns[place - 1]?.group;

function cell_class<Row>(columns: readonly Column<Row>[], place: number, numeric: boolean[]) {
  const look = [numeric[place] ? "number" : "", starts_group(columns, place) ? "edge" : ""];
  return look.join(" ").trim() || null;
}

// Neighbours of one group share a heading above their own; without any group there is no such row.
function group_row<Row>(columns: readonly Column<Row>[]): HTMLElement | null {
  if (columns.every((column) => column.group === undefined)) return null;
  const cells: HTMLElement[] = [];
  columns.forEach((column, place) => {
    if (place > 0 && column.group === columns[place - 1]?.group) return;
    let span = 1;
    while (place + span < columns.length && columns[place + span]?.group === column.group) ++span;
    cells.push(h(column.group ? "th" : "td",
      { colspan: span, class: starts_group(columns, place) ? "group edge" : "group",
        scope: column.group ? "colgroup" : null },
      column.group ?? ""));
  });
  return h("tr", {}, ...cells);
}

function title_row<Row>(options: TableOptions<Row>, numeric: boolean[]): HTMLElement {
  const { columns, sort, on_sort } = options;
  return h("tr", {}, ...columns.map((column, place) => {
    const words = [column.title, column.unit ? h("small", {}, ` ${column.unit}`) : null];
    const is_key = sort?.key === column.key;
    const direction = is_key ? (sort?.descending ? "descending" : "ascending") : null;
    return h("th",
      { class: cell_class(columns, place, numeric), scope: "col", title: column.help ?? null,
        "aria-sort": on_sort ? direction ?? "none" : null },
      ...(on_sort
        ? [h("button", { type: "button", id: `${options.id}-${column.key}`, class: "sort",
                         onclick: () => on_sort(next_sort(sort ?? null, column.key)) },
             is_key ? h("span", { "aria-hidden": "true" }, sort?.descending ? "▾ " : "▴ ") : null,
             ...words)]
        : words));
  }));
}

/// What a click on a heading asks for: upwards, then downwards, then the run's own order.
export function next_sort(sort: Sort | null, key: string): Sort | null {
  if (sort?.key !== key) return { key, descending: false };
  return sort.descending ? null : { key, descending: true };
}
