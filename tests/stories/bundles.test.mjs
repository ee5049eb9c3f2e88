// bundles - an implementer adds a field, a rule and a follow-up to a company's leads, is refused
// for a slip, and goes back, while the sellers go on working.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { command } from "../kit/server.mjs";
import { world } from "../kit/world.mjs";

const w = world();
const LEADS = "/api/v1/records/lead";
const cny = (amount) => ({ amount, currency: "CNY" });
let place;
before(() => (place = mkdtempSync(join(tmpdir(), "perigee-bundle-"))));
after(() => rmSync(place, { recursive: true, force: true }));

/* The customization of plugins/README.md: a field, a rule, an assignment. */
const FILES = {
  "plugin.json": JSON.stringify({
    id: "acme.sales",
    version: "1.0.0",
    api: 1,
    title: "@title",
    requires: { leads: "^1" },
    config: [{ name: "least", type: "int", default: 50000, min: 0 }],
  }),
  "entities/lead.json": JSON.stringify({
    extend: "lead",
    fields: [
      { no: 1, name: "x_level", type: "enum", values: ["A", "B", "C"], default: "C" },
      {
        no: 2,
        name: "x_region",
        type: "dict",
        dictionary: "x_sales_region",
        required_when: { x_level: "A" },
      },
    ],
  }),
  "dictionaries/region.json": JSON.stringify({ name: "x_sales_region", values: ["east", "west"] }),
  "views/lead.json": JSON.stringify([
    {
      form: "lead",
      after: "section.contact",
      section: { id: "section.level", cells: ["x_level", "x_region"] },
    },
  ]),
  "i18n/zh-CN.json": JSON.stringify({
    title: "销售定制",
    "lead.x_level": "级别",
    "lead.x_region": "大区",
    level_a_min: "A 级线索的预计金额至少为 {least}。",
  }),
  "i18n/en.json": JSON.stringify({
    title: "Sales",
    "lead.x_level": "Level",
    "lead.x_region": "Region",
    level_a_min: "A leads have an amount of at least {least}.",
  }),
  "init.lua": `local rules = require("rules")

crm.on("lead", "validate", { id = "level_a", fields = { "x_level", "estimated_amount" } },
  rules.level_a)
`,
  "rules.lua": `local rules = {}

function rules.level_a(ev, ctx)
  local lead, least = ev.record, ctx.config.least
  if lead.x_level ~= "A" then return end
  if not lead.estimated_amount or lead.estimated_amount.minor < least * 100 then
    ev:fail("estimated_amount", "@level_a_min", { least = least })
  end
end

return rules
`,
};

function write(name, files) {
  const folder = join(place, name);
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
  return folder;
}

test("a company's own customization", async (t) => {
  const { acme, globex, server } = w;
  const big = { name: "张伟", x_level: "A", x_region: "east", estimated_amount: cny("60000.00") };

  await t.test("one command makes it active while everybody works", async () => {
    const told = server.must(["plugin", "deploy", "acme", write("one", FILES)]);
    assert.match(told, /^active: acme\.sales 1\.0\.0 \([0-9a-f]{12}\)$/m);
    const lead = await acme.create("sales1", "lead", big);
    assert.equal(lead.x_level, "A");
    const small = { ...big, estimated_amount: cny("1.00") };
    const refused = await acme.as("sales1", "POST", LEADS, {
      body: small,
      headers: { "accept-language": "zh-CN" },
    });
    const [complaint] = refused.json.error.fields.estimated_amount;
    assert.equal(complaint.code, "acme.sales:level_a_min");
    assert.equal(complaint.message, "A 级线索的预计金额至少为 50000。");
    const bare = await acme.as("sales1", "POST", LEADS, { body: { ...big, x_region: null } });
    assert.deepEqual(Object.keys(bare.json.error.fields), ["x_region"]);
  });

  await t.test("the field is everywhere: metadata, form, list, filter, export", async () => {
    const meta = await acme.ok("sales1", "GET", "/api/v1/meta/lead");
    const field = meta.fields.find(({ name }) => name === "x_level");
    assert.equal(field.label, "级别");
    assert.ok(JSON.stringify(meta.views).includes("section.level"));
    const list = await acme.ok("sales1", "GET", `${LEADS}?x_level=A&fields=name,x_region`);
    assert.deepEqual(
      list.items.map(({ name, x_region }) => [name, x_region]),
      [["张伟", "east"]],
    );
    const out = server.must(["export", "acme", "lead"]);
    assert.match(out, /x_level|级别/);
    const theirs = await globex.ok("sales1", "GET", "/api/v1/meta/lead");
    assert.ok(!JSON.stringify(theirs).includes("x_level"));
  });

  await t.test("a slip is refused with its line, and the old one goes on", async () => {
    const slip = { ...FILES, "init.lua": FILES["init.lua"].replace('"x_level"', '"x_levl"') };
    const told = command(server.data, ["plugin", "deploy", "acme", write("two", slip)]);
    assert.equal(told.status, 1);
    assert.match(told.stderr, /acme\.sales\/init\.lua:3: .*x_levl.*did you mean "x_level"/);
    const small = { ...big, estimated_amount: cny("1.00") };
    assert.equal((await acme.as("sales1", "POST", LEADS, { body: small })).status, 422);
  });

  await t.test("a looser rule is tried, and taken back", async () => {
    const loose = { ...FILES, "plugin.json": FILES["plugin.json"].replace("50000", "1") };
    server.must(["plugin", "deploy", "acme", write("three", loose)]);
    const small = { ...big, estimated_amount: cny("2.00") };
    assert.equal((await acme.as("sales1", "POST", LEADS, { body: small })).status, 201);
    server.must(["plugin", "rollback", "acme", "acme.sales"]);
    assert.equal((await acme.as("sales1", "POST", LEADS, { body: small })).status, 422);
    const { items } = JSON.parse(
      server.must(["plugin", "deploys", "acme", "acme.sales", "--json"]),
    );
    assert.deepEqual(
      items.map(({ action, active }) => [action, active]),
      [
        ["rollback", true],
        ["deploy", false],
        ["deploy", false],
      ],
    );
  });

  await t.test("a backup carries the bundle and its history to another place", async () => {
    const backups = join(place, "backups");
    server.must(["backup", "acme", backups]);
    const [saved] = readdirSync(backups);
    const to = ["--as", "second", "--host", "second.example.com"];
    server.must(["restore", "acme", join(backups, saved), ...to]);
    const asked = (...args) => JSON.parse(server.must([...args, "--json"])).items;
    const mine = asked("plugin", "list", "second").find(({ id }) => id === "acme.sales");
    assert.deepEqual([mine.state, mine.why], ["enabled", null]);
    assert.equal(asked("plugin", "deploys", "second", "acme.sales").length, 3);
    assert.match(server.must(["plugin", "rollback", "second", "acme.sales"]), /^active: /);
    server.must(["tenant", "delete", "second", "--yes", "second"]);
  });
});
