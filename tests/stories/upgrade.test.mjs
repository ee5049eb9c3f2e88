// upgrade - a new release of an industry's plugin renames a field: what breaks is told before
// anything is switched, and companies are brought over one by one, also when that is interrupted.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { bundle, packed } from "../kit/pack.mjs";
import { begin, binary, command, folder, must, ROOT, Server } from "../kit/server.mjs";
import { PASSWORD, Tenant } from "../kit/world.mjs";

const RETAIL = "industry_retail";
const OLD = `${RETAIL}_prefers`;
const NEW = `${RETAIL}_favours`;
const SEEN = `${RETAIL}_seen`;
const CONTACTS = "/api/v1/records/contact";
const MANY = 2400; // five batches of a back-fill
const TENANTS = ["acme", "globex"];
const places = [];
const w = {};
let data, next, server;

/* Counts how often it has been at a record, and takes its time. */
const MIGRATION = `-- every contact is gone through once
local function rest()
  local n = 0
  for i = 1, 9000 do n = n + i % 7 end
end

return {
  each = "contact",
  row = function(contact)
    rest()
    return { ${SEEN} = (contact.${SEEN} or 0) + 1 }
  end,
}
`;

/** This release with another industry_retail: a field renamed, one more, and a migration. */
function nextRelease() {
  const home = mkdtempSync(join(tmpdir(), "perigee-next-"));
  places.push(home);
  mkdirSync(join(home, "plugins"));
  symlinkSync(join(ROOT, "schemas"), join(home, "schemas"));
  for (const id of readdirSync(join(ROOT, "plugins"))) {
    const from = join(ROOT, "plugins", id);
    const to = join(home, "plugins", id);
    if (id !== RETAIL && existsSync(join(from, "plugin.json"))) symlinkSync(from, to);
  }
  const retail = join(home, "plugins", RETAIL);
  cpSync(join(ROOT, "plugins", RETAIL), retail, { recursive: true });
  for (const path of readdirSync(retail, { recursive: true })) {
    if (!/\.(json|lua)$/.test(path)) continue;
    const file = join(retail, path);
    writeFileSync(file, readFileSync(file, "utf8").replaceAll(OLD, NEW));
  }
  const change = (path, edit) => {
    const file = join(retail, path);
    const doc = JSON.parse(readFileSync(file, "utf8"));
    edit(doc);
    writeFileSync(file, JSON.stringify(doc, null, 2));
  };
  change("plugin.json", (manifest) => (manifest.version = "1.1.0"));
  change("entities/extensions.json", (list) => {
    const { fields } = list.find(({ extend }) => extend === "contact");
    fields.push({ no: 90, name: SEEN, type: "int" });
  });
  mkdirSync(join(retail, "migrations"), { recursive: true });
  writeFileSync(join(retail, "migrations/900_seen.lua"), MIGRATION);
  return home;
}

/* One bundle names the field where it registers; the other only inside a function, so that its own
 * test is what tells. */
const acmes = (field) =>
  bundle(
    "acme.shop",
    {
      "init.lua": `local taste = require("taste")

crm.on("contact", "validate", { id = "taste", fields = { "${field}" } }, taste.check)
`,
      "taste.lua": "return { check = function() end }\n",
    },
    { requires: { people: "^1", [RETAIL]: "^1" } },
  );
const globexes = (field) =>
  bundle(
    "globex.shop",
    {
      "init.lua": `crm.service("globex.shop.gift", function(contact)
  return { category = contact.${field} or "gift" }
end)
crm.action("contact", "gift", function(ev)
  return { category = ev.record.${field} or "gift" }
end)
`,
      "tests/gift_test.lua": `crm.test("who favours books is given books", function(t)
  local reader = t.db.contact:insert { name = "Reader", ${field} = "books" }
  t.eq(reader.${field}, "books")
end)
`,
    },
    { requires: { people: "^1", [RETAIL]: "^1" } },
  );

