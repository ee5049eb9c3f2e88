// upgrade - a new release of a product plugin: rehearsed on copies, migrated tenant by tenant,
// resumed where it failed.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { bundle, packed } from "../kit/pack.mjs";
import { command, folder, must, ROOT, Server } from "../kit/server.mjs";
import { HOSTS, PASSWORD, Tenant } from "../kit/world.mjs";

const ITEMS = "/api/v1/records/stock_item";
const MANY = 600; /* more than one batch of a back-fill */
let data, place, server;
const w = {};

/* A release: the core, and the plugin stock as given. */
function release(name, version, fields, migrations = {}) {
  const home = join(place, name);
  for (const part of ["schemas", "plugins/core"]) {
    cpSync(join(ROOT, part), join(home, part), { recursive: true });
  }
  const stock = join(home, "plugins/stock");
  mkdirSync(join(stock, "entities"), { recursive: true });
  mkdirSync(join(stock, "views"));
  mkdirSync(join(stock, "migrations"));
  const put = (path, content) =>
    writeFileSync(
      join(stock, path),
      typeof content === "string" ? content : JSON.stringify(content),
    );
  put("plugin.json", { id: "stock", version, api: 1, title: "Stock" });
  put("entities/item.json", { name: "stock_item", title: "name", fields });
  const id = fields === OLD ? "section.sums" : "section.amounts";
  const sections = [{ id, label: "Sums", cells: ["name"] }];
  put("views/item.json", { kind: "form", entity: "stock_item", sections });
  for (const [file, text] of Object.entries(migrations)) put(`migrations/${file}.lua`, text);
  return home;
}

const text = (no, name) => ({ no, name, type: "text" });
const OLD = [text(1, "name"), text(2, "full_name"), { no: 3, name: "qty", type: "int" }];
const NEW = [
  text(1, "name"),
  text(2, "full_name"),
  { no: 3, name: "amount", type: "int" },
  text(4, "first"),
  text(5, "last"),
];
const SPLIT = `-- splits the name of whoever keeps it
return {
  each = "stock_item",
  row = function(item)
    if not item.full_name then return nil end
    local first, last = item.full_name:match("^(%S+) (%S+)$")
    return { first = first, last = last }
  end,
}
`;
const late = (name) => `return {
  each = "stock_item",
  row = function(item)
    if item.name == "${name}" then error("this one cannot be") end
    return { last = item.name }
  end,
}
`;
const MAKE = `return {
  up = function(ctx)
    ctx.db.stock_item:insert { name = "made by the migration" }
    ctx.db.stock_item:insert { name = "and another" }
  end,
}
`;

const at = (home) => ({ env: { PERIGEE_HOME: home } });
async function serve(home) {
  server = new Server(data);
  await server.start(at(home));
  for (const name of ["acme", "globex"]) w[name] = new Tenant(name, server);
}
async function stop() {
  for (const name of ["acme", "globex"]) w[name].close();
  await server.stop();
}
const kit = (field) =>
  packed(
    bundle(
      "acme.kit",
      {
        "init.lua": `local rules = require("rules")

crm.on("stock_item", "validate", { id = "some", fields = { "${field}" } }, rules.some)
crm.on("stock_item", "after_create", { id = "more", when = { ${field} = 7 } }, rules.some)
crm.on("stock_item", "before_update", { id = "last" }, rules.last)
crm.on("stock_item", "after_update", { id = "never" }, rules.never)
`,
        "views/item.json": {
          form: "stock_item",
          after: "section.sums",
          section: { id: "section.own", label: "Own", cells: ["name"] },
        },
        "rules.lua": `local rules = {}

function rules.some() end

function rules.last(ev, ctx)
  if ev.record.${field} == 1 then ev.record.full_name = "one" end
  return ctx.db.stock_item:count { where = { ${field} = 2 } }
end

function rules.never(ev)
  return ev.record.name == ev.record.nmae
end

return rules
`,
      },
      { requires: { stock: "*" } },
    ),
  );
/** Speaks of a field in as many places as a bundle can. */
const chatty = (field) =>
  packed(
    bundle(
      "acme.chatty",
      {
        "entities/item.json": [
          {
            extend: "stock_item",
            fields: [
              { no: 1, name: "x_note", type: "text", required_when: { [field]: 3 } },
              { name: "full_name", length: 90 },
            ],
          },
        ],
        "views/item.json": [
          { kind: "list", name: "few", entity: "stock_item", columns: ["name", field, field] },
          { kind: "form", name: "short", entity: "stock_item", cells: [{ field }] },
        ],
        "roles/clerk.json": {
          name: "clerk",
          grants: { stock_item: { read: "all", fields: { [field]: "read" } } },
        },
        "i18n/en.json": {},
        "i18n/zh-CN.json": {},
        "init.lua": "",
      },
      { requires: { stock: "^1" } },
    ),
  );
