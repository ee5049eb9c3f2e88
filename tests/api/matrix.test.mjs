// matrix - every route of the server's own table as nobody, in the wrong role, with another
// company's ids, with a bad body and as it should be. A route that has no row here fails the run.
// SPDX-License-Identifier: MIT
//
// A row: { make, ... } where make(tenant) prepares what is needed in that company and gives the
// good request { path, body?, headers?, as? }; it is called for globex too, and then its path is
// asked of acme. Clients of acme fail on every text that globex owns (client.mjs).
//   wrong     absent: sales1, who has no right to greetings, is refused; null: everybody has this
//             route for their own things, and the answer must not show what is hidden; "own": it
//             would change the caller's own things, so it is not tried
//   good      statuses of the good request, where they are not those of success
//   shared    the path names nothing that belongs to one company (no foreign call)
//   loose     the body's unknown members are not looked at, because it has none
import assert from "node:assert/strict";
import { test } from "node:test";
import { multipart } from "../kit/client.mjs";
import { bundle, packed } from "../kit/pack.mjs";
import { limit } from "../kit/limits.mjs";
import { routes } from "../kit/routes.mjs";
import { PASSWORD, world } from "../kit/world.mjs";

const HIDDEN = "zqhiddenzq";
const w = world();
const R = "/api/v1/records/greeting";
const ADMIN = "/api/v1/admin";
const letters = (n) => [...String(n)].map((digit) => "abcdefghij"[digit]).join("");
let counter = 0;
/* A name of this company that no other record has; greetings take no digits. */
const fresh = (tenant) => `${tenant.mark}${letters(++counter)}`;

const greeting = (t) => t.create("admin", "greeting", { name: `${HIDDEN} ${fresh(t)}` });
const record = async (t) => `${R}/${(await greeting(t)).id}`;
const related = async (t) => {
  const body = { name: `${HIDDEN} ${t.mark}`, owner: t.users.viewer }; // of nobody: in a pool
  return `/api/v1/records/account/${(await t.create("admin", "account", body)).id}/related/contact`;
};
const assigning = async (t) => {
  const lead = await t.create("sales3", "lead", { name: t.mark });
  return `/api/v1/records/lead/${lead.id}/actions/assign`;
};
const user = async (t, login = fresh(t)) => {
  const body = { login, name: login, roles: ["viewer"], password: PASSWORD };
  return (await t.ok("admin", "POST", `${ADMIN}/users`, body)).id;
};
const role = async (t) => {
  const path = `${ADMIN}/roles/${fresh(t)}`;
  await t.ok("admin", "PUT", path, { label: t.mark, grants: { lead: { read: "all" } } });
  return path;
};
const department = async (t) => {
  const made = await t.ok("admin", "POST", `${ADMIN}/departments`, { name: fresh(t) });
  return `${ADMIN}/departments/${made.id}`;
};
const view = async (t) => {
  const body = { entity: "greeting", kind: "list", name: fresh(t), body: { columns: ["name"] } };
  return `/api/v1/views/${(await t.ok("admin", "POST", "/api/v1/views", body)).id}`;
};
const form = (t) =>
  multipart([
    { name: "entity", content: "greeting" },
    {
      name: "file",
      filename: "a.csv",
      type: "text/csv",
      content: `name\n${HIDDEN} ${fresh(t)}\n,\n`,
    },
  ]);
const imported = async (t, { mapped = false, ran = false } = {}) => {
  const made = await t.as("admin", "POST", "/api/v1/imports", form(t));
  assert.ok(made.status < 300, made.text);
  const path = `/api/v1/imports/${made.json.id}`;
  if (mapped || ran) await t.ok("admin", "PUT", `${path}/mapping`, {});
  if (ran) {
    await t.ok("admin", "POST", `${path}/run`, {});
    await t.settled("admin", path);
  }
  return path;
};
const job = async (t) =>
  `/api/v1/jobs/${(await t.ok("admin", "POST", "/api/v1/exports", { entity: "greeting" })).id}`;
const changed = async (t) => {
  const items = [{ op: "create", data: { name: fresh(t) } }];
  const body = { items, undo: true };
  const { job: id } = await t.ok("admin", "POST", "/api/v1/records/greeting/bulk", body);
  return `/api/v1/jobs/${id}`;
};
const attachment = (t) =>
  multipart([
    { name: "file", filename: "a.txt", type: "text/plain", content: `${HIDDEN} ${t.mark}` },
  ]);
