// bulk_undo - many changes are taken back: by who may, and nobody's later work with them.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { test } from "node:test";
import { world } from "../kit/world.mjs";

const LEADS = "/api/v1/records/lead";
const w = world({});
const make = (more = {}) => w.acme.create("sales1", "lead", { name: "many", ...more });
const bulk = async (login, items, undo = true) => {
  const body = { items, atomic: false, undo };
  const answer = await w.acme.as(login, "POST", `${LEADS}/bulk`, { body });
  assert.equal(answer.status, 200, answer.text);
  return answer.json;
};
const undo = (job, login = "sales1", company = w.acme) =>
  company.as(login, "POST", `/api/v1/jobs/${job}/undo`, { body: {} });
const read = async (id) => (await w.acme.as("admin", "GET", `${LEADS}/${id}`)).json;
const remove = ({ id }) => ({ op: "delete", id });

test("what was deleted comes back, and only once", async () => {
  const leads = [await make(), await make(), await make()];
  const { job, left } = await bulk("sales1", leads.slice(0, 2).map(remove));
  assert.equal(left, 2);
  await w.acme.as("sales1", "DELETE", `${LEADS}/${leads[2].id}`);
  const back = await undo(job);
  assert.equal(back.status, 200, back.text);
  assert.deepEqual([back.json.done, back.json.failed, back.json.left], [2, 0, 0]);
  assert.equal((await read(leads[0].id)).name, "many");
  assert.equal((await w.acme.as("sales1", "GET", `${LEADS}/${leads[2].id}`)).status, 404);
  const again = await undo(job);
  assert.deepEqual([again.status, again.json.done, again.json.results], [200, 0, []]);
  const told = await w.acme.ok("sales1", "GET", `/api/v1/jobs/${job}`);
  assert.deepEqual(
    [told.queue, told.state, told.result.op, told.result.undone, told.result.left],
    ["bulk", "done", "delete", 2, 0],
  );
});

test("what was changed has its values again; later work stays and is told", async () => {
  const leads = [await make({ company: "一" }), await make({ company: "二" }), await make()];
  const items = leads.map(({ id }) => ({ op: "update", id, data: { company: "all" } }));
  const { job } = await bulk("sales1", items);
  await w.acme.ok("sales1", "PATCH", `${LEADS}/${leads[1].id}`, { title: "later" });
  const { json } = await undo(job);
  assert.deepEqual([json.done, json.failed], [2, 1], JSON.stringify(json));
  const refused = json.results.find((one) => !one.ok);
  assert.equal(refused.error.code, "changed_since");
  assert.equal((await read(leads[0].id)).company, "一");
  assert.equal((await read(leads[1].id)).company, "all");
  assert.equal((await read(leads[2].id)).company, null);
});

test("an owner is given back, and what failed has nothing to undo", async () => {
  const lead = await make();
  const items = [
    { op: "update", id: lead.id, data: { owner: w.acme.users.manager } },
    { op: "update", id: lead.id, data: { visits: -1 } },
    { op: "delete", id: w.acme.users.admin },
  ];
  const first = await bulk("manager", items);
  assert.deepEqual([first.done, first.failed, first.left], [1, 2, 1]);
  const { json } = await undo(first.job, "manager");
  assert.equal(json.done, 1, JSON.stringify(json));
  assert.equal((await read(lead.id)).owner, w.acme.users.sales1);
});

test("one work of several calls is taken back as one; of another it is not", async () => {
  const leads = [await make(), await make()];
  const first = await bulk("sales1", [remove(leads[0])]);
  const second = await bulk("sales1", [remove(leads[1])], first.job);
  assert.deepEqual([second.job, second.left], [first.job, 2]);
  const body = { items: [remove(leads[0])], undo: first.job };
  const other = await w.acme.as("sales2", "POST", `${LEADS}/bulk`, { body });
  assert.equal(other.status, 404, other.text);
  const { json } = await undo(first.job);
  assert.equal(json.done, 2);
  const late = await w.acme.as("sales1", "POST", `${LEADS}/bulk`, { body });
  assert.equal(late.status, 409, late.text);
});

test("nobody else takes it back, and who does has the rights of now", async () => {
  const lead = await make({ company: "before" });
  const { job } = await bulk("sales1", [
    { op: "update", id: lead.id, data: { company: "after" } },
  ]);
  assert.equal((await undo(job, "sales2")).status, 404);
  assert.equal((await undo(job, "admin", w.globex)).status, 404);
  const made = await make({ name: "given away" });
  const second = await bulk("sales1", [remove(made)]);
  await w.acme.ok("admin", "PATCH", `/api/v1/admin/users/${w.acme.users.sales1}`, {
    roles: ["viewer"],
  });
  for (const { job: id, status } of [
    { job, status: 403 },
    { job: second.job, status: 403 },
  ]) {
    const { json } = await undo(id);
    assert.deepEqual([json.done, json.failed], [0, 1], JSON.stringify(json));
    assert.equal(json.results[0].status, status);
  }
  assert.equal((await read(lead.id)).company, "after");
});

test("what is no bulk has nothing to undo", async () => {
  const made = await w.acme.ok("admin", "POST", "/api/v1/exports", { entity: "lead" });
  assert.equal((await undo(made.id, "admin")).status, 409);
});
