// damage - what `perigee check` says of a company whose rows somebody has changed with sqlite3.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { command, must } from "./server.mjs";

const sqlite = (path, sql) => spawnSync("sqlite3", ["-bail", path, sql], { encoding: "utf8" });

export const hasSqlite = sqlite(":memory:", "select 1").status === 0;

/** SQL on a store, in which {entity} and {entity.field} stand for table and column. */
export function change(path, sql) {
  const ask = (text) => sqlite(path, text).stdout.trim();
  const named = sql.replace(/\{(\w+)(?:\.(\w+))?\}/g, (whole, entity, field) => {
    const id = field
      ? ask(`select id from field_reg where entity = '${entity}' and name = '${field}'`)
      : ask(`select id from entity_reg where name = '${entity}'`);
    assert.match(id, /^\d+$/, `${whole} is in no store`);
    return (field ? "f" : "e") + id;
  });
  const done = sqlite(path, `${named}; select changes();`);
  assert.equal(done.status, 0, `${named}: ${done.stderr}`);
  assert.notEqual(done.stdout.trim(), "0", `nothing was there to damage: ${sql}`);
}

/**
 * Takes a copy of a company, changes it by the statements and asks the checks of a plugin: gives
 * those that have found something, and all of them, by name.
 */
export function checkDamaged(server, tenant, plugin, statements) {
  const folder = mkdtempSync(join(server.data, "damage-"));
  const copy = `${tenant}damaged`;
  must(server.data, ["backup", tenant, folder]);
  const [file] = readdirSync(folder).filter((name) => name.includes(tenant));
  const as = ["--as", copy, "--host", `${copy}.example.com`];
  must(server.data, ["restore", tenant, join(folder, file), ...as]);
  rmSync(folder, { recursive: true });
  const store = join(server.data, "tenants", copy, "tenant.db");
  for (const sql of statements) change(store, sql);
  const done = command(server.data, ["check", copy, "--json"]);
  must(server.data, ["tenant", "delete", copy, "--yes", copy]);
  const own = JSON.parse(done.stdout).checks.filter(({ name }) => name.startsWith(`${plugin}:`));
  const names = (list) => list.map(({ name }) => name.slice(plugin.length + 1)).sort();
  return { found: names(own.filter(({ ok }) => !ok)), all: names(own) };
}