const file = async (t) => {
  const made = await t.as("admin", "POST", "/api/v1/files", attachment(t));
  assert.equal(made.status, 201, made.text);
  return `/api/v1/files/${made.json.id}`;
};
const key = async (t) =>
  `${ADMIN}/api-keys/${(await t.ok("admin", "POST", `${ADMIN}/api-keys`, { name: fresh(t) })).id}`;
/* A bundle with two deploys behind it. */
const deployed = async (t) => {
  const path = `${ADMIN}/plugins/${t.name}.kit`;
  for (const title of ["first", "second"]) {
    const files = bundle(`${t.name}.kit`, {}, { title, requires: {} });
    const answer = await t.as("admin", "POST", `${path}/deploys`, packed(files));
    assert.equal(answer.status, 201, answer.text);
  }
  return path;
};
/* A greeting with an encrypted field, and somebody who may read it in plain. */
const keepers = {};
const keeper = async (t) => {
  const fields = [{ no: 1, name: "x_code", type: "secret", label: "code" }];
  const extension = { extend: "greeting", fields };
  const files = bundle(
    "acme.safe",
    { "entities/greeting.json": extension },
    { requires: { hello: "^1" } },
  );
  const made = await t.as("admin", "POST", `${ADMIN}/plugins/acme.safe/deploys`, packed(files));
  assert.equal(made.status, 201, made.text);
  const grants = { greeting: { read: "all", create: true, unmask: "all" } };
  await t.ok("admin", "PUT", `${ADMIN}/roles/keeper`, { label: "keeper", grants });
  const body = { login: "keeper", name: "keeper", roles: ["keeper"], password: PASSWORD };
  await t.ok("admin", "POST", `${ADMIN}/users`, body);
};
const sealed = async (t) => {
  await (keepers[t.name] ??= keeper(t));
  const body = { name: `${HIDDEN} ${fresh(t)}`, x_code: `${HIDDEN} code` };
  return `${R}/${(await t.create("keeper", "greeting", body)).id}/unmask`;
};
const link = async (t) => {
  const made = await t.ok("admin", "POST", `${ADMIN}/users/${await user(t)}/password-link`, {});
  return `/api/v1/password-resets/${made.token}`;
};
/* A draft of customization, and what was published of one. */
const CUSTOM = `${ADMIN}/customization`;
const drafted = async (t) => {
  const document = { texts: { en: { nothing: fresh(t) } } };
  await t.ok("admin", "PUT", `${CUSTOM}/draft`, { document });
};
const published = async (t) => {
  for (let i = 0; i < 2; i++) {
    await drafted(t);
    await t.ok("admin", "POST", `${CUSTOM}/publish`, {});
  }
};
/* A delivery that waits for its next try. The handler fails so often that it is paused; begun anew,
   it fails for this delivery, too. */
const HELD = "hook:acme.held:push@greeting";
const delivery = async (t) => {
  const init =
    'crm.on("greeting", "after_commit", { id = "push" }, function() error("no answer") end)\n';
  const files = bundle("acme.held", { "init.lua": init }, { requires: { hello: "^1" } });
  const deploys = `${ADMIN}/plugins/acme.held/deploys`;
  const answer = await t.as("admin", "POST", deploys, packed(files));
  assert.ok([200, 201, 409].includes(answer.status), answer.text);
  await t.ok("admin", "POST", `${ADMIN}/outbox/resume`, { handler: HELD });
  const made = await greeting(t);
  for (;;) {
    const { items } = await t.ok("admin", "GET", `${ADMIN}/outbox?handler=${HELD}&limit=200`);
    const found = items.find((item) => item.record === made.id && item.fails > 0);
    if (found) return `${ADMIN}/outbox/${found.id}`;
    await new Promise((done) => setTimeout(done, 20));
  }
};
const mailbox = async (t) => {
  const path = `${ADMIN}/mailboxes/${t.name}`;
  await t.ok("admin", "PUT", path, { host: "imap.invalid" });
  return path;
};
/* A job that a bundle offers, once the server has taken note of it. */
const offered = async (t) => {
  const plugin = `${t.name}.clock`;
  const files = bundle(plugin, { "init.lua": 'crm.job("tick", {}, function() end)\n' }, {
    requires: {},
  });
  const answer = await t.as("admin", "POST", `${ADMIN}/plugins/${plugin}/deploys`, packed(files));
  assert.ok([200, 201, 409].includes(answer.status), answer.text);
  for (;;) {
    const { items } = await t.ok("admin", "GET", `${ADMIN}/jobs`);
    if (items.some((item) => item.plugin === plugin)) return `${ADMIN}/jobs/${plugin}/tick`;
    await new Promise((done) => setTimeout(done, 20));
  }
};
/* Somebody whose session may be ended. */
const passing = async (t) => {
  const login = fresh(t);
  await user(t, login);
  return login;
};

