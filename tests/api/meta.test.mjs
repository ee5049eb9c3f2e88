// meta - the model as each user may see it: boot, meta, texts, OpenAPI; plugins come and go.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { test } from "node:test";
import { Client } from "../kit/client.mjs";
import { routes } from "../kit/routes.mjs";
import { scenarios } from "../kit/scenario.mjs";
import { world } from "../kit/world.mjs";

const w = world();

test("boot is all the console starts with", async () => {
  const boot = await w.acme.ok("sales1", "GET", "/api/v1/boot");
  assert.equal(boot.user.login, "sales1");
  assert.ok(JSON.stringify(boot.tenant).includes("zqacmezq company"));
  const text = JSON.stringify(boot);
  for (const part of ["menu", "i18n", "lead"]) assert.ok(text.includes(part), part);
  assert.ok(!text.includes("argon2") && !text.includes('password":"'));
});

test("the texts that boot names can be fetched by anybody, and never change", async () => {
  const boot = await w.acme.ok("sales1", "GET", "/api/v1/boot");
  const paths = [...JSON.stringify(boot).matchAll(/\/api\/v1\/i18n\/[\w-]+\/[0-9a-f]{16}\.json/g)];
  const hashes = [...JSON.stringify(boot.i18n ?? {}).matchAll(/[0-9a-f]{16}/g)].map(
    ([hash]) => hash,
  );
  const wanted = paths.length
    ? paths.map(([path]) => path)
    : ["zh-CN", "en"].flatMap((lang) => hashes.map((hash) => `/api/v1/i18n/${lang}/${hash}.json`));
  assert.ok(wanted.length > 0, JSON.stringify(boot.i18n));
  let got = 0;
  for (const path of wanted) {
    const answer = await w.acme.as(null, "GET", path);
    if (answer.status !== 200) continue;
    got++;
    assert.match(answer.headers["cache-control"], /immutable/);
    assert.ok(Object.keys(answer.json).length > 50);
  }
  assert.ok(got >= 1, wanted.join(" "));
  const none = await w.acme.as(null, "GET", "/api/v1/i18n/en/0000000000000000.json");
  assert.equal(none.status, 404);
  assert.equal((await w.acme.as(null, "GET", "/api/v1/i18n/xx/a.json")).status, 404);
});

test("meta tells of entities, fields, views and rights of this user", async () => {
  const meta = await w.acme.ok("sales1", "GET", "/api/v1/meta");
  const names = meta.entities.map(({ name }) => name);
  for (const name of ["lead", "account", "contact", "user"]) assert.ok(names.includes(name), name);
  const lead = await w.acme.ok("sales1", "GET", "/api/v1/meta/lead");
  const status = lead.fields.find(({ name }) => name === "status");
  assert.equal(status.type, "state");
  const score = lead.fields.find(({ name }) => name === "score");
  assert.equal(score.readonly, true);
  assert.ok(lead.views && JSON.stringify(lead.views).includes("board"));
  const hello = await w.acme.as("sales1", "GET", "/api/v1/meta/greeting");
  assert.equal(hello.status, 404, "sales has no greetings");
});

test("meta in brief names what there is", async () => {
  const { entities } = await w.acme.ok("sales1", "GET", "/api/v1/meta?brief=true");
  const lead = entities.find(({ name }) => name === "lead");
  assert.deepEqual([lead.plugin, lead.rights.create, lead.fields], ["leads", true, undefined]);
  assert.ok(!entities.some(({ name }) => name === "greeting"), "sales has no greetings");
  assert.equal((await w.acme.as("sales1", "GET", "/api/v1/meta?brief=perhaps")).status, 422);
});

test("labels follow the language", async () => {
  const get = async (lang) => {
    const answer = await w.acme.as("admin", "GET", "/api/v1/meta/lead", {
      headers: { "accept-language": lang },
    });
    return answer.json.label;
  };
  assert.match(await get("zh-CN"), /[一-龥]/);
  assert.match(await get("en"), /^[ -~]+$/);
});

for (const path of ["/api/v1/meta", "/api/v1/meta/lead", "/api/v1/openapi.json"]) {
  test(`${path} is not sent twice, and is another for another user or language`, async () => {
    const first = await w.acme.as("sales1", "GET", path);
    assert.equal(first.status, 200);
    const { etag } = first.headers;
    const ask = (login, headers = {}) =>
      w.acme.as(login, "GET", path, { headers: { "if-none-match": etag, ...headers } });
    assert.equal((await ask("sales1")).status, 304);
    assert.equal((await ask("admin")).status, 200);
    assert.equal((await ask("sales1", { "accept-language": "en" })).status, 200);
  });
}

