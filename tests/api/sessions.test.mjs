// sessions - signing in and out, cookies, lock-out, API keys.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { test } from "node:test";
import { Client, query } from "../kit/client.mjs";
import { play, scenarios } from "../kit/scenario.mjs";
import { PASSWORD, world } from "../kit/world.mjs";

const w = world();
const SESSIONS = "/api/v1/sessions";

test("signing in tells token, time and user, and never the password", async () => {
  const answer = await w.acme.as(null, "POST", SESSIONS, {
    body: { login: "sales1", password: PASSWORD },
  });
  assert.equal(answer.status, 201);
  assert.match(answer.json.token, /^ps_[\w-]{43}$/);
  assert.equal(answer.json.user.login, "sales1");
  assert.ok(Date.parse(answer.json.expires_at) > Date.now());
  assert.ok(!answer.text.includes(PASSWORD));
  assert.match(answer.headers["cache-control"] ?? "", /no-store/);
});

test("the login is taken in any case of letters", async () => {
  const session = await w.acme.signIn("SALES1");
  assert.equal(session.user.login, "sales1");
});

scenarios(w, [
  {
    name: "a wrong password is 401 in the language of the reader",
    method: "POST",
    path: SESSIONS,
    as: null,
    body: { login: "viewer", password: "not the password" },
    headers: { "accept-language": "zh-CN" },
    status: 401,
    code: "bad_credentials",
    contains: "账号或密码不正确",
  },
  {
    name: "an unknown login gets the same answer as a wrong password",
    method: "POST",
    path: SESSIONS,
    as: null,
    body: { login: "nobody.at.all", password: "not the password" },
    headers: { "accept-language": "en" },
    status: 401,
    code: "bad_credentials",
    contains: "The login or the password is wrong.",
  },
  {
    name: "a user of another company does not exist here",
    method: "POST",
    path: SESSIONS,
    as: null,
    tenant: "globex",
    body: { login: "only.acme", password: PASSWORD },
    status: 401,
    code: "bad_credentials",
  },
  {
    name: "both members are asked for",
    method: "POST",
    path: SESSIONS,
    as: null,
    body: {},
    status: 422,
    fields: { login: "required", password: "required" },
  },
  {
    name: "an unknown member is refused",
    method: "POST",
    path: SESSIONS,
    as: null,
    body: { login: "viewer", password: PASSWORD, tenant: "globex" },
    status: 422,
    fields: { tenant: "unknown_field" },
  },
  {
    name: "a body that is no JSON is 400",
    method: "POST",
    path: SESSIONS,
    as: null,
    body: '{"login":',
    status: 400,
    code: "malformed",
  },
  {
    name: "a key twice is no JSON of ours",
    method: "POST",
    path: SESSIONS,
    as: null,
    body: '{"login":"viewer","login":"admin","password":"x"}',
    status: 400,
  },
  {
    name: "another content type is 415",
    method: "POST",
    path: SESSIONS,
    as: null,
    body: "login=viewer",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    status: 415,
    code: "unsupported_media_type",
  },
  {
    name: "a body of nobody beyond 64 KiB is 413",
    method: "POST",
    path: SESSIONS,
    as: null,
    body: JSON.stringify({ login: "x".repeat(70_000), password: "y" }),
    status: 413,
    code: "too_large",
  },
  {
    name: "signing in refuses Idempotency-Key",
    method: "POST",
    path: SESSIONS,
    as: null,
    body: { login: "viewer", password: PASSWORD },
    headers: { "idempotency-key": "once" },
    status: 400,
    code: "idempotency_refused",
  },
  {
    name: "a token that nobody was given is 401",
    path: "/api/v1/me",
    as: null,
    headers: { authorization: `Bearer ps_${"A".repeat(43)}` },
    status: 401,
    code: "unauthenticated",
  },
  {
    name: "another scheme of authorization is 401",
    path: "/api/v1/me",
    as: null,
    headers: { authorization: "Basic YWRtaW46YWRtaW4=" },
    status: 401,
  },
]);

test("a token of one company opens nothing at another", async () => {
  const token = await w.globex.token("admin");
  const answer = await w.acme.as(null, "GET", "/api/v1/me", { token });
  assert.equal(answer.status, 401);
});