const sessionOf = async (t, login) => {
  const { items } = await t.ok(login, "GET", "/api/v1/sessions");
  return items.find((item) => item.current).id;
};

const at = (path, more = {}) => ({ make: async () => ({ path, ...more }), shared: true });
const own = (path, body) => ({ ...at(path, { body }), wrong: null });
const one = (suffix, body) => ({ make: async (t) => ({ path: (await record(t)) + suffix, body }) });
const after = (prepare, path, body) => ({
  make: async (t) => {
    await prepare(t);
    return { path, body };
  },
  shared: true,
});
const to = (make, body) => ({ make: async (t) => ({ path: await make(t), body }) });

const ROWS = {
  "GET /healthz": at("/healthz"),
  "GET /readyz": at("/readyz"),
  "GET /metrics": { ...at("/metrics"), good: 404 },
  "GET /": at("/"),
  "GET /{path*}": { ...at("/nothing.js"), good: 404 },

  "POST /api/v1/sessions": {
    ...at("/api/v1/sessions", { body: { login: "admin", password: PASSWORD } }),
  },
  "GET /api/v1/sessions": own("/api/v1/sessions"),
  "DELETE /api/v1/sessions": {
    make: async (t) => ({ path: "/api/v1/sessions", as: await passing(t) }),
    shared: true,
    wrong: "own",
  },
  "GET /api/v1/sessions/current": own("/api/v1/sessions/current"),
  "DELETE /api/v1/sessions/current": {
    make: async (t) => ({ path: "/api/v1/sessions/current", as: await passing(t) }),
    shared: true,
    wrong: "own",
  },
  "DELETE /api/v1/sessions/{id}": {
    make: async (t) => {
      const as = await passing(t);
      return { path: `/api/v1/sessions/${await sessionOf(t, as)}`, as };
    },
    wrong: "own",
  },
  "GET /api/v1/me": own("/api/v1/me"),
  "GET /api/v1/me/settings": own("/api/v1/me/settings"),
  "PUT /api/v1/me/settings": { ...own("/api/v1/me/settings", { favourites: [] }), loose: true },
  "PATCH /api/v1/me": own("/api/v1/me", { locale: "zh-CN" }),
  "POST /api/v1/me/mfa": {
    make: async (t) => ({
      path: "/api/v1/me/mfa",
      as: await passing(t),
      body: { action: "begin", current: PASSWORD },
    }),
    shared: true,
    wrong: "own",
  },
  "POST /api/v1/password-resets": at("/api/v1/password-resets", { body: { login: "admin" } }),
  "POST /api/v1/password-resets/{token}": to(link, { password: "Chosen-By-Link-1" }),
  "POST /api/v1/me/password": {
    make: async (t) => ({
      path: "/api/v1/me/password",
      as: await passing(t),
      body: { current: PASSWORD, password: "Brand-New-2028" },
    }),
    shared: true,
    wrong: "own",
  },

  "GET /api/v1/boot": own("/api/v1/boot"),
  "GET /api/v1/plugins": own("/api/v1/plugins"),
  "GET /api/v1/help/{plugin}": own("/api/v1/help/hello"),
  "GET /api/v1/i18n/{lang}/{file}": { ...at("/api/v1/i18n/en/0000000000000000.json"), good: 404 },
  "GET /api/v1/meta": own("/api/v1/meta"),
  "GET /api/v1/meta/{entity}": at("/api/v1/meta/greeting"),
  "GET /api/v1/openapi.json": own("/api/v1/openapi.json"),

  "GET /api/v1/records/{entity}": at(R),
  "POST /api/v1/records/{entity}": at(R, { body: { name: "new one" } }),
  "POST /api/v1/records/{entity}/query": at(`${R}/query`, { body: { limit: 5 } }),
  "POST /api/v1/records/{entity}/board": at(`${R}/board`, { body: { group_by: "language" } }),
  "POST /api/v1/records/{entity}/duplicates": at(`${R}/duplicates`, { body: { name: "x" } }),
  "POST /api/v1/records/{entity}/bulk": {
    make: async (t) => ({
      path: `${R}/bulk`,
      body: { items: [{ op: "delete", id: (await greeting(t)).id }], atomic: true },
    }),
  },
  "GET /api/v1/records/{entity}/{id}": one(""),
  "PATCH /api/v1/records/{entity}/{id}": one("", { times: 3 }),
  "DELETE /api/v1/records/{entity}/{id}": one(""),
  "POST /api/v1/records/{entity}/{id}/restore": {
    make: async (t) => {
      const path = await record(t);
      await t.as("admin", "DELETE", path);
      return { path: `${path}/restore`, body: {} };
    },
    loose: true,
  },
  "GET /api/v1/records/{entity}/{id}/timeline": one("/timeline"),
  "GET /api/v1/records/{entity}/{id}/history": one("/history"),
  "GET /api/v1/records/{entity}/{id}/related/{relation}": to(related),
  "POST /api/v1/records/{entity}/{id}/actions/{action}": {
    make: async (t) => ({ path: await assigning(t), body: { owner: t.users.sales2 } }),
    loose: true,
  },
  "POST /api/v1/records/{entity}/{id}/unmask": {
    make: async (t) => ({
      path: await sealed(t),
      as: "keeper",
      body: { field: "x_code", reason: "matrix" },
    }),
  },
  "POST /api/v1/queries": own("/api/v1/queries", { queries: [{ entity: "greeting" }] }),
  "GET /api/v1/search": own(`/api/v1/search?q=${HIDDEN}`),
  "GET /api/v1/changes": own("/api/v1/changes"),
  "GET /api/v1/events": own("/api/v1/events"),

  "POST /api/v1/imports": {
    make: async (t) => ({ path: "/api/v1/imports", ...form(t) }),
    shared: true,
  },
  "GET /api/v1/imports/{id}": to(imported),
  "PUT /api/v1/imports/{id}/mapping": to(async (t) => `${await imported(t)}/mapping`, {}),
  "POST /api/v1/imports/{id}/dry-run": {
    make: async (t) => ({ path: `${await imported(t, { mapped: true })}/dry-run`, body: {} }),
    loose: true,
  },
  "POST /api/v1/imports/{id}/run": {
    make: async (t) => ({ path: `${await imported(t, { mapped: true })}/run`, body: {} }),
    loose: true,
  },
  "GET /api/v1/imports/{id}/errors.csv": {
    make: async (t) => ({ path: `${await imported(t, { ran: true })}/errors.csv` }),
  },
  "POST /api/v1/imports/{id}/undo": {
    make: async (t) => ({ path: `${await imported(t, { ran: true })}/undo`, body: {} }),
    loose: true,
  },
  "POST /api/v1/exports": at("/api/v1/exports", { body: { entity: "greeting" } }),
  "GET /api/v1/jobs": own("/api/v1/jobs"),
  "GET /api/v1/jobs/{id}": to(job),
  "POST /api/v1/jobs/{id}/undo": {
    make: async (t) => ({ path: `${await changed(t)}/undo`, body: {} }),
    loose: true,
  },
  "DELETE /api/v1/jobs/{id}": { ...to(job), good: [200, 202, 204, 409] },
  "POST /api/v1/files": {
    make: async (t) => ({ path: "/api/v1/files", ...attachment(t) }),
    shared: true,
    wrong: "own",
  },
  "GET /api/v1/files/{id}": to(file),

  "GET /api/v1/x/{plugin}/{path*}": { ...at("/api/v1/x/hello/nothing"), good: 404 },
  "POST /api/v1/x/{plugin}/{path*}": { ...at("/api/v1/x/hello/nothing"), good: 404 },
  "PUT /api/v1/x/{plugin}/{path*}": { ...at("/api/v1/x/hello/nothing"), good: 404 },
  "PATCH /api/v1/x/{plugin}/{path*}": { ...at("/api/v1/x/hello/nothing"), good: 404 },
  "DELETE /api/v1/x/{plugin}/{path*}": { ...at("/api/v1/x/hello/nothing"), good: 404 },

  "GET /api/v1/views": own("/api/v1/views"),
  "POST /api/v1/views": at("/api/v1/views", {
    body: { entity: "greeting", kind: "list", name: "mine", body: { columns: ["name"] } },
  }),
  "PATCH /api/v1/views/{id}": to(view, { name: "renamed" }),
  "DELETE /api/v1/views/{id}": to(view),

  "GET /api/v1/admin/users": at(`${ADMIN}/users`),
  "POST /api/v1/admin/users": {
    make: async (t) => ({
      path: `${ADMIN}/users`,
      body: { login: fresh(t), roles: ["viewer"], password: PASSWORD },
    }),
    shared: true,
  },
  "GET /api/v1/admin/users/{id}": {
    make: async (t) => ({ path: `${ADMIN}/users/${t.users.sales2}` }),
  },
  "PATCH /api/v1/admin/users/{id}": {
    make: async (t) => ({ path: `${ADMIN}/users/${await user(t)}`, body: { name: t.mark } }),
  },
  "POST /api/v1/admin/users/{id}/password": {
    make: async (t) => ({
      path: `${ADMIN}/users/${await user(t)}/password`,
      body: { password: "Given-By-Admin-1" },
    }),
  },
  "POST /api/v1/admin/users/{id}/password-link": {
    make: async (t) => ({ path: `${ADMIN}/users/${await user(t)}/password-link`, body: {} }),
    loose: true,
  },
  "DELETE /api/v1/admin/users/{id}/mfa": {
    make: async (t) => ({ path: `${ADMIN}/users/${await user(t)}/mfa` }),
  },
  "DELETE /api/v1/admin/users/{id}/sessions": {
    make: async (t) => ({ path: `${ADMIN}/users/${await user(t)}/sessions` }),
  },
  "GET /api/v1/admin/users/{id}/sessions": {
    make: async (t) => ({ path: `${ADMIN}/users/${await user(t)}/sessions` }),
  },
  "DELETE /api/v1/admin/users/{id}/sessions/{session}": {
    make: async (t) => {
      const login = await passing(t);
      const me = await t.ok(login, "GET", "/api/v1/me");
      return { path: `${ADMIN}/users/${me.id}/sessions/${await sessionOf(t, login)}` };
    },
  },
  "GET /api/v1/admin/roles": at(`${ADMIN}/roles`),
  "GET /api/v1/admin/roles/{name}": to(role),
  "PUT /api/v1/admin/roles/{name}": {
    make: async (t) => ({
      path: `${ADMIN}/roles/${t.name}role`,
      body: { label: "x", grants: { lead: { read: "own" } } },
    }),
    shared: true,
  },
  "DELETE /api/v1/admin/roles/{name}": to(role),
  "GET /api/v1/admin/departments": at(`${ADMIN}/departments`),
  "POST /api/v1/admin/departments": at(`${ADMIN}/departments`, { body: { name: "another" } }),
  "PATCH /api/v1/admin/departments/{id}": to(department, { name: "renamed" }),
  "DELETE /api/v1/admin/departments/{id}": to(department),
  "GET /api/v1/admin/plugins": at(`${ADMIN}/plugins`),
  "POST /api/v1/admin/plugins/{id}/enable": {
    ...at(`${ADMIN}/plugins/hello/enable`, { body: {} }),
    loose: true,
  },
  "POST /api/v1/admin/plugins/{id}/disable": {
    ...at(`${ADMIN}/plugins/leads/disable`, { body: {} }),
    loose: true,
  },
  "POST /api/v1/admin/plugins/{id}/release": {
    ...at(`${ADMIN}/plugins/hello/release`, { body: {} }),
    loose: true,
  },
  "GET /api/v1/admin/plugins/{id}/deploys": {
    make: async (t) => ({ path: `${await deployed(t)}/deploys` }),
  },
  "POST /api/v1/admin/plugins/{id}/deploys": at(
    `${ADMIN}/plugins/some.kit/deploys`,
    packed(bundle("some.kit", {}, { requires: {} })),
  ),
  "POST /api/v1/admin/plugins/{id}/rollback": {
    make: async (t) => ({ path: `${await deployed(t)}/rollback`, body: {} }),
  },
  "GET /api/v1/admin/customization": at(CUSTOM),
  "PUT /api/v1/admin/customization/draft": at(`${CUSTOM}/draft`, { body: { document: {} } }),
  "DELETE /api/v1/admin/customization/draft": after(drafted, `${CUSTOM}/draft`),
  "GET /api/v1/admin/customization/diff": after(drafted, `${CUSTOM}/diff`),
  "GET /api/v1/admin/customization/entities/{entity}": at(`${CUSTOM}/entities/greeting?of=draft`),
  "GET /api/v1/admin/customization/views": at(`${CUSTOM}/views?of=draft`),
  "POST /api/v1/admin/customization/validate": after(drafted, `${CUSTOM}/validate`, {}),
  "POST /api/v1/admin/customization/publish": after(drafted, `${CUSTOM}/publish`, {}),
  "GET /api/v1/admin/customization/history": at(`${CUSTOM}/history`),
  "POST /api/v1/admin/customization/rollback": after(published, `${CUSTOM}/rollback`, {}),
  "GET /api/v1/admin/plugins/{id}/health": at(`${ADMIN}/plugins/leads/health`),
  "GET /api/v1/admin/plugins/{id}/config": at(`${ADMIN}/plugins/hello/config`),
  "PUT /api/v1/admin/plugins/{id}/config": at(`${ADMIN}/plugins/hello/config`, {
    body: { greeting: "Good day" },
  }),
  "GET /api/v1/admin/hooks": at(`${ADMIN}/hooks?entity=greeting&moment=validate`),
  "GET /api/v1/admin/outbox": at(`${ADMIN}/outbox`),
  "GET /api/v1/admin/outbox/paused": at(`${ADMIN}/outbox/paused`),
  "POST /api/v1/admin/outbox/pause": at(`${ADMIN}/outbox/pause`, { body: { handler: HELD } }),
  "POST /api/v1/admin/outbox/resume": at(`${ADMIN}/outbox/resume`, { body: { handler: HELD } }),
  "POST /api/v1/admin/outbox/replay": at(`${ADMIN}/outbox/replay`, { body: { handler: HELD } }),
  "POST /api/v1/admin/outbox/discard": at(`${ADMIN}/outbox/discard`, { body: { handler: HELD } }),
  "POST /api/v1/admin/outbox/{id}/replay": {
    make: async (t) => ({ path: `${await delivery(t)}/replay`, body: {} }),
    loose: true,
  },
  "DELETE /api/v1/admin/outbox/{id}": to(delivery),
  "GET /api/v1/admin/jobs": at(`${ADMIN}/jobs`),
  "POST /api/v1/admin/jobs/{plugin}/{name}/run": {
    make: async (t) => ({ path: `${await offered(t)}/run`, body: {} }),
    loose: true,
  },
  "POST /api/v1/admin/jobs/{plugin}/{name}/pause": {
    make: async (t) => ({ path: `${await offered(t)}/pause`, body: {} }),
    loose: true,
  },
  "POST /api/v1/admin/jobs/{plugin}/{name}/resume": {
    make: async (t) => ({ path: `${await offered(t)}/resume`, body: {} }),
    loose: true,
  },
  "GET /api/v1/admin/api-keys": at(`${ADMIN}/api-keys`),
  "POST /api/v1/admin/api-keys": at(`${ADMIN}/api-keys`, { body: { name: "robot" } }),
  "DELETE /api/v1/admin/api-keys/{id}": to(key),
  "GET /api/v1/admin/audit": at(`${ADMIN}/audit`),
  "GET /api/v1/admin/audit/changes": at(`${ADMIN}/audit/changes`),
  "POST /api/v1/admin/privacy/erasures": {
    make: async (t) => {
      const { id, name } = await greeting(t);
      const body = { entity: "greeting", record: id, confirm: name, reason: "asked" };
      return { path: `${ADMIN}/privacy/erasures`, body };
    },
  },
  "POST /api/v1/admin/privacy/exports": {
    make: async (t) => {
      const body = { entity: "greeting", record: (await greeting(t)).id, reason: "asked" };
      return { path: `${ADMIN}/privacy/exports`, body };
    },
  },
  "GET /api/v1/admin/mailboxes": at(`${ADMIN}/mailboxes`),
  "PUT /api/v1/admin/mailboxes/{name}": at(`${ADMIN}/mailboxes/matrix`, {
    body: { host: "imap.invalid", user: "u", password: "p" },
  }),
  "DELETE /api/v1/admin/mailboxes/{name}": to(mailbox),
  "POST /api/v1/admin/mailboxes/{name}/look": {
    make: async (t) => ({ path: `${await mailbox(t)}/look`, body: {} }),
  },
  "GET /api/v1/admin/templates": at(`${ADMIN}/templates`),
  "GET /api/v1/admin/settings": at(`${ADMIN}/settings`),
  "PATCH /api/v1/admin/settings": at(`${ADMIN}/settings`, { body: { timezone: "Asia/Shanghai" } }),
  "GET /api/v1/admin/mail": at(`${ADMIN}/mail`),
  "PUT /api/v1/admin/mail": at(`${ADMIN}/mail`, {
    body: { host: "mail.example.com", from: "crm@example.com" },
  }),
  "POST /api/v1/admin/mail/test": {
    make: async (t) => {
      const body = { host: "127.0.0.1", port: 1, from: "crm@example.com" };
      await t.ok("admin", "PUT", `${ADMIN}/mail`, body);
      return { path: `${ADMIN}/mail/test`, body: { to: "a@example.com" } };
    },
    shared: true,
  },
  "GET /api/v1/admin/mail/letters": at(`${ADMIN}/mail/letters`),
  "POST /api/v1/admin/mail/letters/{id}/again": {
    ...at(`${ADMIN}/mail/letters/0000000000001/again`, { body: {} }),
    good: 404,
    loose: true,
  },
  "GET /api/v1/admin/dictionaries": at(`${ADMIN}/dictionaries`),
  "GET /api/v1/admin/dictionaries/{name}": at(`${ADMIN}/dictionaries/region`),
  "PUT /api/v1/admin/dictionaries/{name}": {
    make: async (t) => {
      const path = `${ADMIN}/dictionaries/region`;
      return { path, body: { values: (await t.ok("admin", "GET", path)).values } };
    },
    shared: true,
  },

  "GET /api/v1/operator/tenants": at("/api/v1/operator/tenants"),
  "POST /api/v1/operator/tenants": at("/api/v1/operator/tenants", { body: { name: "evil" } }),
  "GET /api/v1/operator/tenants/{name}": at("/api/v1/operator/tenants/globex"),
  "PATCH /api/v1/operator/tenants/{name}": at("/api/v1/operator/tenants/globex", {
    body: { state: "suspended" },
  }),
  "POST /api/v1/operator/tenants/{name}/move": at("/api/v1/operator/tenants/globex/move", {
    body: { worker: 0 },
  }),
  "DELETE /api/v1/operator/tenants/{name}": at("/api/v1/operator/tenants/globex"),
  "POST /api/v1/operator/erase": at("/api/v1/operator/erase", {
    body: { entity: "lead", record: "0CN3WWJM60400" },
  }),
  "POST /api/v1/operator/person": at("/api/v1/operator/person", {
    body: { entity: "lead", record: "0CN3WWJM60400" },
  }),
  "GET /api/v1/operator/limits": at("/api/v1/operator/limits"),
  "PUT /api/v1/operator/limits": at("/api/v1/operator/limits", { body: {} }),
  "POST /api/v1/operator/backup": at("/api/v1/operator/backup", { body: { dir: "/tmp" } }),
  "POST /api/v1/operator/restore": at("/api/v1/operator/restore", { body: { tenant: "globex" } }),
  "GET /api/v1/operator/keys": at("/api/v1/operator/keys"),
  "POST /api/v1/operator/keys/rotate": at("/api/v1/operator/keys/rotate", { body: {} }),
  "POST /api/v1/operator/keys/rewrap": at("/api/v1/operator/keys/rewrap", { body: {} }),
  "POST /api/v1/operator/check": at("/api/v1/operator/check", { body: {} }),
  "POST /api/v1/operator/upgrade": at("/api/v1/operator/upgrade", { body: {} }),
  "POST /api/v1/operator/repl": at("/api/v1/operator/repl", { body: { code: "1" } }),
};

