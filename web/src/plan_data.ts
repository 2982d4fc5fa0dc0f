// A plan as the page sees it. As in data.ts, nothing about the JSON is trusted: what is missing
// becomes null or is left out.
import type { Maybe } from "./data.ts";

export interface Times {
  mean: Maybe;
  p50: Maybe;
  p90: Maybe;
  p99: Maybe;
}

/// One configuration.
export interface Choice {
  name: string;
  gpu: string;
  state: string;
  reason: string;
  is_best: boolean;
  verified: boolean;
  usd_per_hour: Maybe;
  usd_per_million: Maybe;
  batch: string;
  ttft_ms: Times;
  tpot_ms: Times;
  e2e_ms: Times;
  goodput_share: Maybe;
  capacity: Maybe;
  weights_gb: Maybe;
  cache_peak: Maybe;
  mfu: Maybe;
  mbu: Maybe;
  binds: string;
  is_sure: boolean | null;
  replicas: Maybe;
  replicas_if_slower: Maybe;
  band: { ttft: Maybe; tpot: Maybe; e2e: Maybe; basis: string };
}

export interface WhatIf {
  change: string;
  cheapest: string;
  usd_per_hour: Maybe;
  replicas_of_first: Maybe;
  usd_per_hour_of_first: Maybe;
}

export interface Price {
  gpu: string;
  usd_per_hour: Maybe;
  date: string;
  source: string;
}

export interface Plan {
  model: string;
  engine: string;
  load: string;
  bounds: string[];
  choices: Choice[];
  front: number[];
  what_ifs: WhatIf[];
  next_cheaper: string;
  prices: Price[];
  band_source: string;
  commands: string[];
  seconds: Maybe;
}

type Tree = Record<string, unknown>;

const tree = (value: unknown): Tree =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? value as Tree : {};
const list = (value: unknown): Tree[] => (Array.isArray(value) ? value.map(tree) : []);
const text = (value: unknown): string => (typeof value === "string" ? value : "");
const number = (value: unknown): Maybe =>
  typeof value === "number" && Number.isFinite(value) ? value : null;

function times(value: unknown): Times {
  const from = tree(value);
  return { mean: number(from["mean"]), p50: number(from["p50"]), p90: number(from["p90"]),
           p99: number(from["p99"]) };
}

function choice(from: Tree): Choice {
  const band = tree(from["error_band"]);
  return {
    name: text(from["name"]), gpu: text(from["gpu"]), state: text(from["state"]),
    reason: text(from["reason"]), is_best: from["is_best"] === true,
    verified: from["verified"] !== false, usd_per_hour: number(from["usd_per_hour"]),
    usd_per_million: number(from["usd_per_million_output_tokens"]),
    batch: ["max_num_batched_tokens", "max_num_seqs"]
      .map((key) => number(from[key]) ?? "?").join(" / "),
    ttft_ms: times(from["ttft_ms"]), tpot_ms: times(from["tpot_ms"]),
    e2e_ms: times(from["e2e_ms"]), goodput_share: number(from["goodput_share"]),
    capacity: number(from["capacity_requests_per_s"]),
    weights_gb: number(from["weights_gb_per_gpu"]), cache_peak: number(from["kv_cache_peak"]),
    mfu: number(from["mfu"]), mbu: number(from["mbu"]), binds: text(from["binds"]),
    is_sure: typeof from["is_sure"] === "boolean" ? from["is_sure"] : null,
    replicas: number(from["replicas"]), replicas_if_slower: number(from["replicas_if_slower"]),
    band: { ttft: number(band["ttft"]), tpot: number(band["tpot"]), e2e: number(band["e2e"]),
            basis: text(band["basis"]) },
  };
}

/// True when the page's data is a plan and no run.
export const is_plan = (json: unknown): boolean => tree(json)["kind"] === "plan";

export function read_plan(json: unknown): Plan {
  const from = tree(json);
  const check = tree(from["check"]);
  return {
    model: text(from["model"]), engine: text(from["engine"]), load: text(from["load"]),
    bounds: list(from["bounds"]).map((bound) =>
      `${text(bound["bound"])} < ${number(bound["limit_ms"]) ?? "?"} ms`),
    choices: list(from["choices"]).map(choice),
    front: (Array.isArray(from["front"]) ? from["front"] : [])
      .filter((place): place is number => typeof place === "number"),
    what_ifs: list(from["what_ifs"]).map((one) => ({
      change: text(one["change"]), cheapest: text(one["cheapest"]),
      usd_per_hour: number(one["usd_per_hour"]),
      replicas_of_first: number(one["replicas_of_first"]),
      usd_per_hour_of_first: number(one["usd_per_hour_of_first"]),
    })),
    next_cheaper: text(from["next_cheaper"]),
    prices: list(tree(from["prices"])["list"]).map((price) => ({
      gpu: text(price["gpu"]), usd_per_hour: number(price["usd_per_hour"]),
      date: text(price["date"]), source: text(price["source"]),
    })),
    band_source: text(from["error_band_source"]),
    commands: [text(check["sim"]), text(check["bench"])].filter(Boolean),
    seconds: number(from["seconds"]),
  };
}
