// preview - what a role sees, looked at by who administers roles: never more than that person may.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { test } from "node:test";
import { PASSWORD, world } from "../kit/world.mjs";

const LEADS = "/api/v1/records/lead";
const ROLES = "/api/v1/admin/roles";
const w = world({
  setup: async ({ acme }) => {
    for (const login of ["sales1", "sales3"]) {
      await acme.create(login, "lead", { name: `lead of ${login}`, company: "seen" });
    }
  },
});

const asked = (role, { as = "admin", method = "GET", path = LEADS, body, headers = {} } = {}) =>
  w.acme.as(as, method, path, { body, headers: { ...headers, "x-perigee-preview": role } });
const names = async (role, options) => {
  const answer = await asked(role, options);
  assert.equal(answer.status, 200, answer.text);
  return answer.json.items.map(({ name }) => name).sort();
};
const role = (name, grants, more = {}) =>
  w.acme.ok("admin", "PUT", `${ROLES}/${name}`, { label: name, grants, ...more });
const user = (login, roles) =>
  w.acme.ok("admin", "POST", "/api/v1/admin/users", {
    login,
    name: login,
    roles,
    password: PASSWORD,
  });

test("a role sees what its rows and fields let through, at once", async () => {
  await role("looker", { lead: { read: { company: "seen" }, fields: { company: "none" } } });
  assert.deepEqual(await names("looker"), ["lead of sales1", "lead of sales3"]);
  const shown = (await asked("looker")).json.items[0];
  assert.ok(!("company" in shown), JSON.stringify(shown));
  await role("looker", { lead: { read: { name: "lead of sales1" } } });
  assert.deepEqual(await names("looker"), ["lead of sales1"]);
  const boot = (await asked("looker", { path: "/api/v1/boot" })).json;
  assert.ok("lead" in boot.permissions.entities && !("account" in boot.permissions.entities));
  assert.deepEqual(boot.permissions.admin, []);
  assert.equal((await asked("looker", { path: "/api/v1/records/account" })).status, 403);
  assert.equal((await asked("looker", { path: "/api/v1/meta/account" })).status, 404);
});

test("in the place of a user, own means that user's", async () => {
  await role("own", { lead: { read: "own" } });
  assert.deepEqual(await names("own"), []);
  assert.deepEqual(await names(`own@${w.acme.users.sales3}`), ["lead of sales3"]);
  assert.equal((await asked(`own@${w.globex.users.sales3}`)).status, 404);
  assert.equal((await asked("own@nobody")).status, 404);
});

test("nobody sees more than without a preview", async () => {
  await role("keeper", { lead: { read: "own" } }, { admin: ["roles"] });
  await user("keeper", ["keeper"]);
  assert.deepEqual(await names("viewer", { as: "keeper" }), []);
  assert.equal((await asked("viewer", { as: "keeper", path: "/api/v1/records/user" })).status, 403);
  const boot = (await asked("admin", { as: "keeper", path: "/api/v1/boot" })).json;
  assert.deepEqual(boot.permissions.admin, ["roles"], "and administers no more");
  assert.deepEqual(boot.permissions.entities.lead, ["read"]);
  await role("half", { lead: { read: "all", fields: { company: "none" } } }, { admin: ["roles"] });
  await user("half", ["half"]);
  const items = (await asked("viewer", { as: "half" })).json.items;
  assert.ok(items.length >= 2 && items.every((item) => !("company" in item)));
  const list = await asked("viewer", { as: "half", path: `${LEADS}?company=seen` });
  assert.equal(list.status, 403, list.text);
});

test("only who administers roles may, and only look", async () => {
  assert.equal((await asked("viewer", { as: "sales1" })).status, 403);
  assert.equal((await asked("viewer", { as: null })).status, 401);
  assert.equal((await asked("nosuch")).status, 404);
  const writes = [
    ["POST", LEADS, { name: "written" }],
    ["POST", "/api/v1/exports", { entity: "lead" }],
    ["POST", "/api/v1/me/password", { current: PASSWORD, password: PASSWORD }],
    ["GET", "/api/v1/me"],
    ["GET", "/api/v1/admin/users"],
    ["GET", "/api/v1/jobs"],
  ];
  for (const [method, path, body] of writes) {
    const answer = await asked("admin", { method, path, body });
    assert.equal(answer.status, 403, `${method} ${path}: ${answer.text}`);
    assert.equal(answer.json.error.code, "preview_reads_only");
  }
  assert.deepEqual((await w.acme.ok("admin", "GET", `${LEADS}?name=written`)).items, []);
});

test("what a preview shows is kept by nobody", async () => {
  const path = "/api/v1/meta/lead";
  const plain = await w.acme.as("admin", "GET", path);
  const headers = { "if-none-match": plain.headers.etag };
  assert.equal((await w.acme.as("admin", "GET", path, { headers })).status, 304);
  const seen = await asked("viewer", { path, headers });
  assert.equal(seen.status, 200);
  assert.equal(seen.headers["cache-control"], "no-store");
  assert.equal(seen.headers.etag, undefined);
});
