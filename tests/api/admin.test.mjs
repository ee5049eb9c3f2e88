// admin - users, roles, departments, dictionaries, settings, views and the audit log.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { test } from "node:test";
import { limit } from "../kit/limits.mjs";
import { query } from "../kit/client.mjs";
import { scenarios } from "../kit/scenario.mjs";
import { PASSWORD, world } from "../kit/world.mjs";

const ADMIN = "/api/v1/admin";
const w = world();

const post = (path, body, name, status, more = {}) => ({
  name,
  method: "POST",
  path: `${ADMIN}/${path}`,
  body,
  status,
  ...more,
});
const user = (more) => ({
  login: "somebody",
  name: "Somebody",
  roles: ["viewer"],
  password: PASSWORD,
  ...more,
});

scenarios(w, [
  post("users", user({ login: "sales1" }), "a login is given once", [409, 422], {
    contains: "login",
  }),
  post("users", user({ login: "" }), "a login is not empty", 422),
  post("users", user({ login: "a b" }), "a login has no spaces", 422, {
    fields: { login: "bad_login" },
  }),
  post("users", user({ roles: ["king"] }), "a role exists", 422, { contains: "roles" }),
  post("users", user({ password: "short" }), "a password is long enough", 422, {
    contains: "password",
  }),
  post("users", user({ password: "password" }), "a password is not known to everybody", 422),
  post("users", user({ team: "0000000000009" }), "a team exists", 422, { contains: "team" }),
  post("users", user({ shoe: 44 }), "a user has no such member", 422, {
    fields: { shoe: "unknown_field" },
  }),
  post("departments", {}, "a department has a name", 422, { contains: "name" }),
  post("departments", { name: "x", parent: "0000000000009" }, "a parent exists", 422),
  { name: "an unknown user", path: `${ADMIN}/users/0000000000009`, status: 404 },
  { name: "an unknown role", path: `${ADMIN}/roles/king`, status: 404 },
  { name: "an unknown dictionary", path: `${ADMIN}/dictionaries/nothing`, status: 404 },
  {
    name: "a role grants only what there is",
    method: "PUT",
    path: `${ADMIN}/roles/odd`,
    body: { grants: { lead: { read: "sometimes" } } },
    status: 422,
  },
  {
    name: "a role's rule names only fields there are",
    method: "PUT",
    path: `${ADMIN}/roles/odd`,
    body: { grants: { lead: { read: { colour: "red" } } } },
    status: 422,
  },
]);

test("users: made, listed, read, changed; a password is never shown", async () => {
  const made = await w.acme.as("admin", "POST", `${ADMIN}/users`, {
    body: user({ login: "new.user" }),
  });
  assert.equal(made.status, 201, made.text);
  const path = `${ADMIN}/users/${made.json.id}`;
  assert.equal(made.headers.location, path);
  const listed = await w.acme.as("admin", "GET", `${ADMIN}/users?limit=200`);
  assert.ok(listed.json.items.some(({ login }) => login === "new.user"));
  const patched = await w.acme.ok("admin", "PATCH", path, {
    name: "Other",
    roles: ["sales", "viewer"],
  });
  assert.equal(patched.name, "Other");
  const read = await w.acme.as("admin", "GET", path);
  assert.deepEqual(read.json.roles.sort(), ["sales", "viewer"]);
  for (const answer of [made, listed, read]) {
    assert.ok(!answer.text.includes("argon2") && !answer.text.includes(PASSWORD));
  }
  await w.acme.ok("admin", "POST", `${path}/password`, { password: "Completely-New-88" });
  await w.acme.signIn("new.user", "Completely-New-88");
  const { token } = await w.acme.signIn("new.user", "Completely-New-88");
  const ended = await w.acme.as("admin", "DELETE", `${path}/sessions`);
  assert.equal(ended.status, 204);
  assert.equal((await w.acme.as(null, "GET", "/api/v1/me", { token })).status, 401);
});

