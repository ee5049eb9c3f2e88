// heavy - reads that are too much for a gateway: answered elsewhere, and nothing is held here.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { test } from "node:test";
import { limit } from "../kit/limits.mjs";
import { world } from "../kit/world.mjs";

const TEAMS = "/api/v1/records/team";
const ROWS = 6000;
const w = world({
  staff: false,
  processes: [1, 1, 2],
  setup: async ({ acme }) => {
    for (let at = 0; at < ROWS; at += 1000) {
      const items = Array.from({ length: 1000 }, (_, i) => ({
        op: "create",
        data: { name: `team number ${at + i} of a company with very many teams` },
      }));
      await acme.ok("admin", "POST", `${TEAMS}/bulk`, { items });
    }
    w.team = (await acme.create("admin", "team", { name: "first name" })).id;
  },
});

/* Every row is compared with many texts, none of which it holds: more than READ_CPU_US_MAX. */
const or = Array.from({ length: 30 }, (_, i) => ({ name: { contains: `no such text ${i}` } }));
function heavy() {
  const path = `${TEAMS}?count=true&filter=${encodeURIComponent(JSON.stringify({ or }))}`;
  return w.acme.as("admin", "GET", path);
}

test("beside reads that wait elsewhere, the gateway sees what was written", async () => {
  const first = await heavy();
  assert.equal(first.status, 200, first.text);
  assert.equal(first.json.count, 0);
  for (let round = 0; round < 2; round++) {
    const waiting = Array.from({ length: 4 }, heavy);
    const name = `name ${round}`;
    await new Promise((done) => setTimeout(done, 5));
    await w.acme.ok("admin", "PATCH", `${TEAMS}/${w.team}`, { name });
    const seen = await w.acme.ok("admin", "GET", `${TEAMS}/${w.team}`);
    assert.equal(seen.name, name);
    for (const answer of await Promise.all(waiting)) assert.equal(answer.status, 200, answer.text);
  }
});

test("answers of many long records end early, page by page, and are whole", async () => {
  const LEADS = "/api/v1/records/lead";
  const text = "长".repeat(60_000);
  for (let i = 0; i < 40; i++) {
    await w.acme.create("admin", "lead", { name: "long", original_message: text });
  }
  const seen = new Set();
  let cursor;
  do {
    const more = cursor ? `&cursor=${encodeURIComponent(cursor)}` : "";
    const page = await w.acme.ok("admin", "GET", `${LEADS}?limit=200${more}`);
    for (const { id } of page.items) seen.add(id);
    cursor = page.next;
  } while (cursor);
  assert.equal(seen.size, 40);
  const queries = Array.from({ length: 20 }, () => ({ entity: "lead", limit: 200 }));
  const { results } = await w.acme.ok("admin", "POST", "/api/v1/queries", { queries });
  assert.equal(results.length, 20);
  for (const { items, next } of results) assert.ok(items.length >= 1 && next);
  // Together with a heavy one they are answered by a runner, and leave it as a file.
  const mixed = [{ entity: "team", filter: { or }, count: true }, queries[0], queries[1]];
  const large = await w.acme.as("admin", "POST", "/api/v1/queries", { body: { queries: mixed } });
  assert.equal(large.status, 200, large.text.slice(0, 400));
  assert.ok(large.bytes.length > limit("ANSWER_INLINE_BYTES_MAX"), `${large.bytes.length} bytes`);
  assert.deepEqual(large.json.results.slice(1), results.slice(0, 2));
  const board = await w.acme.ok("admin", "POST", `${LEADS}/board`, {
    group_by: "status",
    limit: 200,
  });
  assert.equal(board.columns.reduce((sum, { count }) => sum + count, 0), 40);
});