const table = routes();
const name = (route) => `${route.method} ${route.pattern}`;

test("every route of the table is exercised here, and no other", () => {
  assert.deepEqual(Object.keys(ROWS).sort(), table.map(name).sort());
});

test("the OpenAPI document has room for every route", () => {
  const most = limit("OPENAPI_PATHS_MAX");
  assert.ok(table.length <= most, `${table.length} routes, and room for ${most}`);
});

function told(answer) {
  return `${answer.status} ${answer.text.slice(0, 500)}`;
}

/* Nobody, then a token that was never given. */
async function asNobody(route, spec) {
  const stranger = [undefined, `ps_${"x".repeat(43)}`, "pk_", "nonsense"];
  for (const token of stranger) {
    const answer = await w.acme.as(null, route.method, spec.path, {
      ...spec,
      as: undefined,
      token,
    });
    assert.equal(answer.status, 401, `nobody with ${token}: ${told(answer)}`);
    assert.ok(!answer.text.includes(HIDDEN), told(answer));
  }
}

async function inWrongRole(route, row, spec) {
  if (row.wrong === "own") return;
  const answer = await w.acme.as("sales1", route.method, spec.path, {
    body: spec.body,
    headers: spec.headers,
  });
  assert.ok(!answer.text.includes(HIDDEN), `sales1 is shown what is hidden: ${told(answer)}`);
  if (row.wrong === null) {
    assert.ok(answer.status < 300, `everybody may: ${told(answer)}`);
    return;
  }
  const wanted = route.who === "ADMIN" ? [403] : [403, 404];
  const unseen = answer.status === 422 && answer.text.includes("unknown_entity");
  assert.ok(
    unseen || wanted.includes(answer.status),
    `wanted ${wanted} for sales1: ${told(answer)}`,
  );
}

