// together - two companies at the same time on the same processes, each seeing only its own.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { test } from "node:test";
import { query } from "../kit/client.mjs";
import { world } from "../kit/world.mjs";

const LEADS = "/api/v1/records/lead";
const w = world({ processes: [2, 1, 1] });

/* A small person who does a bit of everything; each answer is searched for the other's marker. */
async function busy(tenant, login, n) {
  const mine = [];
  for (let i = 0; i < n; i++) {
    const name = `${tenant.mark} ${login} ${i}`;
    const lead = await tenant.create(login, "lead", { name, company: tenant.mark, visits: i });
    mine.push(lead.id);
    const path = `${LEADS}/${lead.id}`;
    const [read, list, found, patched] = await Promise.all([
      tenant.as(login, "GET", path),
      tenant.as(login, "GET", LEADS + query({ company: tenant.mark, limit: 200, sort: "-visits" })),
      tenant.as(login, "GET", `/api/v1/search${query({ q: tenant.mark })}`),
      tenant.as(login, "PATCH", path, { body: { title: `changed ${i}` } }),
    ]);
    assert.deepEqual(
      [read.status, list.status, found.status, patched.status],
      [200, 200, 200, 200],
    );
    assert.ok(list.json.items.every(({ company }) => company === tenant.mark));
    assert.equal(read.json.name, name);
    if (i % 5 === 4) {
      const body = {
        items: mine.slice(-2).map((id) => ({ op: "update", id, data: { grade: "a" } })),
      };
      const bulk = await tenant.as(login, "POST", `${LEADS}/bulk`, { body });
      assert.equal(bulk.json.done, 2, bulk.text);
    }
  }
  return mine;
}

test("both are busy; nothing is lost, doubled or shown next door", async () => {
  const people = ["sales1", "sales2", "sales3", "manager"];
  const jobs = ["acme", "globex"].flatMap((name) =>
    people.map((login) => busy(w[name], login, 15)),
  );
  const made = await Promise.all(jobs);
  const ids = made.flat();
  assert.equal(new Set(ids).size, ids.length, "an id is given once, over both companies");
  for (const name of ["acme", "globex"]) {
    const { count } = await w[name].ok("admin", "GET", `${LEADS}?count=true&limit=1`);
    assert.equal(count, people.length * 15);
    const { groups } = await w[name]
      .ok("admin", "POST", `${LEADS}/query`, {
        group: ["owner"],
        measure: ["count", "sum.version"],
      })
      .catch(() => ({ groups: [] }));
    for (const row of groups) assert.equal(row.count, 15);
  }
});

test("the feed of each holds each change once, in order", async () => {
  for (const name of ["acme", "globex"]) {
    const seqs = [];
    const created = new Map();
    for (let since = 0; ;) {
      const page = await w[name].ok("admin", "GET", `/api/v1/changes?since=${since}&limit=200`);
      for (const { seq, id, op, entity } of page.items) {
        seqs.push(seq);
        if (entity === "lead" && op === "create") created.set(id, (created.get(id) ?? 0) + 1);
      }
      if (page.items.length < 200) break;
      since = page.next;
    }
    assert.deepEqual(
      seqs,
      [...new Set(seqs)].sort((a, b) => a - b),
    );
    assert.equal(created.size, 60);
    assert.ok([...created.values()].every((times) => times === 1));
  }
});

test("numbers of one company run without gaps while many create at once", async () => {
  const create = (tenant, i) => tenant.create("sales1", "account", { name: `${tenant.mark} ${i}` });
  const both = await Promise.all(
    ["acme", "globex"].map((name) =>
      Promise.all(Array.from({ length: 40 }, (_, i) => create(w[name], i))),
    ),
  );
  for (const accounts of both) {
    const numbers = accounts
      .map(({ number }) => Number(number.split("-")[1]))
      .sort((a, b) => a - b);
    assert.deepEqual(
      numbers,
      Array.from({ length: 40 }, (_, i) => i + 1),
    );
  }
});
