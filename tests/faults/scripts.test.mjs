// scripts - code that no hook reaches: its process is killed, it is set aside, the rest goes on.
// SPDX-License-Identifier: MIT
//
// Keys that fall into one place of a Lua table make its growing take as many steps as the square of
// their number, all inside one C function. Nothing in the process can end that: after
// SCRIPT_LATE_KILL_MS the supervisor does.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Client } from "../kit/client.mjs";
import * as faults from "../kit/faults.mjs";
import { bundle, packed } from "../kit/pack.mjs";
import { Server } from "../kit/server.mjs";
import { HOSTS, makeFolder } from "../kit/world.mjs";

const ID = "acme.flood";
const PLUGIN = `/api/v1/admin/plugins/${ID}`;
const LEADS = "/api/v1/records/lead";
const server = new Server(makeFolder());
const clients = {};
const tokens = {};

/* The 131,073rd key makes the table twice as long: there all of them meet. */
const flood = `
  local t = {}
  for i = 1, 131073 do t[i * 262143] = true end`;
const hook = (body) => `crm.on("lead", "validate", { id = "flood" }, function(ev)
  if ev.record.name == "flood" then ${body} end
end)
`;
const evil = () => bundle(ID, { "init.lua": hook(flood) });
const mended = () => bundle(ID, { "init.lua": hook("ev:fail('name', 'no floods')") });
const stuck = () => bundle(ID, { "init.lua": `do ${flood} end\n${hook("")}` });

const ask = (tenant, method, path, options) =>
  faults.attempt(clients[tenant], method, path, { token: tokens[tenant], ...options });
const lead = (name, tenant = "acme") => ask(tenant, "POST", LEADS, { body: { name } });
const deploy = (files) => ask("acme", "POST", `${PLUGIN}/deploys`, packed(files));
const saved = (name, tenant) =>
  faults.until(`${name} is saved`, async () => (await lead(name, tenant)).status === 201);

before(async () => {
  await server.start();
  for (const tenant of ["acme", "globex"]) {
    clients[tenant] = new Client({ port: server.port, host: HOSTS[tenant] });
    tokens[tenant] = await faults.signIn(server.port, tenant);
  }
});

after(async () => {
  for (const client of Object.values(clients)) client.close();
  try {
    await server.stop({ deaths: true });
  } finally {
    server.remove();
  }
});

test("its process is killed, and who asked is told that the outcome is not known", async () => {
  assert.equal((await deploy(evil())).status, 201);
  const answer = await lead("flood");
  assert.equal(answer.status, 503, answer.text);
  assert.equal(answer.json.error.code, "outcome_unknown");
  assert.match(server.log, /acme\.flood of acme does not come back after its time/);
  assert.match(server.log, /is killed: acme\.flood of acme did not come back for 2\d{3} ms/);
});

test("the other company is served again at once", async () => {
  await saved("beside", "globex");
});

test("what is set aside fails closed, in every process and after a restart", async () => {
  const refused = async (name) => {
    const { got } = await faults.until("the worker is back", async () => {
      const answer = await lead(name);
      return answer.status !== 503 && answer;
    });
    assert.equal(got.status, 500, got.text);
    assert.equal(got.json.error.code, "plugin_error");
  };
  await refused("calm");
  const listed = await ask("acme", "GET", "/api/v1/admin/plugins");
  const one = listed.json.items.find(({ id }) => id === ID);
  assert.equal(one.set_aside, true);
  await server.stop({ deaths: true });
  await server.start();
  for (const tenant of ["acme", "globex"]) {
    clients[tenant].close();
    clients[tenant] = new Client({ port: server.port, host: HOSTS[tenant] });
  }
  await refused("calm again");
});

test("what does not touch it works, for the company and for others", async () => {
  const answer = await ask("acme", "POST", "/api/v1/records/greeting", { body: { name: "hello" } });
  assert.equal(answer.status, 201, answer.text);
  assert.equal((await ask("acme", "GET", LEADS)).status, 200);
  await saved("beside again", "globex");
});

test("other code of the same plugin runs, and going back to the bad one does not", async () => {
  assert.equal((await deploy(mended())).status, 201);
  await saved("with other code");
  assert.equal((await lead("flood")).status, 422);
  const back = await ask("acme", "POST", `${PLUGIN}/rollback`, { body: {} });
  assert.equal(back.status, 200, back.text);
  assert.equal((await lead("calm")).status, 500);
});

test("an administrator lets it run again", async () => {
  const wrong = await ask("globex", "POST", `${PLUGIN}/release`, { body: {} });
  assert.equal(wrong.status, 404, wrong.text);
  assert.equal((await lead("calm")).status, 500, "another company's release is none");
  const listed = server.must(["plugin", "list", "acme"]);
  assert.match(listed, /acme\.flood .* set aside: .*perigee plugin release acme acme\.flood$/m);
  await faults.until("the audit log has it", async () => {
    const { json } = await ask("acme", "GET", "/api/v1/admin/audit?action=plugin.set_aside");
    return json?.items.length === 1 && json.items[0].detail.plugin === ID;
  });
  server.must(["plugin", "release", "acme", ID]);
  await saved("calm");
  const { json } = await ask("acme", "GET", "/api/v1/admin/plugins");
  assert.equal(json.items.find(({ id }) => id === ID).set_aside, false);
});

test("code that hangs while it is loaded never becomes the company's", async () => {
  const first = await deploy(stuck());
  assert.equal(first.status, 503, first.text);
  const { got } = await faults.until("the runner is back", async () => {
    const answer = await deploy(stuck());
    return answer.status !== 503 && answer;
  });
  assert.ok(got.status >= 400 && got.status < 500, got.text);
  assert.match(got.text, /set aside/);
  await saved("unmoved");
});