/* What globex made, asked of acme by its administrator and by its seller. */
async function ofAnother(route, row) {
  if (row.shared) return;
  const spec = await row.make(w.globex);
  for (const login of ["admin", "sales1"]) {
    const { path, body, headers } = spec;
    const answer = await w.acme.as(login, route.method, path, { body, headers });
    const wanted = login === "admin" ? [404] : [403, 404];
    assert.ok(
      wanted.includes(answer.status) || route.pattern.endsWith("/bulk"),
      `${login}: ${told(answer)}`,
    );
    const token = await w.globex.token(login);
    const stolen = await w.acme.as(null, route.method, path, { body, headers, token });
    assert.equal(stolen.status, 401, `globex' token at acme's door: ${told(stolen)}`);
  }
}

async function withBadBody(route, row, spec) {
  if (route.body !== "JSON") return;
  const send = (body, headers) =>
    w.acme.as(spec.as ?? "admin", route.method, spec.path, {
      body,
      headers: { ...spec.headers, ...headers },
    });
  const broken = ["{", "[1,", '{"a":1}x', '{"a":1,"a":2}', '"\\ud800"', "nul"];
  for (const body of broken) {
    const answer = await send(body);
    assert.equal(answer.status, 400, `${body}: ${told(answer)}`);
  }
  const typed = await send("{}", { "content-type": "text/plain" });
  assert.equal(typed.status, 415, told(typed));
  for (const body of ["[]", "1", "null", '"text"']) {
    const answer = await send(body);
    assert.ok(
      row.loose || (answer.status >= 400 && answer.status < 500),
      `${body}: ${told(answer)}`,
    );
    assert.ok(answer.status < 500, `${body}: ${told(answer)}`);
  }
  const unknown = await send({ zq_unknown: 1 });
  if (!row.loose) assert.equal(unknown.status, 422, `an unknown member: ${told(unknown)}`);
}

