// The page in two languages. English is the source: its keys are the type, so a sentence that is
// missing in the other language does not compile. What the run itself wrote (labels, reasons,
// notes) is shown as written.
import { en, type Key } from "./words/en.ts";
import { zh } from "./words/zh.ts";

export type { Key };
export type Language = "en" | "zh";
const words: Record<Language, Record<Key, string>> = { en, zh };

let current: Language = "en";

export const language = (): Language => current;

export function set_language(next: Language): void {
  current = next;
}

/// The words for `key` with `{name}` replaced from `values`.
export function t(key: Key, values: Record<string, string | number> = {}): string {
  return words[current][key].replace(/\{(\w+)\}/g, (whole, name: string) =>
    name in values ? String(values[name]) : whole);
}

/// Which language to open in: what the address asks for, then what was chosen last time, then what
/// the browser prefers.
export function choose_language(query: string, stored: string | null, preferred: string): Language {
  for (const wish of [new URLSearchParams(query).get("lang"), stored, preferred]) {
    const short = wish?.toLowerCase().slice(0, 2);
    if (short === "zh" || short === "en") return short;
  }
  return "en";
}
