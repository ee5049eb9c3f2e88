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
