// fired - every event of schemas/events is seen where it happens, with what its file promises.
// SPDX-License-Identifier: MIT
//
// A product plugin has a handler for each of the files and says what it was given; for each there
// is a way here to make it happen. A new file without one fails.
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { certify } from "../kit/certify.mjs";
import { multipart } from "../kit/client.mjs";
import { ImapServer } from "../kit/imap.mjs";
import { bundle, packed } from "../kit/pack.mjs";
import { folder, ROOT } from "../kit/server.mjs";
import { world } from "../kit/world.mjs";

const ADMIN = "/api/v1/admin";
const LEADS = "/api/v1/records/lead";
const SCHEMAS = join(ROOT, "schemas/events");
const EVENTS = readdirSync(SCHEMAS)
  .map((name) => JSON.parse(readFileSync(join(SCHEMAS, name), "utf8")))
  .filter(({ name }) => name);

/* "record.transition" is a moment of a record, the others have a payload. */
function handler({ name, payload, after_commit: isLate }) {
  const moment = name.startsWith("record.") ? name.slice(7) : null;
  const members = Object.keys(payload).map((member) => `"${member}"`);
  const says = `witness("${name}", ${moment !== null}, { ${members.join(", ")} })`;
  const place = moment === "transition" ? "transition:status" : moment;
  const what = moment ? `"lead", "${place}"` : `"${name}"${isLate ? ', "after_commit"' : ""}`;
  return `crm.on(${what}, { id = "see" }, ${says})\n`;
}

const WITNESS = `-- witness
local function kind(value)
  if type(value) == "userdata" then return "data" end
  return math.type(value) or type(value)
end

local function witness(name, is_record, members)
  return function(ev, ctx)
    local seen, from = {}, is_record and ev or ev.payload
    for _, member in ipairs(members) do
      if from[member] ~= nil then seen[member] = kind(from[member]) end
    end
    if not is_record then
      for member, value in pairs(ev.payload) do seen[member] = kind(value) end
    end
    ctx.log.info("fired", { event = name, seen = seen, source = ev.source })
    if is_record and ev.record.title == "refuse " .. name then ev:fail("title", "Not this one.") end
  end
end

${EVENTS.map(handler).join("")}`;

/* Only a product plugin can be there before a company is. */
function makeHome() {
  const home = folder();
  mkdirSync(join(home, "plugins/witness"), { recursive: true });
  symlinkSync(join(ROOT, "schemas"), join(home, "schemas"));
  for (const id of readdirSync(join(ROOT, "plugins")))
    symlinkSync(join(ROOT, "plugins", id), join(home, "plugins", id));
  const requires = { leads: "^1" };
  const manifest = { id: "witness", version: "1.0.0", api: 1, title: "Witness", requires };
  writeFileSync(join(home, "plugins/witness/plugin.json"), JSON.stringify(manifest));
  writeFileSync(join(home, "plugins/witness/init.lua"), WITNESS);
  return home;
}

const certificate = certify();
const home = makeHome();
const env = {
  PERIGEE_HOME: home,
  PERIGEE_OUTBOUND_PRIVATE: "127.0.0.1",
  PERIGEE_OUTBOUND_CA: certificate.paths.cert,
};
const w = world({ env, args: ["--operator-listen", "127.0.0.1:0"], setup: enable });
let mailbox;
after(async () => {
  await mailbox?.stop();
  rmSync(home, { recursive: true });
});

async function enable() {
  await w.acme.ok("admin", "POST", `${ADMIN}/plugins/witness/enable`, {});
}

/** What the handlers of a company have said so far: [{ event, seen, source }]. */
function fired(tenant = "acme") {
  return w.server.log
    .split("\n")
    .filter((line) => line.includes('"plugin":"witness"') && line.includes('"msg":"fired"'))
    .map((line) => JSON.parse(line))
    .filter((line) => line.tenant === tenant)
    .map(({ fields }) => fields);
}

async function until(what, ask) {
  for (let tries = 0; ; tries += 1) {
    const got = await ask();
    if (got) return got;
    assert.ok(tries < 1500, `waited in vain until ${what}`);
    await new Promise((done) => setTimeout(done, 20));
  }
}

