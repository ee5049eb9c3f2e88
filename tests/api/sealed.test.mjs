// sealed - encrypted fields and settings: masks everywhere, unmasking with a reason, keys.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { limit } from "../kit/limits.mjs";
import { query } from "../kit/client.mjs";
import { command } from "../kit/server.mjs";
import { PASSWORD, world } from "../kit/world.mjs";

const w = world();
const LEADS = "/api/v1/records/lead";
const CARD = "11010519491231002X";
const MASK = "110***********002X";
const BANK = "4111111111111111";
const SECRET = "zqsecretzq-of-the-safe";
const PHRASE = "correct horse battery staple";
const plainTexts = [CARD, BANK, SECRET];
let lead;

const unmask = (as, id, body, t = w.acme) => t.as(as, "POST", `${LEADS}/${id}/unmask`, { body });
const cli = (...args) => w.server.command(args);
const audit = async (action) =>
  (await w.acme.ok("admin", "GET", `/api/v1/admin/audit?action=${action}`)).items;

/* Every byte that lies in the data folder, the write-ahead logs included. */
function holdsPlainText(folder) {
  for (const path of readdirSync(folder, { recursive: true })) {
    const file = join(folder, path);
    if (!statSync(file).isFile()) continue;
    const bytes = readFileSync(file);
    for (const text of plainTexts) if (bytes.includes(text)) return `${path} holds ${text}`;
  }
  return null;
}

test("fields of encrypted types are made in both companies", async () => {
  const fields = [
    { name: "x_card", type: "id_card", label: "证件号" },
    { name: "x_bank", type: "bank_card", label: "银行卡" },
    { name: "x_code", type: "secret", label: "密码" },
  ];
  for (const t of [w.acme, w.globex]) {
    const document = { entities: [{ extend: "lead", fields }] };
    const path = "/api/v1/admin/customization";
    await t.ok("admin", "PUT", `${path}/draft`, { document });
    await t.ok("admin", "POST", `${path}/publish`, {});
    await t.ok("admin", "PUT", "/api/v1/admin/roles/vault", {
      label: "Vault",
      grants: { lead: { read: "own", create: true, update: "own", unmask: "own" } },
    });
    const body = { login: "keeper", name: "keeper", roles: ["vault"], password: PASSWORD };
    await t.ok("admin", "POST", "/api/v1/admin/users", body);
  }
});

test("a value goes in and comes out as its mask", async () => {
  const body = { name: "张三", x_card: CARD, x_bank: BANK, x_code: SECRET };
  lead = await w.acme.create("keeper", "lead", body);
  assert.deepEqual(
    [lead.x_card, lead.x_bank, lead.x_code],
    [MASK, "**** **** **** 1111", "********"],
  );
  for (const path of [
    `${LEADS}/${lead.id}`,
    LEADS,
    `${LEADS}/${lead.id}/history`,
    `${LEADS}/${lead.id}/timeline`,
    "/api/v1/changes?since=0",
  ]) {
    const answer = await w.acme.as("keeper", "GET", path);
    assert.equal(answer.status, 200, answer.text);
    for (const text of plainTexts) assert.ok(!answer.text.includes(text), path);
  }
});

test("what is wrong with a number is told by field", async () => {
  const body = { name: "x", x_card: "110105194912310021", x_bank: "1234" };
  const answer = await w.acme.as("keeper", "POST", LEADS, { body });
  assert.equal(answer.status, 422);
  const codes = Object.entries(answer.json.error.fields).map(([name, [one]]) => [name, one.code]);
  assert.deepEqual(codes.sort(), [
    ["x_bank", "bad_bank_card"],
    ["x_card", "bad_id_card"],
  ]);
});

test("equal values are found over HTTP, and nothing else about them", async () => {
  const found = async (filter, as = "keeper") =>
    (await w.acme.ok(as, "POST", `${LEADS}/query`, { filter })).items.map(({ id }) => id);
  assert.deepEqual(await found({ x_card: CARD }), [lead.id]);
  assert.deepEqual(await found({ x_code: SECRET }), [lead.id]);
  assert.deepEqual(await found({ x_card: "440524188001010014" }), []);
  const short = await w.acme.ok("keeper", "GET", LEADS + query({ filter: { x_bank: BANK } }));
  assert.deepEqual(
    short.items.map(({ id }) => id),
    [lead.id],
  );
  for (const body of [
    { filter: { x_card: { prefix: "110" } } },
    { sort: "x_card" },
    { group: ["x_card"], measure: ["count"] },
  ]) {
    const answer = await w.acme.as("keeper", "POST", `${LEADS}/query`, { body });
    assert.equal(answer.status, 422, `${JSON.stringify(body)}: ${answer.text}`);
  }
});

