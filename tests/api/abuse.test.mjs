// abuse - what somebody tries who knows the interface well: replays, borrowed rights, narrow keys.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { test } from "node:test";
import { PASSWORD, world } from "../kit/world.mjs";

const LEADS = "/api/v1/records/lead";
const w = world({
  setup: async ({ acme }) => {
    await acme.ok("admin", "PUT", "/api/v1/admin/roles/lonely", {
      label: "Lonely",
      grants: { lead: { read: "all", create: true, update: "all", fields: { "*": "write" } } },
    });
    const body = { login: "lonely", name: "Lonely", roles: ["lonely"], password: PASSWORD };
    w.lonely = await acme.ok("admin", "POST", "/api/v1/admin/users", {
      ...body,
      manager: acme.users.manager,
      department: acme.departments.sales,
    });
  },
});

async function narrowKey(login, scopes) {
  const made = await w.acme.ok("admin", "POST", "/api/v1/admin/api-keys", {
    name: `narrow ${scopes}`,
    user: w.acme.users[login],
    scopes,
  });
  return made.token;
}

test("a read by POST takes no Idempotency-Key to heart", async () => {
  const headers = { "idempotency-key": "read-twice" };
  for (const path of [`${LEADS}/query`, "/api/v1/queries"]) {
    const body = path === "/api/v1/queries" ? { queries: [] } : {};
    const answer = await w.acme.as("sales1", "POST", path, { body, headers });
    assert.ok([200, 400].includes(answer.status), answer.text);
  }
  assert.doesNotMatch(w.server.log, /ended after/);
});

test("the Idempotency-Key sees bodies that are too long for a frame", async () => {
  const headers = { "idempotency-key": "long-bodies" };
  const body = (name) => ({
    items: Array.from({ length: 900 }, (_, i) => ({
      op: "create",
      values: { name: `${name} ${i}`, remark: "x".repeat(60) },
    })),
  });
  const first = await w.acme.as("sales1", "POST", `${LEADS}/bulk`, { body: body("a"), headers });
  assert.equal(first.status, 200, first.text.slice(0, 300));
  const second = await w.acme.as("sales1", "POST", `${LEADS}/bulk`, { body: body("b"), headers });
  assert.equal(second.status, 422, second.text.slice(0, 300));
});

test("one's own profile opens nobody else's", async () => {
  const plain = await w.acme.ok("lonely", "GET", "/api/v1/me");
  assert.equal(plain.login, "lonely");
  const asked = await w.acme.as("lonely", "GET", "/api/v1/me?expand=manager,department");
  assert.ok(!asked.text.includes(`manager ${w.acme.mark}`), asked.text);
});

test("a replay shows no more than its caller may see now", async () => {
  const made = { label: "Waning", grants: { lead: { read: "all", create: true } } };
  const role = (fields) => ({
    ...made,
    grants: { lead: { ...made.grants.lead, fields: { name: "write", ...fields } } },
  });
  const put = (fields) => w.acme.ok("admin", "PUT", "/api/v1/admin/roles/waning", role(fields));
  await put({ company: "write" });
  await w.acme.ok("admin", "POST", "/api/v1/admin/users", {
    login: "waning",
    name: "Waning",
    roles: ["waning"],
    password: PASSWORD,
  });
  const body = { name: "waning lead", company: "secret company" };
  const headers = { "idempotency-key": "waning" };
  const first = await w.acme.as("waning", "POST", LEADS, { body, headers });
  assert.equal(first.status, 201, first.text);
  assert.ok(first.text.includes("secret company"));
  const again = await w.acme.as("waning", "POST", LEADS, { body, headers });
  assert.equal(again.text, first.text);
  await put({ company: "none" });
  const later = await w.acme.as("waning", "POST", LEADS, { body, headers });
  assert.equal(later.status, 201, later.text);
  assert.ok(!later.text.includes("secret company"), later.text);
});

test("a key of narrow scopes gets no answer of its user by replay", async () => {
  const body = { name: "by session" };
  const headers = { "idempotency-key": "session-and-key" };
  const first = await w.acme.as("sales1", "POST", LEADS, { body, headers });
  assert.equal(first.status, 201, first.text);
  const token = await narrowKey("sales1", ["account:read"]);
  const again = await w.acme.as(null, "POST", LEADS, { body, headers, token });
  assert.ok([403, 404].includes(again.status), `${again.status} ${again.text}`);
});

test("a key of narrow scopes neither changes its user nor ends its sessions", async () => {
  const token = await narrowKey("sales2", ["lead:read"]);
  const session = await w.acme.signIn("sales2");
  const tries = [
    ["PATCH", "/api/v1/me", { name: "taken over" }],
    ["GET", "/api/v1/sessions", undefined],
    ["DELETE", "/api/v1/sessions", undefined],
  ];
  for (const [method, path, body] of tries) {
    const answer = await w.acme.as(null, method, path, { body, token });
    assert.equal(answer.status, 403, `${method} ${path}: ${answer.status} ${answer.text}`);
  }
  const still = await w.acme.as(null, "GET", "/api/v1/me", { token: session.token });
  assert.equal(still.status, 200);
});