test("signing out ends the session at once", async () => {
  const { token } = await w.acme.signIn("sales2");
  await w.acme.ok(null, "GET", "/api/v1/me", undefined, { token });
  const out = await w.acme.as(null, "DELETE", `${SESSIONS}/current`, { token });
  assert.equal(out.status, 204);
  // Every gateway has to know: connections are spread over them.
  for (let i = 0; i < 8; i++) {
    const client = new Client(w.acme.client.place);
    const answer = await client.request("GET", "/api/v1/me", { token });
    client.close();
    assert.equal(answer.status, 401);
  }
});

test("this session, my sessions, and ending all of them", async () => {
  const first = await w.acme.signIn("sales3");
  const second = await w.acme.signIn("sales3");
  const current = await w.acme.ok(null, "GET", `${SESSIONS}/current`, undefined, second);
  assert.ok(JSON.stringify(current).includes("sales3"));
  const mine = await w.acme.ok(null, "GET", SESSIONS, undefined, second);
  assert.ok(mine.items.length >= 2);
  assert.equal(mine.items.filter((item) => item.current).length, 1);
  assert.ok(mine.items.every((item) => !("hash" in item) && !("token" in item)));
  const ended = await w.acme.as(null, "DELETE", SESSIONS, { token: second.token });
  assert.equal(ended.status, 204);
  for (const { token } of [first, second]) {
    assert.equal((await w.acme.as(null, "GET", "/api/v1/me", { token })).status, 401);
  }
});

const isOver = async ({ token }) =>
  (await w.acme.as(null, "GET", "/api/v1/me", { token })).status === 401;
const signInWith = async (tenant, login, agent) => {
  const headers = { "user-agent": agent };
  const body = { login, password: PASSWORD };
  const answer = await tenant.as(null, "POST", SESSIONS, { body, headers });
  assert.equal(answer.status, 201, answer.text);
  return answer.json;
};
const audited = async () => {
  const path = "/api/v1/admin/audit?action=session.end&limit=5";
  return (await w.acme.ok("admin", "GET", path)).items;
};

test("one session is ended, the others go on, and no one else's can be", async () => {
  const here = await signInWith(w.acme, "sales3", "Here/1.0");
  const lost = await signInWith(w.acme, "sales3", "Lost/1.0");
  const mine = await w.acme.ok(null, "GET", SESSIONS, undefined, here);
  const row = mine.items.find((item) => item.agent === "Lost/1.0");
  assert.deepEqual([row.current, row.address], [false, "127.0.0.1"]);
  const path = `${SESSIONS}/${row.id}`;
  const other = await w.acme.as("sales1", "DELETE", path);
  assert.equal(other.status, 404, "a colleague's session is not there for one");
  const foreign = await w.globex.as("sales3", "DELETE", path);
  assert.equal(foreign.status, 404, "and another company's neither");
  const none = await w.acme.as(null, "DELETE", `${SESSIONS}/0000000000000`, here);
  assert.equal(none.status, 404, "no session has that id, and it does not stand for all");
  assert.deepEqual([await isOver(lost), await isOver(here)], [false, false]);
  assert.equal((await w.acme.as(null, "DELETE", path, here)).status, 204);
  assert.deepEqual([await isOver(lost), await isOver(here)], [true, false]);
  assert.equal((await w.acme.as(null, "DELETE", path, here)).status, 404, "it is gone");
  const [ended] = await audited();
  assert.deepEqual(ended.detail, { from: "127.0.0.1", agent: "Lost/1.0" });
  assert.equal(ended.actor, w.acme.users.sales3);
  const own = mine.items.find((item) => item.current);
  const out = await w.acme.as(null, "DELETE", `${SESSIONS}/${own.id}`, here);
  assert.equal(out.status, 204);
  assert.match(out.headers["set-cookie"][0], /Max-Age=0/, "one's own is signing out");
  assert.equal(await isOver(here), true);
});