const lead = (body) => w.acme.create("admin", "lead", { phones: ["13800138000"], ...body });
const patch = (id, body) => w.acme.ok("admin", "PATCH", `${LEADS}/${id}`, body);
const remove = (id) => w.acme.ok("admin", "DELETE", `${LEADS}/${id}`);
const restore = (id) => w.acme.ok("admin", "POST", `${LEADS}/${id}/restore`, {});

async function deploy(version) {
  const files = bundle("acme.other", { "init.lua": `-- ${version}\n` }, { version });
  const path = `${ADMIN}/plugins/acme.other/deploys`;
  const answer = await w.acme.as("admin", "POST", path, packed(files));
  assert.equal(answer.status, 201, answer.text);
}

/* How each is made to happen. Where it takes one of the others before it, it does that itself. */
const DRIVERS = {
  "auth.login": () => w.acme.signIn("admin"),
  "api_key.limited": async () => {
    const { token } = await w.acme.ok("admin", "POST", `${ADMIN}/api-keys`, { name: "busy" });
    const body = { name: "again and again" };
    await until("it is too often", async () => {
      const { status } = await w.acme.as(null, "POST", "/api/v1/x/leads/web", { token, body });
      return status === 429;
    });
  },
  "tenant.provisioned": () => {
    const host = ["--host", "third.example.com", "--plugins", "witness"];
    w.server.must(["tenant", "create", "third", ...host], { env });
  },
  "plugin.installed": () => deploy("1.0.0"),
  "plugin.upgraded": () => deploy("1.1.0"),
  "plugin.disabled": () => w.acme.ok("admin", "POST", `${ADMIN}/plugins/acme.other/disable`, {}),
  "import.before_row": async () => {
    const parts = [
      { name: "entity", content: "lead" },
      { name: "file", filename: "a.csv", type: "text/csv", content: "name\nimported\n" },
    ];
    const made = await w.acme.as("admin", "POST", "/api/v1/imports", multipart(parts));
    const path = `/api/v1/imports/${made.json.id}`;
    await w.acme.ok("admin", "PUT", `${path}/mapping`, {});
    await w.acme.ok("admin", "POST", `${path}/run`, {});
    await w.acme.settled("admin", path);
  },
  "export.written": () => w.acme.ok("admin", "POST", "/api/v1/exports", { entity: "lead" }),
  "mail.received": async () => {
    mailbox = await new ImapServer({ certificate, users: { crm: "secret" } }).start();
    mailbox.add(
      "From: Ann <ann@example.com>\nTo: crm@acme.example.com\nSubject: Hi\n" +
        "Message-ID: <two@example.com>\nIn-Reply-To: <one@example.com>\n" +
        "References: <one@example.com>\nDate: Mon, 02 Mar 2026 10:00:00 +0800\n\nText\n",
    );
    const settings = { host: "localhost", port: mailbox.port, tls: mailbox.mode, user: "crm" };
    const path = `${ADMIN}/mailboxes/one`;
    const body = { ...settings, password: "secret" };
    assert.equal((await w.acme.as("admin", "PUT", path, { body })).status, 200);
    await until("it was looked into", async () => {
      const { items } = await w.acme.ok("admin", "GET", `${ADMIN}/mailboxes`);
      return items[0].looked_at;
    });
    mailbox.add(mailbox.letters[0].raw.toString().replace("<two@", "<three@"));
    await w.acme.ok("admin", "POST", `${path}/look`, {});
  },
  "record.before_create": () => lead({ name: "made" }),
  "record.validate": async () => patch((await lead({ name: "judged" })).id, { name: "again" }),
  "record.after_create": () => lead({ name: "there" }),
  "record.before_update": async () => patch((await lead({ name: "a" })).id, { name: "b" }),
  "record.after_update": async () => patch((await lead({ name: "b" })).id, { name: "c" }),
  "record.transition": async () => patch((await lead({ name: "c" })).id, { status: "working" }),
  "record.before_delete": async () => remove((await lead({ name: "d" })).id),
  "record.validate_delete": async () => remove((await lead({ name: "e" })).id),
  "record.after_delete": async () => remove((await lead({ name: "f" })).id),
  "record.validate_restore": async () => back(await lead({ name: "g" })),
  "record.after_restore": async () => back(await lead({ name: "h" })),
  "record.after_commit": async () => patch((await lead({ name: "i" })).id, { name: "j" }),
};
async function back({ id }) {
  await remove(id);
  await restore(id);
}

