// plugins - everything that is shipped, switched on together in one company.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { must, ROOT } from "../kit/server.mjs";
import { world } from "../kit/world.mjs";

const folder = join(ROOT, "plugins");
const ids = readdirSync(folder).filter((id) => existsSync(join(folder, id, "plugin.json")));

const w = world({
  staff: false,
  setup: async ({ server }) => {
    for (
      let left = ids.filter((id) => id !== "core"), rounds = 0;
      left.length && rounds < 5;
      rounds++
    ) {
      left = left.filter((id) => {
        try {
          must(server.data, ["plugin", "enable", "acme", id]);
          return false;
        } catch (error) {
          if (rounds === 4) throw error;
          return true; /* after what it requires */
        }
      });
    }
  },
});

test("every plugin works beside all others, and nothing of them is left aside", async () => {
  const { items } = await w.acme.ok("admin", "GET", "/api/v1/admin/plugins");
  const found = items.filter(({ id }) => ids.includes(id));
  assert.deepEqual(found.map(({ id }) => id).sort(), [...ids].sort());
  for (const plugin of found) {
    assert.equal(plugin.state, "enabled", JSON.stringify(plugin));
    assert.ok(!plugin.broken, JSON.stringify(plugin));
    assert.deepEqual(plugin.warnings ?? [], [], plugin.id);
  }
  const boot = await w.acme.ok("admin", "GET", "/api/v1/boot");
  assert.ok(boot.menu.flatMap(({ items = [] }) => items).length > 20);
  const sales = boot.menu.filter(({ id }) => id === "sales"); // one group that plugins share
  const order = sales[0].items.map(({ id }) => id).filter((id) => /^(lead|opportunity)$/.test(id));
  assert.deepEqual([sales.length, ...order], [1, "lead", "opportunity"]);
  const roles = (await w.acme.ok("admin", "GET", "/api/v1/admin/roles")).items;
  const nameless = roles.filter(({ name, label }) => !label || label === name);
  assert.deepEqual(nameless.map(({ name }) => name), []);
});