test("an administrator ends one session of somebody, and of nobody above them", async () => {
  const one = await signInWith(w.acme, "sales3", "Stolen/2.0");
  const two = await signInWith(w.acme, "sales3", "Desk/2.0");
  const path = `/api/v1/admin/users/${w.acme.users.sales3}/sessions`;
  const { items } = await w.acme.ok("admin", "GET", path);
  assert.ok(items.every((item) => !item.current && !("hash" in item) && !("token" in item)));
  const stolen = items.find((item) => item.agent === "Stolen/2.0");
  await play(w, { method: "GET", path, as: "sales1", status: 403 });
  await play(w, { method: "DELETE", path: `${path}/${stolen.id}`, as: "sales1", status: 403 });
  const wrong = `/api/v1/admin/users/${w.acme.users.sales1}/sessions/${stolen.id}`;
  await play(w, { method: "DELETE", path: wrong, as: "admin", status: 404 });
  assert.equal((await w.globex.as("admin", "GET", path)).status, 404);
  assert.equal((await w.globex.as("admin", "DELETE", `${path}/${stolen.id}`)).status, 404);
  await play(w, { method: "DELETE", path: `${path}/0000000000000`, as: "admin", status: 404 });
  assert.deepEqual([await isOver(one), await isOver(two)], [false, false]);
  await play(w, { method: "DELETE", path: `${path}/${stolen.id}`, as: "admin", status: 204 });
  assert.deepEqual([await isOver(one), await isOver(two)], [true, false]);
  const [ended] = await audited();
  assert.equal(ended.record, w.acme.users.sales3);
  assert.equal(ended.detail.agent, "Stolen/2.0");
  const clerk = { label: "Clerk", admin: ["users"], grants: {} };
  await w.acme.ok("admin", "PUT", "/api/v1/admin/roles/session_clerk", clerk);
  const body = { login: "clerk", name: "Clerk", roles: ["session_clerk"], password: PASSWORD };
  await w.acme.ok("admin", "POST", "/api/v1/admin/users", body);
  const above = `/api/v1/admin/users/${w.acme.users.admin}/sessions`;
  await play(w, { method: "GET", path: above, as: "clerk", status: 403 });
});

test("a cookie reads by itself and writes only with its CSRF token", async () => {
  const answer = await w.acme.as(null, "POST", SESSIONS, {
    body: { login: "sales1", password: PASSWORD },
  });
  const set = answer.headers["set-cookie"][0];
  assert.match(set, /^perigee=ps_/);
  for (const part of ["HttpOnly", "SameSite=Strict", "Path=/"]) assert.ok(set.includes(part), set);
  const cookie = set.split(";")[0];
  const me = await w.acme.as(null, "GET", "/api/v1/me", { headers: { cookie } });
  assert.equal(me.status, 200);
  const body = { name: "cookie", text: "hello" };
  const path = "/api/v1/records/lead";
  const lead = { body: { ...{ name: body.name } }, headers: { cookie } };
  const without = await w.acme.as(null, "POST", path, lead);
  assert.equal(without.status, 403);
  assert.equal(without.json.error.code, "bad_csrf");
  const wrong = await w.acme.as(null, "POST", path, {
    ...lead,
    headers: { cookie, "x-csrf-token": "A".repeat(22) },
  });
  assert.equal(wrong.status, 403);
  const right = await w.acme.as(null, "POST", path, {
    ...lead,
    headers: { cookie, "x-csrf-token": answer.json.csrf },
  });
  assert.equal(right.status, 201, right.text);
  const out = await w.acme.as(null, "DELETE", `${SESSIONS}/current`, {
    headers: { cookie, "x-csrf-token": answer.json.csrf },
  });
  assert.equal(out.status, 204);
  assert.match(out.headers["set-cookie"][0], /Max-Age=0/);
});

