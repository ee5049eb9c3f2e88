// release - a script that hung was killed and set aside; its administrator reads why and lets it
// run again.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { DESKTOP, Screen, launch, missing } from "../kit/browser.mjs";
import { Client } from "../kit/client.mjs";
import { bundle, packed } from "../kit/pack.mjs";
import { Server } from "../kit/server.mjs";
import { HOSTS, PASSWORD, makeFolder } from "../kit/world.mjs";

const ID = "acme.flood";
const LEADS = "/api/v1/records/lead";
const options = { skip: missing() };
const server = new Server(makeFolder(undefined, { acme: ["localhost"] }));
let client;
let token;

/* Keys that fall into one place of a table: its growing is one call that nothing in the process can
   end (tests/faults/scripts.test.mjs). */
const flood = `crm.on("lead", "validate", { id = "flood" }, function(ev)
  if ev.record.name ~= "flood" then return end
  local t = {}
  for i = 1, 131073 do t[i * 262143] = true end
end)
`;
const ask = (method, path, more = {}) => client.request(method, path, { token, ...more });
const lead = (name) => ask("POST", LEADS, { body: { name } });

before(async () => {
  if (options.skip) return;
  await server.start();
  client = new Client({ port: server.port, host: HOSTS.acme });
  const body = { login: "admin", password: PASSWORD };
  token = (await client.request("POST", "/api/v1/sessions", { body })).json.token;
});

after(async () => {
  client?.close();
  await server.stop({ deaths: true });
  server.remove();
});

test("a quarantined script is released", options, async () => {
  const files = packed(bundle(ID, { "init.lua": flood }));
  const made = await ask("POST", `/api/v1/admin/plugins/${ID}/deploys`, files);
  assert.equal(made.status, 201, made.text);
  assert.equal((await lead("flood")).status, 503);
  let calm = await lead("calm");
  while (calm.status === 503) calm = await lead("calm"); // until the worker is back
  assert.equal(calm.status, 500, calm.text);
  const browser = await launch();
  const screen = await Screen.open(browser, { port: server.port, ...DESKTOP });
  const { page } = screen;
  await screen.signIn("admin", PASSWORD);
  await page.goto("/admin/plugins");
  await page.locator(`[data-plugin="${ID}"]`).getByText("已隔离").waitFor();
  await page.locator(`[data-plugin="${ID}"] a`).click();
  await page.getByText("曾卡住并被强制终止").waitFor();
  await screen.axe("a plugin that is set aside");
  await screen.shot("quarantine");
  await page.getByRole("button", { name: "解除隔离" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "解除隔离" }).click();
  await page.getByText("已解除隔离").waitFor();
  await page.getByText("曾卡住并被强制终止").waitFor({ state: "detached" });
  await screen.sound();
  await screen.close();
  await browser.close();
  let saved = await lead("calm");
  for (let i = 0; saved.status !== 201 && i < 100; i++) saved = await lead("calm");
  assert.equal(saved.status, 201, saved.text);
});
