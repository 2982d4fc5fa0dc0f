// What the first screen says, worked out from the report without touching the page: who was
// measured, whether the figures hold, which cells were best and what went wrong.
import type { Cell, Maybe, Report, Run, Stat, Metric, Tree } from "./data.ts";

/// Looks for the first of `keys` in a free-form object, one level of nesting down at most.
export function look_up(tree: Tree, keys: readonly string[]): string | null {
  const nested = Object.values(tree).filter((value): value is Tree =>
    typeof value === "object" && value !== null && !Array.isArray(value));
  for (const place of [tree, ...nested]) {
    for (const key of keys) {
      const value = place[key];
      if (typeof value === "string" && value !== "" && value !== "unknown") return value;
      if (typeof value === "number") return String(value);
    }
  }
  return null;
}

export interface Subject {
  model: string | null;
  url: string | null;
  engine: string | null;
  hardware: string | null;
}

/// What the server calls itself: by name, as the owner of its models, or in its Server header.
function engine_name(server: Tree): string | null {
  const stated = look_up(server, ["engine", "server_name", "software"]);
  if (stated !== null) return stated;
  const list = (server["models"] as Tree | undefined)?.["data"];
  const first: unknown = Array.isArray(list) ? list[0] : undefined;
  const owner = typeof first === "object" && first !== null ? (first as Tree)["owned_by"] : null;
  if (typeof owner === "string" && owner !== "" && owner !== "me") return owner;
  const header = server["server"];
  // Of many engines that header only names the HTTP library in front.
  return typeof header === "string" && header !== "uvicorn" ? header : null;
}

/// Who was measured, as far as the run says so.
export function subject(run: Run): Subject {
  const from = (places: Tree[], keys: string[]) =>
    places.reduce<string | null>((found, place) => found ?? look_up(place, keys), null);
  const engine = engine_name(run.server);
  const version = from([run.server], ["engine_version", "version"]);
  return {
    model: from([run.config, run.server], ["model", "model_name", "served_model", "model_id"]),
    url: from([run.config, run.server], ["url", "target", "base_url", "endpoint"]),
    engine: engine === null || version === null ? engine ?? version
      : version.includes(engine) ? version
      : engine.includes(version) ? engine : `${engine} ${version}`,
    hardware: from([run.server, run.config], ["hardware", "gpu", "gpus", "accelerator", "device"]),
  };
}

/// How many requests ended otherwise than well, by kind, worst first.
export function failures(cell: Cell): [kind: string, count: number][] {
  const kinds = Object.entries(cell.summary.outcomes)
    .filter(([kind, count]) => kind !== "ok" && count > 0);
  const named = kinds.reduce((sum, [, count]) => sum + count, 0);
  const unnamed = (cell.summary.failed ?? 0) - named;
  if (unnamed > 0) kinds.push(["?", unnamed]);
  return kinds.sort((left, right) => right[1] - left[1]);
}

/// How many requests failed; null where the run says nothing about how its requests ended.
export function failed(cell: Cell): Maybe {
  const { failed: stated, outcomes } = cell.summary;
  if (stated === null && Object.keys(outcomes).length === 0) return null;
  return failures(cell).reduce((sum, [, count]) => sum + count, 0);
}

/// The share of failed requests: the run's own figure, else failed ÷ (completed + failed).
export function error_rate(cell: Cell): Maybe {
  if (cell.summary.error_rate !== null) return cell.summary.error_rate;
  const lost = failed(cell);
  if (lost === null) return null;
  const all = (cell.summary.completed ?? 0) + lost;
  return all === 0 ? null : lost / all;
}

export interface Standing {
  valid: number;
  invalid: Cell[];
  unsaid: number;
  /// Each reason with the cells it was given for.
  reasons: [reason: string, labels: string[]][];
}

/// How many cells hold, and why the others do not.
export function standing(cells: readonly Cell[]): Standing {
  const invalid = cells.filter((cell) => cell.summary.verdict.valid === false);
  const reasons = new Map<string, string[]>();
  for (const cell of invalid) {
    const given = cell.summary.verdict.reasons;
    for (const reason of given.length > 0 ? given : ["?"]) {
      reasons.set(reason, [...(reasons.get(reason) ?? []), cell.label]);
    }
  }
  return {
    valid: cells.filter((cell) => cell.summary.verdict.valid === true).length,
    invalid,
    unsaid: cells.filter((cell) => cell.summary.verdict.valid === null).length,
    reasons: [...reasons],
  };
}

export const stat = (cell: Cell, metric: Metric, which: Stat): Maybe =>
  cell.summary[metric]?.[which] ?? null;

/// The cell with the highest (or lowest) value. Invalid cells compete only when no other has one:
/// a headline must not rest on a figure that the run itself disowns.
export function best_cell(cells: readonly Cell[], value: (cell: Cell) => Maybe,
                          want: "highest" | "lowest"): Cell | null {
  const trusted = cells.filter((cell) => cell.summary.verdict.valid !== false);
  for (const group of [trusted, cells]) {
    const measured = group.filter((cell) => value(cell) !== null);
    if (measured.length === 0) continue;
    return measured.reduce((best, cell) => {
      const difference = (value(cell) ?? 0) - (value(best) ?? 0);
      return (want === "highest" ? difference > 0 : difference < 0) ? cell : best;
    });
  }
  return null;
}

/// The sum of a count over the cells; null when no cell has it.
export function total(cells: readonly Cell[], value: (cell: Cell) => Maybe): Maybe {
  const known = cells.map(value).filter((item): item is number => item !== null);
  return known.length === 0 ? null : known.reduce((sum, item) => sum + item, 0);
}

/// Nested objects as lines of `a.b.c` and a value, in the order of the file.
export function flatten(tree: Tree, prefix = ""): [path: string, value: string][] {
  return Object.entries(tree).flatMap(([key, value]): [string, string][] => {
    const path = prefix === "" ? key : `${prefix}.${key}`;
    if (Array.isArray(value)) {
      const plain = value.every((item) => typeof item !== "object" || item === null);
      if (plain) return [[path, value.map(String).join(", ")]];
      return value.flatMap((item, place) => flatten({ [place]: item }, path));
    }
    if (typeof value === "object" && value !== null) return flatten(value as Tree, path);
    return [[path, value === null || value === undefined ? "–" : String(value)]];
  });
}

/// True when the page knows how to read this file's schema.
export const schema_known = (report: Report): boolean =>
  report.schema === null || report.schema === 1;