test("a change of password asks for the old one and ends the other sessions", async () => {
  const made = { login: "changer", name: "Changer", roles: ["viewer"], password: PASSWORD };
  await w.acme.ok("admin", "POST", "/api/v1/admin/users", made);
  const other = await w.acme.signIn("changer");
  const mine = await w.acme.signIn("changer");
  const change = (body) => w.acme.as(null, "POST", "/api/v1/me/password", { body, ...mine });
  const wrong = await change({ current: "not this", password: "Another-Good-2027" });
  assert.equal(wrong.status, 422);
  assert.equal(wrong.json.error.fields.current[0].code, "wrong_password");
  const short = await change({ current: PASSWORD, password: "short" });
  assert.equal(short.status, 422);
  assert.ok(short.json.error.fields.password);
  const good = await change({ current: PASSWORD, password: "Another-Good-2027" });
  assert.equal(good.status, 204, good.text);
  const token = other.token;
  assert.equal((await w.acme.as(null, "GET", "/api/v1/me", { token })).status, 401);
  assert.equal((await w.acme.as(null, "GET", "/api/v1/me", mine)).status, 200);
  await w.acme.signIn("changer", "Another-Good-2027");
});

test("an account is locked after five failures, also for the right password", async () => {
  const login = { login: "locked", name: "Locked", roles: ["viewer"], password: PASSWORD };
  await w.acme.ok("admin", "POST", "/api/v1/admin/users", login);
  const attempt = (password) =>
    w.acme.as(null, "POST", SESSIONS, { body: { login: "locked", password } });
  for (let i = 0; i < 5; i++) assert.equal((await attempt("wrong")).status, 401);
  const locked = await attempt(PASSWORD);
  assert.equal(locked.status, 429, locked.text);
  assert.equal(locked.json.error.code, "locked");
  assert.ok(Number(locked.headers["retry-after"]) > 0);
  // The lock is of this company: the same login elsewhere is another account.
  const elsewhere = await w.globex.as(null, "POST", SESSIONS, {
    body: { login: "locked", password: "wrong" },
  });
  assert.equal(elsewhere.status, 401);
});

test("an API key does what its scopes say, until it is revoked", async () => {
  const body = { name: "sync", scopes: ["lead:read"], user: w.acme.users.sales1 };
  const made = await w.acme.ok("admin", "POST", "/api/v1/admin/api-keys", body);
  const { token } = made;
  assert.match(token, /^pk_[\w-]{43}$/);
  const list = await w.acme.as(null, "GET", "/api/v1/records/lead", { token });
  assert.equal(list.status, 200, list.text);
  const write = await w.acme.as(null, "POST", "/api/v1/records/lead", {
    token,
    body: { name: "by key" },
  });
  assert.equal(write.status, 403, write.text);
  const other = await w.acme.as(null, "GET", "/api/v1/records/account", { token });
  assert.ok([403, 404].includes(other.status), other.text);
  const admin = await w.acme.as(null, "GET", "/api/v1/admin/users", { token });
  assert.equal(admin.status, 403);
  const keys = await w.acme.as("admin", "GET", "/api/v1/admin/api-keys");
  assert.ok(!keys.text.includes(token), "a key is told once");
  assert.ok(keys.json.items.some((item) => item.id === made.id && item.name === "sync"));
  const gone = await w.acme.as("admin", "DELETE", `/api/v1/admin/api-keys/${made.id}`);
  assert.equal(gone.status, 204);
  assert.equal((await w.acme.as(null, "GET", "/api/v1/records/lead", { token })).status, 401);
});

