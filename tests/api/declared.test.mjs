// declared - every report that a module declares is answered, and says nothing of another company.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { must, ROOT } from "../kit/server.mjs";
import { world } from "../kit/world.mjs";

const PLUGINS = ["quotes", "opportunities", "approval", "contracts", "membership", "tickets"];
PLUGINS.push("integrations", "industry_retail");
const w = world({
  setup: async ({ server }) => {
    for (const plugin of PLUGINS) must(server.data, ["plugin", "enable", "acme", plugin]);
  },
});

function* reports() {
  for (const plugin of readdirSync(join(ROOT, "plugins"))) {
    const folder = join(ROOT, "plugins", plugin, "reports");
    for (const file of existsSync(folder) ? readdirSync(folder) : [])
      yield* [JSON.parse(readFileSync(join(folder, file), "utf8"))].flat();
  }
}

test("every report of every module is answered", async () => {
  let count = 0;
  for (const { name, entity, query } of reports()) {
    const { filter, group, measure, sort } = query;
    const body = { filter, group, measure, sort };
    const path = `/api/v1/records/${entity}/query`;
    const answer = await w.acme.as("admin", "POST", path, { body });
    assert.equal(answer.status, 200, `${name}: ${answer.text}`);
    assert.ok(Array.isArray(answer.json.groups), name);
    count += 1;
  }
  assert.ok(count > 50, String(count));
});

/* What people read instead of a name that plugins call something by. In Chinese it has a Chinese
   character (an abbreviation may stand alone), in English it begins like a sentence or a name. */
const SAYS = {
  "zh-CN": /[\u4e00-\u9fff]|^(Webhook|API|REST|ERP|WhatsApp)/,
  en: /^[A-Z(][^\u4e00-\u9fff]*$/,
};
const NAMED = {
  jobs: ({ items }) => items.map((one) => [`${one.plugin}.${one.name}`, one.label]),
  hooks: ({ items }) =>
    items.filter((one) => one.entity !== "*").map((one) => [one.entity, one.label]),
  templates: ({ items }) => items.map((one) => [one.key, one.label]),
  dictionaries: ({ items }) => items.map((one) => [one.name, one.label]),
  roles: ({ items }) => items.map((one) => [one.name, one.label]),
  plugins: ({ items }) =>
    items.flatMap((one) => [
      [one.id, one.title],
      [`${one.id}: summary`, one.summary],
      ...one.settings.flatMap((setting) => [
        [`${one.id}: ${setting.name}`, setting.label],
        ...(setting.options ?? []).map((option) => [
          `${one.id}: ${setting.name} ${option.value}`,
          option.label,
        ]),
      ]),
    ]),
};

for (const [lang, says] of Object.entries(SAYS)) {
  test(`what administrators read has words, not names: ${lang}`, async () => {
    for (const [area, named] of Object.entries(NAMED)) {
      const options = { headers: { "Accept-Language": lang } };
      const path = `/api/v1/admin/${area}`;
      const all = named(await w.acme.ok("admin", "GET", path, undefined, options));
      assert.ok(all.length > 3, area);
      const wordless = all.filter(([, label]) => !says.test(label ?? ""));
      assert.deepEqual(wordless, [], area);
    }
    const { entities } = await w.acme.ok("admin", "GET", "/api/v1/meta?brief=true", undefined, {
      headers: { "Accept-Language": lang },
    });
    const wordless = entities.filter((one) => !says.test(one.label));
    assert.deepEqual(
      wordless.map((one) => one.name),
      [],
    );
  });

  test(`every event that is declared has a title: ${lang}`, () => {
    for (const plugin of readdirSync(join(ROOT, "plugins"))) {
      const folder = join(ROOT, "plugins", plugin, "events");
      if (!existsSync(folder)) continue;
      const texts = JSON.parse(readFileSync(join(folder, "..", "i18n", `${lang}.json`), "utf8"));
      for (const file of readdirSync(folder))
        for (const { name } of [JSON.parse(readFileSync(join(folder, file), "utf8"))].flat())
          assert.match(texts[`event.${name}`] ?? "", says, `${plugin}: ${name}`);
    }
  });
}