test("the last administrator stays one", async () => {
  const path = `${ADMIN}/users/${w.acme.users.admin}`;
  for (const body of [{ roles: ["viewer"] }, { active: false }]) {
    const answer = await w.acme.as("admin", "PATCH", path, { body });
    assert.ok([403, 409, 422].includes(answer.status), `${JSON.stringify(body)}: ${answer.text}`);
  }
  assert.equal((await w.acme.as("admin", "GET", `${ADMIN}/users`)).status, 200);
});

test("an administrator of users alone cannot make a greater one", async () => {
  const grants = { label: "Staff desk", grants: {}, admin: ["users"] };
  await w.acme.ok("admin", "PUT", `${ADMIN}/roles/desk`, grants);
  const body = user({ login: "desk", roles: ["desk"] });
  await w.acme.ok("admin", "POST", `${ADMIN}/users`, body);
  assert.equal((await w.acme.as("desk", "GET", `${ADMIN}/users`)).status, 200);
  assert.equal((await w.acme.as("desk", "GET", `${ADMIN}/audit`)).status, 403);
  const king = await w.acme.as("desk", "POST", `${ADMIN}/users`, {
    body: user({ login: "king", roles: ["admin"] }),
  });
  assert.equal(king.status, 403, king.text);
  const self = await w.acme.ok("desk", "GET", "/api/v1/me");
  const up = await w.acme.as("desk", "PATCH", `${ADMIN}/users/${self.id}`, {
    body: { roles: ["admin"] },
  });
  assert.equal(up.status, 403, up.text);
  const take = await w.acme.as("desk", "POST", `${ADMIN}/users/${w.acme.users.admin}/password`, {
    body: { password: "Taken-Over-1234" },
  });
  assert.equal(take.status, 403, take.text);
});

test("roles: listed with the plugins', made, changed and deleted", async () => {
  const listed = await w.acme.ok("admin", "GET", `${ADMIN}/roles`);
  const names = listed.items.map(({ name }) => name);
  for (const name of ["admin", "viewer", "sales", "sales_manager"])
    assert.ok(names.includes(name), name);
  const path = `${ADMIN}/roles/reader`;
  await w.acme.ok("admin", "PUT", path, { label: "Reader", grants: { lead: { read: "all" } } });
  const read = await w.acme.ok("admin", "GET", path);
  assert.equal(read.grants.lead.read, "all");
  assert.equal((await w.globex.as("admin", "GET", path)).status, 404);
  const gone = await w.acme.as("admin", "DELETE", path);
  assert.equal(gone.status, 204, gone.text);
  assert.equal((await w.acme.as("admin", "GET", path)).status, 404);
  const declared = await w.acme.as("admin", "DELETE", `${ADMIN}/roles/sales`);
  assert.ok(declared.status >= 400, declared.text);
});

test("departments: a tree without circles; one in use stays", async () => {
  const path = (id) => `${ADMIN}/departments/${id}`;
  const { head, sales, marketing } = w.acme.departments;
  const listed = await w.acme.ok("admin", "GET", `${ADMIN}/departments`);
  assert.deepEqual(listed.items.map(({ name, depth }) => [name, depth]).sort(), [
    ["head", 0],
    ["marketing", 1],
    ["sales", 1],
  ]);
  const circle = await w.acme.as("admin", "PATCH", path(head), { body: { parent: sales } });
  assert.ok([409, 422].includes(circle.status), circle.text);
  const self = await w.acme.as("admin", "PATCH", path(sales), { body: { parent: sales } });
  assert.ok([409, 422].includes(self.status), self.text);
  const used = await w.acme.as("admin", "DELETE", path(sales));
  assert.equal(used.status, 409, used.text);
  const moved = await w.acme.ok("admin", "PATCH", path(marketing), { parent: sales });
  assert.equal(moved.depth, 2);
  // What moved is seen by the head of where it went, at once.
  const lead = await w.acme.create("sales3", "lead", { name: "moved along" });
  assert.equal((await w.acme.as("manager", "GET", `/api/v1/records/lead/${lead.id}`)).status, 200);
  await w.acme.ok("admin", "PATCH", path(marketing), { parent: head });
  assert.equal((await w.acme.as("manager", "GET", `/api/v1/records/lead/${lead.id}`)).status, 404);
  const empty = await w.acme.ok("admin", "POST", `${ADMIN}/departments`, {
    name: "empty",
    parent: head,
  });
  assert.equal((await w.acme.as("admin", "DELETE", path(empty.id))).status, 204);
});