const at = (home) => ({ env: { PERIGEE_HOME: home } });
async function serve(home = ROOT) {
  server = new Server(data);
  await server.start(at(home));
  for (const name of TENANTS) w[name] = new Tenant(name, server);
}
async function stop() {
  for (const name of TENANTS) w[name].close();
  await server.stop();
}
const deploy = (name, files) =>
  w[name].as("admin", "POST", `/api/v1/admin/plugins/${name}.shop/deploys`, packed(files));

/** What every contact holds, by name. */
async function contacts(name, fields) {
  const found = new Map();
  for (let cursor = ""; cursor !== null; ) {
    const more = cursor && `&cursor=${cursor}`;
    const path = `${CONTACTS}?fields=name,${fields.join(",")}&sort=id&limit=200${more}`;
    const page = await w[name].ok("admin", "GET", path);
    for (const one of page.items) found.set(one.name, fields.map((field) => one[field]));
    cursor = page.next;
  }
  return found;
}

before(async () => {
  data = folder();
  places.push(data);
  must(data, ["init"]);
  for (const name of TENANTS) {
    const host = `${name}.example.com`;
    must(data, ["tenant", "create", name, "--host", host, "--plugins", RETAIL]);
    const admin = ["user", "create", name, "admin", "--role", "admin", "--password-stdin"];
    must(data, admin, { input: `${PASSWORD}\n` });
  }
  next = nextRelease();
  await serve();
  for (const name of TENANTS) {
    for (let from = 0; from < MANY; from += 300) {
      const items = Array.from({ length: 300 }, (_, i) => ({
        op: "create",
        data: { name: `${name} ${from + i}`, [OLD]: (from + i) % 2 ? "books" : "food" },
      }));
      await w[name].ok("admin", "POST", `${CONTACTS}/bulk`, { items, atomic: true });
    }
  }
  assert.equal((await deploy("acme", acmes(OLD))).status, 201);
  const answer = await deploy("globex", globexes(OLD));
  assert.equal(answer.status, 201, answer.text);
});
after(() => {
  for (const place of places) rmSync(place, { recursive: true, force: true });
});

test("a rehearsal tells whose bundles break, where, and by which of their tests", async () => {
  const told = command(data, ["upgrade", "--rehearse", "--home", next], at(ROOT));
  assert.equal(told.status, 1, told.stdout + told.stderr);
  assert.match(told.stdout, /^acme: breaks/m);
  assert.match(told.stdout, new RegExp(`acme\\.shop/init\\.lua:3: .*${OLD}`));
  assert.match(told.stdout, /^globex: breaks/m);
  assert.match(told.stdout, /1 of its 1 tests fail:/);
  assert.match(
    told.stdout,
    new RegExp(`who favours books is given books: globex\\.shop/tests/gift_test\\.lua:1: .*${OLD}`),
  );
  const seen = await contacts("acme", [OLD]);
  assert.equal(seen.size, MANY);
  assert.deepEqual(seen.get("acme 1"), ["books"], "nothing was switched");
});

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

/** Runs it, and `act` when its backup is there and some batches are behind it. */
async function interrupted(name, ms, act) {
  const backups = join(data, "tenants", name, "backups");
  const before = new Set(existsSync(backups) ? readdirSync(backups) : []);
  const child = begin(binary(), ["upgrade", name], {
    env: { ...process.env, PERIGEE_DATA: data, PERIGEE_HOME: next },
    stdio: "ignore",
  });
  const ended = new Promise((done) => child.on("close", (code, signal) => done({ code, signal })));
  const begun = () => readdirSync(backups).some((one) => !before.has(one));
  for (let tries = 0; !begun() && child.exitCode === null; tries += 1) {
    assert.ok(tries < 6000, "it does not begin");
    await sleep(10);
  }
  await sleep(ms);
  act(child);
  return ended;
}

/** The runners of the server: one of them is at it. */
function runners() {
  return readdirSync("/proc")
    .filter((pid) => /^\d+$/.test(pid))
    .filter((pid) => {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
        const parent = Number(stat.slice(stat.lastIndexOf(")") + 4).split(" ")[0]);
        const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
        return parent === server.child.pid && words[2] === "runner";
      } catch {
        return false; // it has ended meanwhile
      }
    })
    .map(Number);
}

