// Which language the page opens in, and that no sentence loses its numbers in translation.
import assert from "node:assert/strict";
import { test } from "node:test";

import { choose_language, set_language, t } from "../../web/src/i18n.ts";
import { en } from "../../web/src/words/en.ts";
import { zh } from "../../web/src/words/zh.ts";

test("the address wins over the last choice, and that over the browser", () => {
  assert.equal(choose_language("?lang=zh", "en", "en-GB"), "zh");
  assert.equal(choose_language("", "zh", "en-GB"), "zh");
  assert.equal(choose_language("", null, "zh-TW"), "zh");
  assert.equal(choose_language("?lang=fr", null, "de"), "en");
});

test("both languages have the same keys and the same places for values", () => {
  const places = (text) => (text.match(/\{\w+\}/g) ?? []).sort().join();
  assert.deepEqual(Object.keys(zh).sort(), Object.keys(en).sort());
  for (const key of Object.keys(en)) assert.equal(places(zh[key]), places(en[key]), key);
});

test("values are put in their places", () => {
  set_language("zh");
  assert.equal(t("n_invalid", { n: 2, all: 13 }), "无效：13 组中有 2 组。");
  set_language("en");
  assert.equal(t("n_invalid", { n: 2, all: 13 }), "INVALID: 2 of 13.");
});
