// reload - a company's bundle is deployed again and again while its people work, and nothing fails.
// SPDX-License-Identifier: MIT
//
// Each version stamps the leads that are saved under it, reads back through its own route and runs
// behind the commit. A request belongs to one version as a whole: what an answer says was stamped,
// is stored, and versions never go back.
import assert from "node:assert/strict";
import { test } from "node:test";
import { limit } from "../kit/limits.mjs";
import { bundle, packed } from "../kit/pack.mjs";
import { world } from "../kit/world.mjs";

const ID = "acme.live";
const DEPLOYS = `/api/v1/admin/plugins/${ID}/deploys`;
const LEADS = "/api/v1/records/lead";
const ROUNDS = 24;
const PEOPLE = ["sales1", "sales2", "manager"];
const w = world();

/* Every third version brings a field of its own, so that tables change, too. */
const version = (n) =>
  bundle(
    ID,
    {
      "entities/lead.json": {
        extend: "lead",
        fields: Array.from({ length: 1 + Math.floor(n / 3) }, (_, i) => ({
          no: i + 1,
          name: `x_stamp${i || ""}`,
          type: "int",
        })),
      },
      "init.lua": `local stamp = require("stamp")
crm.on("lead", "before_create", { id = "stamp" }, stamp.set)
crm.on("lead", "before_update", { id = "stamp" }, stamp.set)
crm.on("lead", "validate", { id = "judge" }, stamp.judge)
crm.on("lead", "after_commit", { id = "count" }, stamp.count)
crm.route("GET", "/version", stamp.version)
`,
      "stamp.lua": `local stamp = {}
function stamp.set(ev) ev.record.x_stamp = ${n} end
function stamp.judge(ev)
  if ev.record.x_stamp ~= ${n} then ev:fail("x_stamp", "of another version") end
end
function stamp.count(ev, ctx) ctx.kv:incr("told") end
function stamp.version(_, ctx) return { version = ${n}, told = ctx.kv:get("told") or 0 } end
return stamp
`,
    },
    { version: `1.${n}.0` },
  );

const deploy = (n) => w.acme.as("admin", "POST", DEPLOYS, packed(version(n)));
const broken = (n) => {
  const files = version(n);
  files["stamp.lua"] = files["stamp.lua"].replace("return stamp", "return stmp");
  return w.acme.as("admin", "POST", DEPLOYS, packed(files));
};

/** What one person does until it is over; gives how much, and every answer that is no success. */
async function work(tenant, login, state, stamped) {
  const failed = [];
  let done = 0;
  const ask = async (method, path, body) => {
    const answer = await tenant.as(login, method, path, { body });
    done += 1;
    if (answer.status >= 300) failed.push(`${method} ${path}: ${answer.status} ${answer.text}`);
    return answer.json ?? {};
  };
  for (let last = 0; !state.isOver;) {
    const name = `${login} ${done}`;
    const made = await ask("POST", LEADS, { name, phones: ["13800138000"] });
    if (!made.id) continue;
    const seen = await ask("GET", `${LEADS}/${made.id}`);
    const later = await ask("PATCH", `${LEADS}/${made.id}`, { company: name });
    await ask("GET", `${LEADS}?limit=5&sort=-score`);
    await ask("DELETE", `${LEADS}/${made.id}`);
    if (!stamped) continue;
    const { version: now } = await ask("GET", `/api/v1/x/${ID}/version`);
    assert.equal(seen.x_stamp, made.x_stamp, "what was answered is stored");
    for (const stamp of [made.x_stamp, later.x_stamp]) {
      assert.ok(stamp >= last, `version ${stamp} behind ${last}`);
      last = stamp;
    }
    assert.ok(Number.isInteger(now));
  }
  return { done, failed };
}

test("deploys under load: no request fails, at this company or another", async (t) => {
  assert.equal((await deploy(0)).status, 201);
  for (const tenant of [w.acme, w.globex])
    for (const login of [...PEOPLE, "sales3"]) await tenant.token(login);
  const state = { isOver: false };
  const all = [
    ...PEOPLE.map((login) => work(w.acme, login, state, true)),
    ...PEOPLE.map((login) => work(w.globex, login, state, false)),
  ];
  const versions = [];
  try {
    for (let n = 1; n <= ROUNDS; n += 1) {
      if (n % 5 === 0) assert.equal((await broken(n)).status, 422, "and the one before goes on");
      const answer = await deploy(n);
      assert.equal(answer.status, 201, answer.text);
      const made = await w.acme.create("sales3", "lead", { name: `right after ${n}` });
      versions.push(made.x_stamp);
    }
  } finally {
    state.isOver = true;
  }
  const results = await Promise.all(all);
  assert.deepEqual(
    versions,
    Array.from({ length: ROUNDS }, (_, i) => i + 1),
    "who asks behind a deploy meets it",
  );
  assert.deepEqual(
    results.flatMap(({ failed }) => failed),
    [],
  );
  const counts = results.map(({ done }) => done);
  t.diagnostic(`requests of each person during ${ROUNDS} deploys: ${counts}`);
  for (const count of counts) assert.ok(count >= ROUNDS, `${counts}`);
});

test("going back under load is the same", async () => {
  const state = { isOver: false };
  const all = ["sales1", "sales2"].map((login) => work(w.globex, login, state, false));
  try {
    for (let n = 0; n < 6; n += 1) {
      const path = `/api/v1/admin/plugins/${ID}/rollback`;
      assert.equal((await w.acme.as("admin", "POST", path, { body: {} })).status, 200);
      const made = await w.acme.create("sales1", "lead", { name: `back ${n}` });
      assert.equal(made.x_stamp, n % 2 ? ROUNDS : ROUNDS - 1);
    }
  } finally {
    state.isOver = true;
  }
  for (const { failed } of await Promise.all(all)) assert.deepEqual(failed, []);
});

test("only so many deploys are kept, and each of them can be gone back to", async () => {
  const { items } = await w.acme.ok("admin", "GET", DEPLOYS);
  const kept = new Set(items.filter(({ kept: is }) => is).map(({ hash }) => hash));
  assert.equal(kept.size, limit("DEPLOYS_KEPT"));
  const oldest = items.findLast(({ hash }) => kept.has(hash));
  const path = `/api/v1/admin/plugins/${ID}/rollback`;
  await w.acme.ok("admin", "POST", path, { hash: oldest.hash });
  const made = await w.acme.create("sales1", "lead", { name: "as then" });
  assert.equal(`1.${made.x_stamp}.0`, oldest.version);
});