test("bulk tells people apart by the value, not by a mask that several have", async () => {
  const other = "4222222222261111"; // its mask is that of BANK
  const upsert = (x_bank, company) => ({
    op: "upsert",
    match: "x_bank",
    data: { name: "李四", x_bank, company },
  });
  const bulk = (items) => w.acme.ok("keeper", "POST", `${LEADS}/bulk`, { items, atomic: true });
  const [made] = (await bulk([upsert(other, "first")])).results;
  assert.equal(made.op, "create", JSON.stringify(made));
  const [again] = (await bulk([upsert(other, "second")])).results;
  assert.deepEqual([again.op, again.id], ["update", made.id]);
  const untouched = await w.acme.ok("keeper", "GET", `${LEADS}/${lead.id}`);
  assert.deepEqual([untouched.version, untouched.name], [lead.version, "张三"]);
});

test("sending the mask back changes nothing", async () => {
  const same = await w.acme.ok("keeper", "PATCH", `${LEADS}/${lead.id}`, {
    x_card: MASK,
    x_code: "********",
  });
  assert.equal(same.version, lead.version);
});

test("OpenAPI names unmasking to those who may", async () => {
  const path = "/records/lead/{id}/unmask";
  for (const [login, named] of [
    ["keeper", true],
    ["admin", false],
  ]) {
    const doc = await w.acme.ok(login, "GET", "/api/v1/openapi.json");
    assert.equal(path in doc.paths, named, login);
  }
});

test("unmasking is a right, needs a reason and is written down", async () => {
  const body = { field: "x_card", reason: "合同签署核对身份" };
  const answer = await unmask("keeper", lead.id, body);
  assert.equal(answer.status, 200, answer.text);
  assert.deepEqual(answer.json, { field: "x_card", value: CARD });
  assert.match(answer.headers["cache-control"] ?? "", /no-store/);
  const rows = await audit("unmask");
  assert.equal(rows.length, 1);
  assert.ok(JSON.stringify(rows[0]).includes("合同签署核对身份"));
  assert.ok(!JSON.stringify(rows).includes(CARD));
  assert.equal((await unmask("sales1", lead.id, body)).status, 404, "not theirs to see");
  assert.equal((await unmask("admin", lead.id, body)).status, 403, "seen, but masked for them");
  assert.equal((await unmask(null, lead.id, body)).status, 401);
  const foreign = await unmask("keeper", lead.id, body, w.globex);
  assert.equal(foreign.status, 404);
  for (const [bad, field] of [
    [{ field: "x_card" }, "reason"],
    [{ field: "x_card", reason: "  " }, "reason"],
    [{ reason: "because" }, "field"],
    [{ field: "name", reason: "because" }, "field"],
    [{ field: "nothing", reason: "because" }, "field"],
    [{ ...body, all: true }, "all"],
    [{ ...body, reason: "r".repeat(limit("UNMASK_REASON_BYTES_MAX") + 1) }, "reason"],
  ]) {
    const refused = await unmask("keeper", lead.id, bad);
    assert.equal(refused.status, 422, refused.text);
    assert.deepEqual(Object.keys(refused.json.error.fields), [field]);
  }
  assert.equal((await audit("unmask")).length, 1);
  const longest = "r".repeat(limit("UNMASK_REASON_BYTES_MAX"));
  assert.equal((await unmask("keeper", lead.id, { ...body, reason: longest })).status, 200);
  const keyed = await w.acme.as("keeper", "POST", `${LEADS}/${lead.id}/unmask`, {
    body,
    headers: { "idempotency-key": "once" },
  });
  assert.ok(keyed.status >= 400, "no answer with a secret is kept");
});

test("exports hold masks", async () => {
  await w.acme.ok("admin", "PUT", "/api/v1/admin/roles/vault", {
    label: "Vault",
    grants: {
      lead: { read: "own", create: true, update: "own", unmask: "own", export: true },
    },
  });
  const job = await w.acme.ok("keeper", "POST", "/api/v1/exports", { entity: "lead" });
  const done = await w.acme.settled("keeper", `/api/v1/jobs/${job.id}`);
  assert.equal(done.state, "done", JSON.stringify(done));
  const file = await w.acme.as("keeper", "GET", `/api/v1/files/${done.result.file}`);
  assert.ok(file.text.includes(MASK), file.text);
  for (const text of plainTexts) assert.ok(!file.text.includes(text));
});