const deploy = (field) =>
  w.acme.as("admin", "POST", "/api/v1/admin/plugins/acme.kit/deploys", kit(field));
let one, two;

before(async () => {
  place = mkdtempSync(join(tmpdir(), "perigee-homes-"));
  one = release("one", "1.0.0", OLD);
  two = release("two", "2.0.0", NEW, { "001_split": SPLIT });
  data = folder();
  must(data, ["init"], at(one));
  for (const name of ["acme", "globex"]) {
    must(data, ["tenant", "create", name, "--host", HOSTS[name], "--plugins", "stock"], at(one));
    const admin = ["user", "create", name, "admin", "--role", "admin", "--password-stdin"];
    must(data, admin, { ...at(one), input: `${PASSWORD}\n` });
  }
  await serve(one);
  await w.acme.create("admin", "stock_item", { name: "a", full_name: "Wei Zhang", qty: 7 });
  for (let from = 0; from < MANY; from += 300) {
    const items = Array.from({ length: 300 }, (_, i) => ({
      op: "create",
      data: { name: `n${from + i}`, full_name: `First${from + i} Last`, qty: from + i },
    }));
    await w.globex.ok("admin", "POST", `${ITEMS}/bulk`, { items, atomic: true });
  }
  const made = await deploy("qty");
  assert.equal(made.status, 201, made.text);
});
after(async () => {
  for (const path of [data, place]) rmSync(path, { recursive: true, force: true });
});

test("a rehearsal beside the old release lists what breaks, with file and line", async () => {
  const chat = "/api/v1/admin/plugins/acme.chatty";
  const made = await w.acme.as("admin", "POST", `${chat}/deploys`, chatty("qty"));
  assert.equal(made.status, 201, made.text);
  const told = command(data, ["upgrade", "--rehearse", "--home", two], at(one));
  assert.equal(told.status, 1, told.stdout + told.stderr);
  assert.match(told.stdout, /^acme: breaks/m);
  for (const line of [
    /^ {2}acme\.kit\/init\.lua:3: .*"qty"/m,
    /^ {2}acme\.kit\/init\.lua:4: .*qty/m,
    /^ {2}acme\.kit\/rules\.lua:6: stock_item has no field "qty"/m,
    /^ {2}acme\.kit\/rules\.lua:7: stock_item has no field "qty"/m,
    /^ {2}acme\.chatty\/plugin\.json:7: needs "stock" \^1, but 2\.0\.0 is there/m,
    /^ {2}acme\.chatty\/entities\/item\.json:5: stock_item\.x_note: .*"qty"/m,
    /^ {2}acme\.chatty\/views\/item\.json:8: stock_item has no field "qty"/m,
    /^ {2}acme\.chatty\/views\/item\.json:9: stock_item has no field "qty"/m,
    /^ {2}acme\.chatty\/views\/item\.json:18: stock_item has no field "qty"/m,
    /^ {2}acme\.chatty\/roles\/clerk\.json:7: stock_item has no field "qty"/m,
  ])
    assert.match(told.stdout, line);
  await w.acme.ok("admin", "POST", `${chat}/disable`, {});
  const gone = 'there is no "section.sums" any more';
  assert.match(told.stdout, new RegExp(`^ {2}acme\\.kit/views/item\\.json:3: ${gone}`, "m"));
  const never = /^ {2}so already: acme\.kit\/rules\.lua:11: stock_item has no field "nmae"/m;
  assert.match(told.stdout, never);
  assert.equal(told.stdout.match(/nmae/g).length, 1);
  assert.match(told.stdout, new RegExp(`^globex: ok, 1 migrations, ${MANY} records`, "m"));
  const json = command(data, ["upgrade", "globex", "--rehearse", "--home", two, "--json"], at(one));
  assert.equal(json.status, 0, json.stderr);
  assert.deepEqual(JSON.parse(json.stdout).items, [
    { tenant: "globex", migrations: ["stock/migrations/001_split"], rows: MANY, broken: [] },
  ]);
  const { items } = await w.acme.ok("admin", "GET", ITEMS);
  assert.equal(items[0].qty, 7, "nothing was switched");
  assert.equal(items[0].first, undefined);
});

test("what was wrong before is told apart, and holds nothing up", async () => {
  const told = command(data, ["upgrade", "acme", "--rehearse", "--home", one], at(two));
  assert.equal(told.status, 1, "the release that serves: nothing is known of another one");
  assert.match(told.stdout, /^acme: breaks, 0 .*\n {2}acme\.kit\/rules\.lua:11: .*"nmae".*\n$/);
  const same = release("same", "1.0.1", OLD);
  const asked = ["upgrade", "acme", "--rehearse", "--home", same];
  const fits = command(data, asked, at(one));
  assert.equal(fits.status, 0, fits.stdout + fits.stderr);
  assert.match(fits.stdout, /^acme: ok, 0 .*\n {2}so already: acme\.kit\/rules\.lua:11: .*"nmae"/);
  const { items } = JSON.parse(must(data, [...asked, "--json"], at(one)));
  assert.deepEqual(
    items[0].broken.map(({ plugin, before }) => [plugin, before]),
    [["acme.kit", true]],
  );
});