test("dictionaries: listed, read, and a new value can be used at once", async () => {
  const listed = await w.acme.ok("admin", "GET", `${ADMIN}/dictionaries`);
  assert.ok(listed.items.some(({ name }) => name === "industry"));
  const path = `${ADMIN}/dictionaries/industry`;
  const before = await w.acme.ok("admin", "GET", path);
  const values = before.values ?? before.items;
  assert.ok(values.length > 3, JSON.stringify(before));
  const create = (tenant) =>
    tenant.as("sales1", "POST", "/api/v1/records/account", {
      body: { name: "miner", industry: "mining" },
    });
  assert.equal((await create(w.acme)).status, 422);
  const key = before.values ? "values" : "items";
  await w.acme.ok("admin", "PUT", path, { [key]: [...values, { value: "mining", label: "采矿" }] });
  assert.equal((await create(w.acme)).status, 201);
  assert.equal((await create(w.globex)).status, 422, "of this company alone");
});

test("a dictionary has so many values, and no more", async () => {
  const path = `${ADMIN}/dictionaries/industry`;
  const before = await w.globex.ok("admin", "GET", path);
  const most = limit("DICTIONARY_VALUES_MAX");
  const more = Array.from({ length: most + 1 - before.values.length }, (_, i) => ({
    value: `v${i}`,
    label: `V ${i}`,
  }));
  const put = (values) => w.globex.as("admin", "PUT", path, { body: { values } });
  const beyond = await put([...before.values, ...more]);
  assert.equal(beyond.status, 422, beyond.text.slice(0, 400));
  assert.deepEqual(Object.keys(beyond.json.error.fields), ["values"]);
  assert.match(beyond.json.error.fields.values[0].message, new RegExp(`最多 ${most}`));
  const same = await w.globex.ok("admin", "GET", path);
  assert.equal(same.values.length, before.values.length, "nothing has changed");
  assert.ok((await put([...before.values, ...more.slice(1)])).status < 300);
  // With a dictionary as large as that everybody is served, and a value of it can be used.
  for (let i = 0; i < 4; i++) await w.globex.ok("admin", "GET", "/api/v1/me");
  const account = { name: "the last one", industry: more.at(-1).value };
  await w.globex.ok("sales1", "POST", "/api/v1/records/account", account);
});

test("settings are read and changed within their bounds", async () => {
  const before = await w.acme.ok("admin", "GET", `${ADMIN}/settings`);
  assert.ok(JSON.stringify(before).includes("zqacmezq company"));
  const patched = await w.acme.ok("admin", "PATCH", `${ADMIN}/settings`, {
    title: "zqacmezq renamed",
  });
  assert.ok(JSON.stringify(patched).includes("renamed"));
  for (const body of [{ timezone: "Mars/Olympus" }, { colour: "red" }, { currency: "GOLD" }]) {
    const answer = await w.acme.as("admin", "PATCH", `${ADMIN}/settings`, { body });
    assert.equal(answer.status, 422, `${JSON.stringify(body)}: ${answer.text}`);
  }
  const theirs = await w.globex.ok("admin", "GET", `${ADMIN}/settings`);
  assert.ok(JSON.stringify(theirs).includes("zqglobexzq company"));
});