test("for every file there is a way to make it happen, and no way is left over", () => {
  assert.deepEqual(Object.keys(DRIVERS).sort(), EVENTS.map(({ name }) => name).sort());
});

/* What Lua is given for a type of schemas/event.schema.json. */
const KINDS = {
  text: "string",
  id: "integer",
  int: "integer",
  bool: "boolean",
  list: "data",
  json: "data",
  record: "data",
};

const DECLARED = Object.fromEntries(EVENTS.map(({ name, payload }) => [name, payload]));

for (const [name, drive] of Object.entries(DRIVERS)) {
  const payload = DECLARED[name] ?? {};
  test(`${name} is fired with what it promises`, async () => {
    const tenant = name === "tenant.provisioned" ? "third" : "acme";
    const before = fired(tenant).length;
    await drive();
    const all = await until(`${name} is fired`, () => {
      const found = fired(tenant).filter(({ event }) => event === name);
      const told = new Set(found.flatMap(({ seen }) => Object.keys(seen)));
      const isWhole = Object.keys(payload).every((member) => told.has(member));
      return fired(tenant).length > before && isWhole && found;
    });
    for (const { seen, source } of all) {
      assert.ok(source, "who did it is said");
      for (const [member, kind] of Object.entries(seen))
        assert.equal(kind, KINDS[payload[member]], `${name}: ${member}`);
    }
  });
}

/* The step of a lead's life at which it has to be refused. */
const STEPS = {
  create: ["before_create", "validate", "after_create"],
  update: ["before_update", "validate", "after_update", "transition"],
  delete: ["before_delete", "validate_delete", "after_delete"],
  restore: ["validate_restore", "after_restore"],
};
const mayRefuse = new Set(EVENTS.filter((one) => one.may_refuse).map(({ name }) => name));

test("what may refuse is what the files say", () => {
  const steps = new Set(Object.values(STEPS).flat());
  const said = EVENTS.filter(({ name }) => name.startsWith("record."));
  for (const { name, may_refuse: may } of said)
    assert.equal(steps.has(name.slice(7)), may, `${name} and its file`);
});

for (const [step, moments] of Object.entries(STEPS)) {
  for (const moment of moments) {
    test(`record.${moment} refuses to ${step}, and nothing stays of it`, async () => {
      assert.ok(mayRefuse.has(`record.${moment}`));
      const title = `refuse record.${moment}`;
      const count = async () => (await w.acme.ok("admin", "GET", `${LEADS}?count=true`)).count;
      let path, answer;
      if (step !== "create") {
        const made = await lead({ name: "x" });
        path = `${LEADS}/${made.id}`;
        if (step !== "update") await patch(made.id, { title });
        if (step === "restore") await remove(made.id);
      }
      const before = await count();
      if (step === "create") {
        const body = { name: "x", phones: ["13800138000"], title };
        answer = await w.acme.as("admin", "POST", LEADS, { body });
      } else if (step === "update") {
        answer = await w.acme.as("admin", "PATCH", path, { body: { title, status: "working" } });
      } else if (step === "delete") {
        answer = await w.acme.as("admin", "DELETE", path);
      } else {
        answer = await w.acme.as("admin", "POST", `${path}/restore`, { body: {} });
      }
      assert.equal(answer.status, 422, answer.text);
      assert.match(answer.json.error.fields.title[0].message, /Not this one/);
      assert.equal(await count(), before);
      if (step === "update") assert.equal((await w.acme.ok("admin", "GET", path)).title, null);
    });
  }
}

test("behind the commit nobody can undo what has happened", async () => {
  const made = await lead({ name: "kept", title: "refuse record.after_commit" });
  assert.equal((await w.acme.ok("admin", "GET", `${LEADS}/${made.id}`)).name, "kept");
});

test("a company without the plugin has fired nothing", async () => {
  await w.globex.create("admin", "lead", { name: "quiet" });
  await w.globex.signIn("admin");
  assert.deepEqual(fired("globex"), []);
});