test("a key ends with its day, its user and its addresses", async () => {
  const make = (more) =>
    w.acme.as("admin", "POST", "/api/v1/admin/api-keys", { body: { name: "k", ...more } });
  const asks = async (made) =>
    (await w.acme.as(null, "GET", "/api/v1/me", { token: made.json.token })).status;
  const past = await make({ expires_at: "2020-01-01T00:00:00Z" });
  assert.ok(past.status === 422 || (await asks(past)) === 401, past.text);
  const elsewhere = await make({ addresses: ["198.51.100.0/24"] });
  assert.equal(await asks(elsewhere), 401, elsewhere.text);
  const told = async (token, lang) =>
    (await w.acme.as(null, "GET", "/api/v1/me", { token, headers: { "accept-language": lang } }))
      .json.error;
  const wrong = await told(elsewhere.json.token, "en");
  assert.deepEqual([wrong.code, /API key/.test(wrong.message)], ["unauthenticated", true]);
  assert.match((await told(elsewhere.json.token, "zh-CN")).message, /密钥/);
  const madeUp = await told(`pk_${"A".repeat(43)}`, "en");
  assert.equal(madeUp.message, wrong.message, "nor is it told which keys there are");
  assert.doesNotMatch((await told("", "en")).message, /API key/);
  const here = await make({ addresses: ["127.0.0.0/8"] });
  assert.equal(await asks(here), 200, here.text);
  const user = await w.acme.ok("admin", "POST", "/api/v1/admin/users", {
    login: "machine",
    roles: ["viewer"],
  });
  const theirs = await make({ user: user.id });
  assert.equal(await asks(theirs), 200, theirs.text);
  await w.acme.ok("admin", "PATCH", `/api/v1/admin/users/${user.id}`, { active: false });
  assert.equal(await asks(theirs), 401);
  for (const body of [
    { scopes: ["lead:fly"] },
    { scopes: ["nothing:read"] },
    { scopes: [] },
    { addresses: ["home"] },
    { user: "0000000000009" },
  ]) {
    assert.equal((await make(body)).status, 422, JSON.stringify(body));
  }
  const scoped = await make({ scopes: ["admin:api-keys"] });
  const more = await w.acme.as(null, "POST", "/api/v1/admin/api-keys", {
    token: scoped.json.token,
    body: { name: "wider" },
  });
  assert.equal(more.status, 403, "a key makes no key that may do more");
});

test("a key may not change the password of its user", async () => {
  const { json } = await w.acme.as("admin", "POST", "/api/v1/admin/api-keys", {
    body: { name: "p" },
  });
  const answer = await w.acme.as(null, "POST", "/api/v1/me/password", {
    token: json.token,
    body: { current: PASSWORD, password: "Another-Good-2029" },
  });
  assert.equal(answer.status, 403, answer.text);
});

test("guessing over many accounts locks the address, for this company alone", async () => {
  const attempt = (tenant, login, password = "wrong") =>
    tenant.as(null, "POST", SESSIONS, { body: { login, password } });
  for (let i = 0; i < 20; i++) {
    const { status } = await attempt(w.globex, `guess${i}`);
    assert.ok([401, 429].includes(status)); // what failed above counts too
  }
  const right = await attempt(w.globex, "sales1", PASSWORD);
  assert.equal(right.status, 429, right.text);
  assert.equal((await attempt(w.acme, "sales1", PASSWORD)).status, 201);
});

test("a proxy that nobody named says nothing about addresses", async () => {
  const headers = { "x-forwarded-for": "198.51.100.7", forwarded: "for=198.51.100.7" };
  const body = { login: "sales1", password: PASSWORD };
  assert.equal((await w.acme.as(null, "POST", SESSIONS, { body, headers })).status, 201);
  const audit = await w.acme.as("admin", "GET", "/api/v1/admin/audit?limit=200");
  assert.ok(!audit.text.includes("198.51.100.7"));
  assert.ok(audit.text.includes("127.0.0.1"));
});

test("a disabled user is out at once and in again when enabled", async () => {
  const made = await w.acme.ok("admin", "POST", "/api/v1/admin/users", {
    login: "leaver",
    name: "Leaver",
    roles: ["viewer"],
    password: PASSWORD,
  });
  const session = await w.acme.signIn("leaver");
  const user = `/api/v1/admin/users/${made.id}`;
  await w.acme.ok("admin", "PATCH", user, { active: false });
  assert.equal((await w.acme.as(null, "GET", "/api/v1/me", session)).status, 401);
  const refused = { method: "POST", path: SESSIONS, as: null, status: 401 };
  await play(w, { ...refused, body: { login: "leaver", password: PASSWORD } });
  await w.acme.ok("admin", "PATCH", user, { active: true });
  await w.acme.signIn("leaver");
});

test("each session and refusal stands in the audit log", async () => {
  const audit = await w.acme.as("admin", "GET", `/api/v1/admin/audit${query({ limit: 200 })}`);
  assert.equal(audit.status, 200, audit.text);
  const actions = new Set(audit.json.items.map((item) => item.action));
  assert.ok(audit.text.includes("locked") || actions.has("auth.locked"), [...actions].join(" "));
  assert.ok(audit.json.items.length > 10);
});
