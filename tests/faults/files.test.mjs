// files - a product's files are replaced, half written and taken away while it is served.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import * as faults from "../kit/faults.mjs";
import { folder, must, ROOT, Server } from "../kit/server.mjs";
import { HOSTS, PASSWORD, Tenant } from "../kit/world.mjs";

const home = mkdtempSync(join(tmpdir(), "perigee-home-"));
const data = folder();
const stock = join(home, "plugins/stock");
const ENTITY = "entities/item.json";
const ITEMS = "/api/v1/records/stock_item";
const LIST = ["GET", `${ITEMS}?limit=1`];
const at = { env: { PERIGEE_HOME: home } };
const write = (path, text) => writeFileSync(join(stock, path), text);
const read = (path) => readFileSync(join(stock, path), "utf8");
const isOk = ({ status }) => status === 200;
let server, tenant, change;

before(async () => {
  for (const part of ["schemas", "plugins/core"])
    cpSync(join(ROOT, part), join(home, part), { recursive: true });
  mkdirSync(join(stock, "entities"), { recursive: true });
  const manifest = { id: "stock", version: "1.0.0", api: 1, title: "Stock" };
  const fields = [
    { no: 1, name: "name", type: "text" },
    { no: 2, name: "qty", type: "int" },
  ];
  write("plugin.json", JSON.stringify(manifest));
  write(ENTITY, JSON.stringify({ name: "stock_item", title: "name", fields }));
  write("init.lua", 'crm.on("stock_item", "validate", { id = "some" }, function() end)\n');
  must(data, ["init"], at);
  const create = ["tenant", "create", "acme", "--host", HOSTS.acme, "--plugins", "stock"];
  must(data, create, at);
  const admin = ["user", "create", "acme", "admin", "--role", "admin", "--password-stdin"];
  must(data, admin, { ...at, input: `${PASSWORD}\n` });
  server = new Server(data);
  await server.start(at);
  tenant = new Tenant("acme", server);
  const { id } = await tenant.create("admin", "stock_item", { name: "before" });
  change = ["PATCH", `${ITEMS}/${id}`];
});

after(async () => {
  tenant?.close();
  try {
    await server.stop({ deaths: true });
  } finally {
    for (const path of [home, data]) rmSync(path, { recursive: true, force: true });
  }
});

function kill(...roles) {
  for (const { pid, role } of faults.processes(server.child.pid))
    if (roles.includes(role)) process.kill(pid, "SIGKILL");
}

/** Asks until it is so, whoever of those that were killed is back by then. */
async function awaited(what, [method, path], fits, body) {
  const token = await tenant.token("admin");
  const { got } = await faults.until(what, async () => {
    const answer = await faults.attempt(tenant.client, method, path, { token, body });
    return fits(answer) && answer;
  });
  return got.json;
}

async function goesOn() {
  for (let i = 0; i < 4; i += 1) await tenant.ok("admin", ...LIST);
  await tenant.ok("admin", ...change, { qty: 5 });
}

test("whoever has read them goes on with what it had", async () => {
  const whole = read(ENTITY);
  write(ENTITY, whole.slice(0, 40));
  await goesOn();
  const away = join(home, "stock-away");
  renameSync(stock, away);
  await goesOn();
  renameSync(away, stock);
  write(ENTITY, whole);
  await goesOn();
});

test("what is found broken is left out with its reason, and taken up when whole", async () => {
  const broken = [
    ["plugin.json", (text) => text.slice(0, 20), /stock\/plugin\.json/],
    [ENTITY, (text) => text.slice(0, 40), /stock\/entities\/item\.json:1/],
    [ENTITY, () => "", /stock\/entities\/item\.json/],
  ];
  for (const [path, spoil, why] of broken) {
    const whole = read(path);
    write(path, spoil(whole));
    kill("gateway", "worker", "runner");
    await awaited("stock is left out", LIST, ({ status }) => status === 404);
    const { items } = await awaited("plugins are listed", ["GET", "/api/v1/admin/plugins"], isOk);
    assert.match(items.find(({ id }) => id === "stock").why, why);
    assert.match(server.log, why);
    write(path, whole);
    await awaited("stock can be read", LIST, isOk);
    await awaited("stock can be written", change, isOk, { qty: 6 });
  }
});

test("a folder that is gone for a while, and scripts that are half there", async () => {
  const away = join(home, "stock-away");
  renameSync(stock, away);
  kill("gateway", "worker", "runner");
  await awaited("stock is left out", LIST, ({ status }) => status === 404);
  renameSync(away, stock);
  await awaited("stock can be read", LIST, isOk);
  await awaited("stock can be written", change, isOk, { qty: 7 });

  const script = read("init.lua");
  write("init.lua", script.slice(0, 40));
  kill("worker");
  const refused = ({ status, json }) => status === 500 && json.error.code === "plugin_error";
  await awaited("nothing unguarded is written", change, refused, { qty: 8 });
  assert.match(server.log, /scripts do not load: .*stock\/init\.lua:1/);
  write("init.lua", script);
  await awaited("stock can be written", change, isOk, { qty: 9 });
});

test("new files are taken up by a process that begins, and with it by all", async () => {
  const more = JSON.parse(read(ENTITY));
  more.fields.push({ no: 3, name: "shelf", type: "text" });
  write(ENTITY, JSON.stringify(more));
  await goesOn();
  kill("gateway");
  const hasIt = ({ status, json }) => status === 200 && "shelf" in json.items[0];
  await awaited("the new field can be read", LIST, hasIt);
  await awaited("the new field can be written", change, isOk, { shelf: "A3" });
});
