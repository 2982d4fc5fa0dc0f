// The end of the page: what it takes to run the same again. Everything here is as the run wrote it.
import type { Run, Tree } from "../data.ts";
import { copy_button, h } from "../dom.ts";
import { flatten } from "../facts.ts";
import { t } from "../i18n.ts";
import { to_tsv } from "../table.ts";

/// The command line and the free-form parts of the run.
export function appendix(run: Run): HTMLElement[] {
  return [
    command_block(run.command),
    tree_block("config", t("configuration"), run.config),
    tree_block("server-details", t("server"), run.server),
    tree_block("environment", t("environment"), run.environment),
  ].filter((block): block is HTMLElement => block !== null);
}

function command_block(command: string | null): HTMLElement | null {
  if (command === null) return null;
  return h("div", { class: "command" },
    h("div", { class: "tools" }, h("h3", {}, t("command")),
      copy_button(t("copy"), t("copied"), () => command)),
    h("pre", { tabindex: "0" }, h("code", {}, command)));
}

function tree_block(id: string, title: string, tree: Tree): HTMLElement | null {
  const lines = flatten(tree);
  if (lines.length === 0) return null;
  const columns = [
    { key: "key", title: t("key"), value: (line: [string, string]) => line[0] },
    { key: "value", title: t("value"), value: (line: [string, string]) => line[1] },
  ];
  return h("details", { id, class: "tree" },
    h("summary", {}, title, h("span", {}, t("n_entries", { n: lines.length }))),
    h("div", { class: "tools" },
      copy_button(t("copy_tsv"), t("copied"), () => to_tsv(columns, lines))),
    h("table", { class: "pairs" }, h("tbody", {}, ...lines.map(([key, value]) =>
      h("tr", {}, h("th", { scope: "row" }, key),
        h("td", { class: value === "unknown" ? "unknown" : null }, value))))));
}
