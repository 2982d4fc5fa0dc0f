// A plan's page reads what `tacho plan` writes, and draws no front that something beats.
import assert from "node:assert/strict";
import { test } from "node:test";

import { front_of, gpus_of } from "../../web/src/charts/pareto.ts";
import { is_plan, read_plan } from "../../web/src/plan_data.ts";

test("any JSON value is a plan or none", () => {
  for (const value of [null, 3, "x", [], {}, { kind: "run" }]) assert.equal(is_plan(value), false);
  assert.ok(is_plan({ kind: "plan" }));
  for (const value of [null, [], { choices: 7 }, { choices: [null, 5, {}], bounds: "x" }]) {
    assert.ok(Array.isArray(read_plan(value).choices));
  }
  const [choice] = read_plan({ choices: [{ ttft_ms: { p50: 3 }, is_sure: "yes" }] }).choices;
  assert.equal(choice.ttft_ms.p50, 3);
  assert.equal(choice.ttft_ms.p99, null);
  assert.equal(choice.is_sure, null);
  assert.equal(choice.usd_per_hour, null);
});

test("the front has what nothing beats in cost and value", () => {
  const at = (gpu, cost, value) => ({ gpu, usd_per_hour: cost, e2e_ms: { p50: value } });
  const choices = [at("a", 4, 9), at("b", 2, 9), at("a", 8, 3), at("b", 9, 3), at("c", 5, 12),
                   at("c", null, 1), at("c", 1, null)];
  const front = front_of(choices, (choice) => choice.e2e_ms.p50);
  assert.deepEqual(front.map((choice) => choice.usd_per_hour), [2, 8]);
  assert.deepEqual(gpus_of(choices), ["a", "b", "c"]);
});

test("the commands that check a plan are there when the plan has them", () => {
  assert.deepEqual(read_plan({ check: { sim: "tacho sim", bench: "" } }).commands, ["tacho sim"]);
  assert.deepEqual(read_plan({}).commands, []);
});