/* What two people edit at once: the second is told that it has moved on, and nothing is lost. */
test("documents known by name have a version, and an older one is refused", async () => {
  await w.acme.ok("admin", "PUT", `${ADMIN}/roles/shared`, { label: "Shared", grants: {} });
  const { values } = await w.acme.ok("admin", "GET", `${ADMIN}/dictionaries/region`);
  const server = { host: "mail.example.com", from: "crm@example.com" };
  const documents = [
    ["PUT", "roles/shared", (n) => ({ label: `Shared ${n}`, grants: { lead: { read: "own" } } })],
    ["PUT", "roles/viewer", (n) => ({ label: `Viewer ${n}`, grants: { "*": { read: "all" } } })],
    ["PUT", "dictionaries/region", (n) => ({ values: [...values, { value: `r${n}` }] })],
    ["PATCH", "settings", (n) => ({ title: `zqacmezq company ${n}` })],
    ["PUT", "mail", (n) => ({ ...server, from_name: `From ${n}` })],
  ];
  for (const [method, place, body] of documents) {
    const path = `${ADMIN}/${place}`;
    const send = (more, headers) =>
      w.acme.as("admin", method, path, { body: { ...body(more.n), ...more.body }, headers });
    const read = await w.acme.as("admin", "GET", path);
    const { version } = read.json;
    assert.ok(Number.isSafeInteger(version) && version > 0, `${place}: ${version}`);
    assert.equal(read.headers.etag, `"${place.split("/").pop()}-${version}"`);
    const first = await send({ n: 1, body: { version } });
    assert.equal(first.status, 200 + Number(place === "roles/viewer"), first.text);
    assert.notEqual(first.json.version, version, place);
    const second = await send({ n: 2, body: { version } });
    assert.deepEqual([second.status, second.json.error.version], [412, first.json.version], place);
    const tagged = await send({ n: 2 }, { "if-match": read.headers.etag });
    assert.equal(tagged.status, 412, tagged.text);
    const now = await w.acme.as("admin", "GET", path, { headers: { "accept-language": "en" } });
    assert.equal(now.json.version, first.json.version, `${place} in another language`);
    const third = await send({ n: 2 }, { "if-match": first.headers.etag });
    assert.equal(third.status, 200, third.text);
    const bad = await send({ n: 3, body: { version: "new" } });
    assert.deepEqual(Object.keys(bad.json.error.fields), ["version"], bad.text);
    assert.equal((await send({ n: 3 })).status, 200, "without a condition the last one wins");
    assert.equal((await send({ n: 3 }, { "if-match": "*" })).status, 200);
    assert.equal((await w.acme.as("viewer", method, path, { body: body(4) })).status, 403);
  }
  for (const name of ["shared", "viewer"]) {
    const path = `${ADMIN}/roles/${name}`;
    const headers = { "if-match": '"shared-1"' };
    assert.equal((await w.acme.as("admin", "DELETE", path, { headers })).status, 412);
    const made = { label: "mine", grants: {} };
    const taken = { body: made, headers: { "if-none-match": "*" } };
    assert.equal((await w.acme.as("admin", "PUT", path, taken)).status, 412);
    assert.equal((await w.acme.as("admin", "DELETE", path)).status, 204);
  }
  const gone = { body: { label: "x", grants: {} }, headers: { "if-match": "*" } };
  assert.equal((await w.acme.as("admin", "PUT", `${ADMIN}/roles/shared`, gone)).status, 412);
  const presets = await w.acme.ok("admin", "PUT", `${ADMIN}/dictionaries/region`, { values: [] });
  assert.equal(presets.version, undefined, "what is back is read, not guessed");
});