test("mended bundles wait for their release; the company is held up by nobody else's", async () => {
  await stop();
  const told = command(data, ["upgrade", "acme"], at(next));
  assert.equal(told.status, 1, told.stdout);
  assert.match(told.stderr, new RegExp(`acme\\.shop/init\\.lua:3: .*${OLD}`));
  assert.match(told.stderr, /acme stays as it was/);
  await serve();
  assert.deepEqual((await contacts("acme", [OLD])).get("acme 1"), ["books"]);
  await w.acme.ok("admin", "POST", "/api/v1/admin/plugins/acme.shop/disable", {});
  await w.globex.ok("admin", "POST", "/api/v1/admin/plugins/globex.shop/disable", {});
  await stop();
});

/** How many records a rehearsal still goes through. */
function left(name) {
  const told = must(data, ["upgrade", name, "--rehearse", "--json"], at(next));
  return JSON.parse(told).items[0].rows;
}

test("killed half way a company keeps what it had, and is resumed where it stopped", async (t) => {
  const seen = [];
  for (let ms = 100; seen.length < 24; ms *= 1.25) {
    const { signal } = await interrupted("acme", ms, (child) => child.kill("SIGKILL"));
    assert.equal(signal, "SIGKILL", "it was not quick enough");
    seen.push(left("acme"));
    if (seen.at(-1) < MANY) break;
  }
  assert.ok(seen.at(-1) > 0 && seen.at(-1) < MANY, `left after each kill: ${seen}`);
  await serve(); // the release before goes on with all that was there
  const all = await contacts("acme", [OLD]);
  assert.equal(all.size, MANY);
  for (const [name, [value]] of all)
    assert.equal(value, Number(name.slice(5)) % 2 ? "books" : "food", name);
  await stop();
  const done = JSON.parse(must(data, ["upgrade", "acme", "--json"], at(next)));
  t.diagnostic(`left after each kill: ${seen}`);
  assert.equal(done.items[0].rows, seen.at(-1), "what was done was not done again");
  assert.match(must(data, ["upgrade", "acme"], at(next)), /^acme: 0 migrations/m);
});

test("while the server serves it goes on after a runner's death", async (t) => {
  await serve(next);
  assert.equal((await w.globex.as("admin", "GET", `${CONTACTS}?fields=${NEW}`)).status, 422);
  const { code } = await interrupted("globex", 300, () => {
    const all = runners();
    assert.equal(all.length, 2);
    for (const pid of all) process.kill(pid, "SIGKILL");
  });
  let rest = 0;
  let said = "";
  for (let tries = 0; ; tries += 1) {
    assert.ok(tries < 300, `it comes to no end: ${said}`);
    const told = command(data, ["upgrade", "globex", "--json"], at(next));
    if (told.status === 0) {
      rest = JSON.parse(told.stdout).items[0].rows;
      break;
    }
    said = told.stderr;
    assert.match(said, /globex stays as it was/);
    await sleep(100);
  }
  t.diagnostic(`the command ended with ${code}; ${rest} of ${MANY} were left`);
  for (const name of TENANTS) w[name].close();
  await server.stop({ deaths: true });
});

test("every record was gone through once, under its new name", async () => {
  must(data, ["upgrade"], at(next));
  await serve(next);
  for (const name of TENANTS) {
    const all = await contacts(name, [NEW, SEEN]);
    assert.equal(all.size, MANY);
    for (const [who, [value, seen]] of all) {
      assert.equal(value, Number(who.slice(name.length + 1)) % 2 ? "books" : "food", who);
      assert.equal(seen, 1, who);
    }
  }
  assert.equal((await deploy("acme", acmes(NEW))).status, 201);
  const answer = await deploy("globex", globexes(NEW));
  assert.equal(answer.status, 201, answer.text);
  await stop();
});