test("no file of the data folder holds a plain value", () => {
  assert.equal(holdsPlainText(w.server.data), null);
});

test("keys are listed, rotated, and everything is readable after it", async () => {
  const before = cli("keys", "list", "acme", "--json");
  assert.equal(before.status, 0, before.stderr);
  const keys = JSON.parse(before.stdout).items;
  assert.ok(keys.some((key) => key.class === "id_card" && key.version === 1));
  assert.ok(!before.stdout.includes("wrapped"));
  const rotated = cli("keys", "rotate", "acme");
  assert.equal(rotated.status, 0, rotated.stderr);
  const state = () =>
    JSON.parse(cli("keys", "list", "acme", "--json").stdout)
      .items.filter((key) => key.class === "id_card" && key.kind === "data")
      .map((key) => [key.version, key.state]);
  for (let wait = 20; state()[0][1] !== "retired"; wait = Math.min(wait * 2, 500)) {
    await new Promise((done) => setTimeout(done, wait));
  }
  assert.deepEqual(state(), [
    [1, "retired"],
    [2, "active"],
  ]);
  const after = await unmask("keeper", lead.id, { field: "x_code", reason: "nach der Rotation" });
  assert.equal(after.json.value, SECRET, after.text);
  const still = await w.acme.ok("keeper", "POST", `${LEADS}/query`, { filter: { x_card: CARD } });
  assert.equal(still.items.length, 1);
  assert.equal((await audit("keys.rotate")).length, 1);
});

test("a copy elsewhere opens its fields with the passphrase alone", () => {
  const dir = mkdtempSync(join(w.server.data, "..", "carried-"));
  const carry = ["tenant", "export", "acme", dir, "--key-passphrase-stdin"];
  const short = w.server.command(carry, { input: "too short\n" });
  assert.equal(short.status, 1, "a passphrase has a least length");
  const made = w.server.command([...carry, "--json"], { input: `${PHRASE}\n` });
  assert.equal(made.status, 0, made.stderr);
  const { path } = JSON.parse(made.stdout);
  assert.ok(existsSync(join(path, "keys.json")));
  assert.equal(holdsPlainText(path), null);
  assert.ok(!readFileSync(join(path, "keys.json"), "utf8").includes(PHRASE));
  const other = mkdtempSync(join(w.server.data, "..", "other-"));
  const away = join(other, "data");
  assert.equal(command(away, ["init"]).status, 0);
  const host = ["--host", "carried.example.com"];
  const without = command(away, ["tenant", "import", "carried", path, ...host]);
  assert.equal(without.status, 0, without.stderr);
  assert.match(without.stderr, /cannot be read here.*keys rewrap/);
  const locked = command(away, ["keys", "list", "carried", "--json"]);
  assert.ok(JSON.parse(locked.stdout).items.every((key) => key.state === "locked"));
  const wrong = command(away, ["keys", "rewrap", "carried", "--key-passphrase-stdin"], {
    input: "not the right passphrase\n",
  });
  assert.equal(wrong.status, 1);
  const right = command(away, ["keys", "rewrap", "carried", "--key-passphrase-stdin"], {
    input: `${PHRASE}\n`,
  });
  assert.equal(right.status, 0, right.stderr);
  const open = JSON.parse(command(away, ["keys", "list", "carried", "--json"]).stdout).items;
  assert.ok(open.every((key) => key.state !== "locked"));
});

test("a secret setting of a plugin is sealed and never told", async () => {
  const folder = mkdtempSync(join(tmpdir(), "perigee-plugin-"));
  writeFileSync(
    join(folder, "plugin.json"),
    JSON.stringify({
      id: "acme.keys",
      version: "1.0.0",
      api: 1,
      title: "Keys",
      config: [{ name: "erp_key", type: "secret", label: "Key" }],
    }),
  );
  const deployed = cli("plugin", "deploy", "acme", folder);
  assert.equal(deployed.status, 0, deployed.stderr);
  const path = "/api/v1/admin/plugins/acme.keys/config";
  const put = (erp_key) => w.acme.ok("admin", "PUT", path, { erp_key });
  assert.deepEqual(await put(SECRET), { erp_key: "********" });
  assert.deepEqual(await put("********"), { erp_key: "********" });
  assert.deepEqual(await w.acme.ok("admin", "GET", path), { erp_key: "********" });
  assert.equal(holdsPlainText(w.server.data), null);
  assert.deepEqual(await put(null), { erp_key: null });
});