test("settings of a plugin have a version, in the head alone", async () => {
  const path = `${ADMIN}/plugins/leads/config`;
  const read = await w.acme.as("admin", "GET", path);
  const { etag } = read.headers;
  assert.match(etag, /^"leads-\d+"$/);
  const put = (body, headers) => w.acme.as("admin", "PUT", path, { body, headers });
  const [name] = Object.entries(read.json).find(([, value]) => Number.isInteger(value));
  const first = await put({ [name]: read.json[name] + 1 }, { "if-match": etag });
  assert.equal(first.status, 200, first.text);
  const second = await put({ [name]: read.json[name] + 2 }, { "if-match": etag });
  assert.equal(second.status, 412, second.text);
  assert.equal((await w.acme.ok("admin", "GET", path))[name], read.json[name] + 1);
  const third = await put({ [name]: read.json[name] }, { "if-match": first.headers.etag });
  assert.equal(third.status, 200, third.text);
});

test("views: my own, shared ones, never another's", async () => {
  const body = {
    entity: "lead",
    kind: "list",
    name: "hot",
    body: { columns: ["name"], filter: { grade: "a" } },
  };
  const made = await w.acme.as("sales1", "POST", "/api/v1/views", { body });
  assert.equal(made.status, 201, made.text);
  const path = `/api/v1/views/${made.json.id}`;
  const list = async (login) =>
    (await w.acme.ok(login, "GET", "/api/v1/views")).items.map(({ id }) => id);
  assert.ok((await list("sales1")).includes(made.json.id));
  assert.ok(!(await list("sales2")).includes(made.json.id));
  assert.equal((await w.acme.as("sales2", "PATCH", path, { body: { name: "mine" } })).status, 404);
  assert.equal((await w.acme.as("sales2", "DELETE", path)).status, 404);
  assert.equal((await w.globex.as("admin", "DELETE", path)).status, 404);
  const renamed = await w.acme.ok("sales1", "PATCH", path, { name: "hotter" });
  assert.equal(renamed.name, "hotter");
  assert.equal((await w.acme.as("sales1", "DELETE", path)).status, 204);
  assert.ok(!(await list("sales1")).includes(made.json.id));
});

test("my profile: read and changed", async () => {
  const body = { phone: "13800138000", locale: "en" };
  const bare = await w.acme.as("sales1", "PATCH", "/api/v1/me", { body });
  assert.equal(bare.status, 422, bare.text); // letters and codes go there: it asks for the password
  const patched = await w.acme.ok("sales1", "PATCH", "/api/v1/me", { ...body, current: PASSWORD });
  assert.equal(patched.locale, "en");
  const me = await w.acme.ok("sales1", "GET", "/api/v1/me");
  assert.equal(me.login, "sales1");
  assert.equal(me.locale, "en");
});

test("the audit log names who did what, filters, and cannot be changed", async () => {
  await w.acme.as("viewer", "GET", `${ADMIN}/users`);
  const audit = await w.acme.ok("admin", "GET", `${ADMIN}/audit?limit=200`);
  const actions = audit.items.map(({ action }) => action);
  for (const action of ["user.create", "user.roles"]) {
    assert.ok(actions.includes(action), `${action} in ${[...new Set(actions)].join(" ")}`);
  }
  assert.ok(
    actions.some((action) => /sign|session/.test(action)),
    [...new Set(actions)].join(" "),
  );
  assert.ok(actions.some((action) => /role/.test(action)));
  const some = await w.acme.ok(
    "admin",
    "GET",
    `${ADMIN}/audit${query({ action: "user.create", limit: 200 })}`,
  );
  assert.ok(some.items.length > 0 && some.items.every(({ action }) => action === "user.create"));
  for (const method of ["POST", "PUT", "PATCH", "DELETE"]) {
    const answer = await w.acme.as("admin", method, `${ADMIN}/audit`, { body: {} });
    assert.equal(answer.status, 405, method);
  }
  const pages = [];
  for (let cursor; ;) {
    const page = await w.acme.ok(
      "admin",
      "GET",
      `${ADMIN}/audit${query({ limit: 7, ...(cursor ? { cursor } : {}) })}`,
    );
    pages.push(...page.items.map(({ seq }) => seq));
    cursor = page.next;
    if (!cursor) break;
  }
  assert.equal(new Set(pages).size, pages.length);
  assert.ok(pages.length >= audit.items.length);
});
