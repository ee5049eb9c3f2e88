// implementer - the author of a company's plugin: from a skeleton to code that runs, with a slip
// found before anything ran, while the sellers go on working.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { begin, binary, command } from "../kit/server.mjs";
import { world } from "../kit/world.mjs";

const w = world();
const LEADS = "/api/v1/records/lead";
const cny = (amount) => ({ amount, currency: "CNY" });
let place, bundle;
before(() => {
  place = mkdtempSync(join(tmpdir(), "perigee-implementer-"));
  bundle = join(place, "acme.sales");
});
after(() => rmSync(place, { recursive: true, force: true }));

const perigee = (...args) => command(w.server.data, args, { cwd: place });
const well = (...args) => {
  const done = perigee(...args);
  assert.equal(done.status, 0, `${args.join(" ")}: ${done.stdout}${done.stderr}`);
  return done.stdout;
};
const edit = (name, from, to) => {
  const path = join(bundle, name);
  const text = readFileSync(path, "utf8");
  assert.ok(text.includes(from), `${name}: ${from}`);
  writeFileSync(path, text.replace(from, to));
};
const sameLead = (fields) => ({ name: "王五", phones: ["+8613900000001"], ...fields });

test("a skeleton works at once, and the editor is told of this company's model", () => {
  well("plugin", "new", "acme.sales");
  assert.match(well("plugin", "test", "acme.sales"), /ok 1 - .*\nok 2 - .*\n1\.\.2\n$/);
  well("types", "acme", "--output", "acme.sales");
  const model = readFileSync(join(bundle, "types", "model.lua"), "utf8");
  assert.match(model, /fun\(entity: "lead", moment: crm\.moment/);
  assert.ok(!model.includes("x_level"), "what was not deployed is not there yet");
});

test("a misspelt field is found before anything runs", () => {
  edit("rules.lua", "lead.x_level ~=", "lead.x_levl ~=");
  const found = perigee("plugin", "check", "acme.sales");
  assert.equal(found.status, 1);
  assert.match(
    found.stdout,
    /^acme\.sales\/rules\.lua:6: lead has no field "x_levl" \(did you mean "x_level"\?\)$/m,
  );
  const failed = perigee("plugin", "test", "acme.sales");
  assert.equal(failed.status, 1, "and the tests do not pass");
  edit("rules.lua", "lead.x_levl ~=", "lead.x_level ~=");
  assert.match(well("plugin", "check", "acme.sales"), /nothing found/);
});

test("deployed while the server serves, the field is everywhere at once", async () => {
  const { acme, globex } = w;
  well("plugin", "deploy", "acme", "acme.sales");

  const meta = await acme.ok("sales1", "GET", "/api/v1/meta/lead");
  assert.ok(
    meta.fields.some(({ name }) => name === "x_level"),
    "metadata",
  );
  const openapi = await acme.ok("admin", "GET", "/api/v1/openapi.json");
  assert.ok(JSON.stringify(openapi).includes('"x_level"'), "OpenAPI");

  const small = sameLead({ x_level: "A", x_region: "east", estimated_amount: cny("1.00") });
  const refused = await acme.as("sales1", "POST", LEADS, { body: small });
  assert.equal(refused.status, 422, refused.text);
  assert.deepEqual(Object.keys(refused.json.error.fields), ["estimated_amount"]);
  await acme.create("sales1", "lead", sameLead({ x_level: "B" }));
  const listed = await acme.ok("sales1", "GET", `${LEADS}?x_level=B&fields=name,x_level`);
  assert.deepEqual(
    listed.items.map(({ name, x_level }) => [name, x_level]),
    [["王五", "B"]],
    "in a list, filtered",
  );

  writeFileSync(join(place, "in.csv"), "name,phones,x_level\n赵六,+8613900000002,B\n");
  assert.match(well("import", "acme", "lead", "in.csv"), /created 1, updated 0/);
  const out = well("export", "acme", "lead", "--filter", JSON.stringify({ x_level: "B" }));
  assert.ok(out.includes("赵六") && out.includes("王五"), out);

  const theirs = await globex.ok("sales1", "GET", "/api/v1/meta/lead");
  assert.ok(!JSON.stringify(theirs).includes("x_level"), "nothing of it at the other company");
});

test("a broken bundle is refused and the old one goes on; rollback goes back", async () => {
  const post = (body) => w.acme.as("sales1", "POST", LEADS, { body });
  edit("init.lua", '"level_a", fields = { "x_level"', '"level_a", fields = { "x_levl"');
  const refused = perigee("plugin", "deploy", "acme", "acme.sales");
  assert.equal(refused.status, 1);
  assert.match(refused.stderr, /acme\.sales\/init\.lua:\d+: .*did you mean "x_level"/);
  const body = sameLead({ x_level: "A", x_region: "east" });
  assert.equal((await post(body)).status, 422, "the old rule holds");
  edit("init.lua", '{ "x_levl"', '{ "x_level"');

  edit("rules.lua", 'crm.money("50000", "CNY")', 'crm.money("1", "CNY")');
  edit("tests/level_test.lua", 't.money(1, "CNY")', 't.money(0, "CNY")');
  well("plugin", "test", "acme.sales");
  well("plugin", "deploy", "acme", "acme.sales");
  const cheap = { ...body, estimated_amount: cny("5.00") };
  assert.equal((await post(cheap)).status, 201);
  well("plugin", "rollback", "acme", "acme.sales");
  assert.equal((await post(cheap)).status, 422);
});

test("dev does it on every save", async () => {
  const dev = begin(binary(), ["dev", "acme", "acme.sales"], {
    cwd: place,
    env: { ...process.env, PERIGEE_DATA: w.server.data },
  });
  let said = "";
  dev.stdout.setEncoding("utf8").on("data", (text) => (said += text));
  dev.stderr.setEncoding("utf8").on("data", (text) => (said += text));
  const ended = new Promise((done) => dev.on("close", (code) => done(code)));
  const until = async (pattern) => {
    for (let tries = 0; !pattern.test(said); tries++) {
      assert.ok(tries < 4000, said);
      await new Promise((done) => setTimeout(done, 25));
    }
    said = "";
  };
  await until(/-- active/);
  edit("rules.lua", "lead.x_level ~=", "lead.x_levl ~=");
  await until(/did you mean "x_level"[\s\S]*-- not deployed/);
  edit("rules.lua", "lead.x_levl ~=", "lead.x_level ~=");
  edit("rules.lua", 'crm.money("1", "CNY")', 'crm.money("2", "CNY")');
  await until(/-- active/);
  const body = sameLead({ x_level: "A", x_region: "west", estimated_amount: cny("3.00") });
  const made = await w.acme.as("sales1", "POST", LEADS, { body });
  assert.equal(made.status, 201, "the saved rule holds");
  dev.kill("SIGINT");
  assert.equal(await ended, 0);
});