test("without its migration a plugin waits, and says what for", async () => {
  await stop();
  await serve(two);
  assert.equal((await w.globex.as("admin", "GET", ITEMS)).status, 404);
  const { items } = await w.globex.ok("admin", "GET", "/api/v1/admin/plugins");
  assert.match(items.find(({ id }) => id === "stock").why, /001_split\.lua .*perigee upgrade/);
});

test("each tenant is migrated by itself; one that breaks stays as it was", async () => {
  const told = command(data, ["upgrade"], at(two));
  assert.equal(told.status, 1, told.stdout + told.stderr);
  assert.match(told.stderr, /acme\.kit\/init\.lua:3: .*qty/);
  assert.match(told.stderr, /acme stays as it was; .*plugin disable, upgrade, plugin deploy/);
  assert.match(told.stdout, new RegExp(`^globex: 1 migrations, ${MANY} records, backup /`, "m"));
  const { items } = await w.globex.ok("admin", "GET", `${ITEMS}?name=n42`);
  assert.deepEqual(
    [items[0].first, items[0].last, items[0].amount],
    ["First42", "Last", 42],
    "renamed by its number, split by its migration",
  );
  assert.equal((await w.acme.as("admin", "GET", ITEMS)).status, 404);
  await w.acme.ok("admin", "POST", "/api/v1/admin/plugins/acme.kit/disable", {});
  must(data, ["upgrade", "acme"], at(two));
  assert.equal((await w.acme.ok("admin", "GET", ITEMS)).items[0].first, "Wei");
  assert.equal((await deploy("amount")).status, 201);
  assert.match(must(data, ["upgrade"], at(two)), /^acme: 0 migrations/m);
});

test("what fails half way names file and line, and goes on where it stopped", async () => {
  const files = { "001_split": SPLIT, "002_last": late("n550"), "003_make": MAKE };
  const three = release("three", "3.0.0", NEW, files);
  await stop();
  const rehearsed = command(data, ["upgrade", "--rehearse"], at(three));
  assert.equal(rehearsed.status, 1);
  assert.match(rehearsed.stdout, /stock\/migrations\/002_last\.lua:4: this one cannot be/);
  const told = command(data, ["upgrade", "globex"], at(three));
  assert.equal(told.status, 1);
  assert.match(told.stderr, /stock\/migrations\/002_last\.lua:4: this one cannot be/);
  await serve(two); // the release before still serves what it had
  const { items } = await w.globex.ok("admin", "GET", `${ITEMS}?name=n42`);
  assert.equal(items[0].first, "First42");
  await stop();

  release("four", "3.0.0", NEW, { ...files, "002_last": late("nobody") });
  const four = join(place, "four");
  const again = JSON.parse(must(data, ["upgrade", "globex", "--json"], at(four)));
  assert.deepEqual(again.items[0].migrations, [
    "stock/migrations/002_last",
    "stock/migrations/003_make",
  ]);
  assert.equal(again.items[0].rows, MANY - 500, "the first batch was not done again");
  must(data, ["upgrade"], at(four));
  await serve(four);
  const page = await w.globex.ok("admin", "GET", `${ITEMS}?count=true&name=n42`);
  assert.equal(page.items[0].last, "n42");
  assert.equal((await w.globex.ok("admin", "GET", `${ITEMS}?count=true`)).count, MANY + 2);
  const { items: rows } = await w.acme.ok("admin", "GET", "/api/v1/admin/audit?action=upgrade");
  assert.ok(rows.length >= 2);
});

test("a plugin that is enabled for the first time has nothing to migrate", async () => {
  await stop();
  must(
    data,
    ["tenant", "create", "late", "--host", "late.example.com", "--plugins", "stock"],
    at(two),
  );
  assert.match(must(data, ["upgrade", "late"], at(two)), /^late: 0 migrations/m);
  assert.equal(command(data, ["upgrade", "nobody"], at(two)).status, 1);
  assert.equal(command(data, ["upgrade", "--home", two], at(two)).status, 2);
  const bad = release("bad", "4.0.0", NEW, { split: SPLIT });
  const told = command(data, ["upgrade", "late", "--rehearse"], at(bad));
  assert.equal(told.status, 1);
  assert.match(told.stdout, /stock\/migrations\/split\.lua: a migration is named by three digits/);
});