test("an upsert tells nothing of records that may not be seen", async () => {
  const bulk = (company) => ({
    items: [{ op: "upsert", match: "company", data: { name: "probe", company } }],
  });
  await w.acme.create("sales3", "lead", { name: "hidden", company: "hidden company" });
  const answers = [];
  for (const company of ["hidden company", "no such company"]) {
    const { results } = await w.acme.ok("sales1", "POST", `${LEADS}/bulk`, bulk(company));
    answers.push({ ok: results[0].ok, op: results[0].op });
  }
  assert.deepEqual(answers[0], answers[1]);
});

test("a cached record of one person is not good for another", async () => {
  const { id } = await w.acme.create("sales1", "lead", { name: "cached" });
  const first = await w.acme.as("sales1", "GET", `${LEADS}/${id}`);
  const headers = { "if-none-match": first.headers.etag };
  assert.equal((await w.acme.as("sales1", "GET", `${LEADS}/${id}`, { headers })).status, 304);
  assert.equal((await w.acme.as("lonely", "GET", `${LEADS}/${id}`, { headers })).status, 200);
});

test("guessing at the old password locks like guessing at sign-in", async () => {
  const { token } = await w.acme.signIn("viewer");
  const guess = (current) =>
    w.acme.as(null, "POST", "/api/v1/me/password", {
      token,
      body: { current, password: "Another-Good-1-Perigee" },
    });
  const statuses = [];
  for (let i = 0; i < 6; i++) statuses.push((await guess(`wrong ${i}`)).status);
  assert.deepEqual(statuses.slice(0, 5), [422, 422, 422, 422, 422]);
  assert.equal(statuses[5], 429);
  assert.equal((await guess(PASSWORD)).status, 429, "the right one too, while it is locked");
});

test("what is quoted in a complaint stays inside its quotes", async () => {
  const odd = 'a","evil":{"b":1},"c":"d\\';
  const lead = await w.acme.create("sales1", "lead", { name: "quoted" });
  const path = `${LEADS}/${lead.id}`;
  const answer = await w.acme.as("sales1", "PATCH", path, { body: { status: odd } });
  assert.equal(answer.status, 422);
  assert.ok(answer.json, answer.text);
  const csv = Buffer.from("name\nx\n");
  const headers = { "content-type": "text/csv" };
  const made = await w.acme.as("manager", "POST", "/api/v1/imports?entity=lead", {
    body: csv,
    headers,
  });
  assert.equal(made.status, 201, made.text);
  for (const body of [{ mapping: { columns: { name: odd } } }, { match: odd }]) {
    const path = `/api/v1/imports/${made.json.id}/mapping`;
    const refused = await w.acme.as("manager", "PUT", path, { body });
    assert.equal(refused.status, 422, refused.text);
    assert.ok(refused.json, refused.text);
    assert.ok(!refused.text.includes('"evil":{'), refused.text);
  }
});

test("who is refused in a loop does not fill the audit log", async () => {
  for (let i = 0; i < 30; i++) {
    const answer = await w.acme.as("lonely", "GET", "/api/v1/admin/audit");
    assert.equal(answer.status, 403);
  }
  let rows = [];
  for (let wait = 0; wait < 50 && !rows.length; wait++) {
    await new Promise((done) => setTimeout(done, 20));
    const audit = await w.acme.ok("admin", "GET", "/api/v1/admin/audit?action=refused&limit=200");
    rows = audit.items.filter(({ actor }) => actor === w.lonely.id || actor?.id === w.lonely.id);
  }
  assert.ok(rows.length >= 1 && rows.length <= 4, `${rows.length} rows of 30 refusals`);
});

test("an import of users disables nobody and renames no login", async () => {
  const all = { read: "all", create: true, update: "all", import: true, fields: { "*": "write" } };
  await w.acme.ok("admin", "PUT", "/api/v1/admin/roles/clerk", {
    label: "Clerk",
    grants: { user: all },
  });
  const clerk = { login: "clerk", name: "Clerk", roles: ["clerk"], password: PASSWORD };
  await w.acme.ok("admin", "POST", "/api/v1/admin/users", clerk);
  const rows = {
    login: "login,active\nadmin,false\n",
    id: `id,login\n${w.acme.users.admin},evil\n`,
  };
  for (const [match, csv] of Object.entries(rows)) {
    const made = await w.acme.as("clerk", "POST", "/api/v1/imports?entity=user", {
      body: Buffer.from(csv),
      headers: { "content-type": "text/csv" },
    });
    const path = `/api/v1/imports/${made.json.id}`;
    const mapping = { match, mode: "update" };
    const set = await w.acme.as("clerk", "PUT", `${path}/mapping`, { body: mapping });
    if (set.status >= 300) continue;
    await w.acme.as("clerk", "POST", `${path}/run`, { body: {} });
    await w.acme.settled("clerk", path);
  }
  const { items } = await w.acme.ok("admin", "GET", "/api/v1/admin/users?login=admin");
  assert.equal(items[0].active, true);
  assert.equal(items[0].login, "admin");
});

test("an API key is no cookie", async () => {
  const key = await w.acme.ok("admin", "POST", "/api/v1/admin/api-keys", { name: "baked" });
  const headers = { cookie: `perigee=${key.token}` };
  const body = { name: "without a token of the page" };
  const written = await w.acme.as(null, "POST", LEADS, { body, headers });
  assert.equal(written.status, 401, written.text);
  assert.equal((await w.acme.as(null, "GET", "/api/v1/me", { headers })).status, 401);
});