/* Every member of the good body in turn becomes what it should not be: never a 5xx. */
const ODD = [null, true, -1, 1e15, 0.5, "", "\u0001", "x".repeat(3000), [], [[]], {}, { a: 1 }];
function* oddBodies(body) {
  for (const value of ODD) {
    for (const name of Object.keys(body)) yield { ...body, [name]: value };
  }
  for (const name of ["filter", "sort", "fields", "expand", "cursor", "group", "measure", "q"]) {
    for (const value of ["a.b.c.d", { and: { or: [null] } }, [{}], "-,,-"]) {
      yield { ...body, [name]: value };
    }
  }
}
const ODD_QUERY = [
  "limit=-1",
  "limit=9e9",
  "cursor=%00",
  "cursor=AAAA",
  "filter=[]",
  "filter={}",
].concat(
  ["filter=%7B%22and%22:7%7D", "sort=,", "sort=--id", "fields=,,", "expand=.", "q=%F0", "since=-1"],
  ["name[", "name[]=1", "name[eq][gt]=1", "=1", "&&&", "a=1&a=2", "count=perhaps", "deleted=9"],
  ["from=yesterday", "to=%E2%98%83", "action[]=1", "user=x", "parent=x", "entity=", "since=1e3"],
);
async function withOddValues(route, spec) {
  const login = route.who === "ANYONE" ? null : (spec.as ?? "admin");
  if (route.method === "GET") {
    for (const query of ODD_QUERY) {
      const path = `${spec.path}${spec.path.includes("?") ? "&" : "?"}${query}`;
      const answer = await w.acme.as(login, "GET", path);
      assert.ok(answer.status < 500, `${path}: ${told(answer)}`);
    }
  }
  if (route.body !== "JSON" || login === null || spec.as) return;
  for (const body of oddBodies(spec.body ?? {})) {
    const answer = await w.acme.as(login, route.method, spec.path, { body });
    assert.ok(answer.status < 500, `${JSON.stringify(body)}: ${told(answer)}`);
  }
}

for (const route of table) {
  const row = ROWS[name(route)];
  if (!row) continue;
  test(name(route), async () => {
    if (route.who === "OPERATOR") {
      for (const login of [null, "sales1", "admin"]) {
        const spec = await row.make(w.acme);
        const answer = await w.acme.as(login, route.method, spec.path, { body: spec.body });
        assert.equal(answer.status, 404, told(answer));
      }
      return;
    }
    if (route.who !== "ANYONE") {
      await asNobody(route, await row.make(w.acme));
      await inWrongRole(route, row, await row.make(w.acme));
      await ofAnother(route, row);
    }
    await withBadBody(route, row, await row.make(w.acme));
    await withOddValues(route, await row.make(w.acme));
    const spec = await row.make(w.acme);
    const { path, body, headers } = spec;
    const login = route.who === "ANYONE" ? null : (spec.as ?? "admin");
    const answer = await w.acme.as(login, route.method, path, { body, headers });
    const wanted = [row.good ?? [200, 201, 202, 204]].flat();
    assert.ok(wanted.includes(answer.status), `as it should be: ${told(answer)}`);
  });
}