test("OpenAPI names every route that a client of a company can call", async () => {
  const doc = await w.acme.ok("admin", "GET", "/api/v1/openapi.json");
  assert.match(doc.openapi, /^3\./);
  assert.equal(doc.servers[0].url, "/api/v1");
  const missing = routes()
    .filter((route) => route.pattern.startsWith("/api/v1/") && route.who !== "OPERATOR")
    .filter((route) => !route.pattern.endsWith("/unmask")) // a right of its own: see sealed
    .map((route) => [route.method.toLowerCase(), route.pattern.slice("/api/v1".length)])
    .filter(([method, pattern]) => !doc.paths[pattern.replace("/{entity}", "/lead")]?.[method])
    .filter(([method, pattern]) => !doc.paths[pattern]?.[method])
    .map((route) => route.join(" "));
  assert.deepEqual(missing, []);
});

test("a plugin switched off takes its entities along, and gives them back", async () => {
  const greeting = await w.acme.create("admin", "greeting", { name: "kept" });
  const path = `/api/v1/records/greeting/${greeting.id}`;
  const clients = Array.from({ length: 6 }, () => new Client(w.acme.client.place));
  const token = await w.acme.token("admin");
  const everywhere = async (one) =>
    Promise.all(
      clients.map(async (client) => (await client.request("GET", one, { token })).status),
    );
  try {
    assert.deepEqual(new Set(await everywhere(path)), new Set([200]));
    const off = await w.acme.as("admin", "POST", "/api/v1/admin/plugins/hello/disable", {
      body: {},
    });
    assert.ok(off.status < 300, off.text);
    assert.deepEqual(new Set(await everywhere(path)), new Set([404]));
    assert.deepEqual(new Set(await everywhere("/api/v1/meta/greeting")), new Set([404]));
    assert.equal((await w.globex.as("admin", "GET", "/api/v1/meta/greeting")).status, 200);
    const on = await w.acme.as("admin", "POST", "/api/v1/admin/plugins/hello/enable", { body: {} });
    assert.ok(on.status < 300, on.text);
    assert.deepEqual(new Set(await everywhere(path)), new Set([200]));
    assert.equal((await w.acme.ok("admin", "GET", path)).name, "kept");
  } finally {
    for (const client of clients) client.close();
  }
});

test("a plugin that others need stays on", async () => {
  const answer = await w.acme.as("admin", "POST", "/api/v1/admin/plugins/people/disable", {
    body: {},
  });
  assert.ok([409, 422].includes(answer.status), answer.text);
  assert.ok(answer.text.includes("leads"), answer.text);
  const core = await w.acme.as("admin", "POST", "/api/v1/admin/plugins/core/disable", { body: {} });
  assert.ok(core.status >= 400 && core.status < 500, core.text);
  assert.equal((await w.acme.as("sales1", "GET", "/api/v1/records/account")).status, 200);
});

test("a plugin's settings are checked and kept", async () => {
  const path = "/api/v1/admin/plugins/leads/config";
  const config = await w.acme.ok("admin", "GET", path);
  assert.ok(JSON.stringify(config).includes("max_open"));
  const bad = await w.acme.as("admin", "PUT", path, { body: { max_open: 0 } });
  assert.equal(bad.status, 422, bad.text);
  const unknown = await w.acme.as("admin", "PUT", path, { body: { max_closed: 1 } });
  assert.equal(unknown.status, 422, unknown.text);
  await w.acme.ok("admin", "PUT", path, { max_open: 12 });
  assert.ok(JSON.stringify(await w.acme.ok("admin", "GET", path)).includes("12"));
  const theirs = await w.globex.ok("admin", "GET", path);
  assert.ok(!JSON.stringify(theirs).includes("12"), "of this company alone");
});

scenarios(w, [
  { name: "an unknown entity has no meta", path: "/api/v1/meta/leed", status: 404 },
  { name: "nobody boots", path: "/api/v1/boot", as: null, status: 401 },
  {
    name: "an unknown plugin",
    method: "POST",
    path: "/api/v1/admin/plugins/nothing/enable",
    body: {},
    status: [404, 422],
  },
  {
    name: "a plugin's name is no path",
    method: "POST",
    path: "/api/v1/admin/plugins/..%2f..%2fetc/enable",
    body: {},
    status: [400, 404, 422],
  },
  { name: "the console's page is served", path: "/", as: null, status: 200, contains: "Perigee" },
  {
    name: "no path leads out of the console",
    path: "/..%2f..%2fREADME.md",
    as: null,
    status: [400, 404],
  },
  { name: "an unknown address of the API", path: "/api/v1/nothing", status: 404 },
]);
