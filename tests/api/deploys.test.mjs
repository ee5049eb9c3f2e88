// deploys - a company's own bundles: taken in, checked, switched to while it is served, and back.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { multipart } from "../kit/client.mjs";
import { limit } from "../kit/limits.mjs";
import { bundle, pack, packed } from "../kit/pack.mjs";
import { PASSWORD, world } from "../kit/world.mjs";

const w = world();
const ID = "acme.sales";
const PLUGINS = "/api/v1/admin/plugins";
const DEPLOYS = `${PLUGINS}/${ID}/deploys`;
const LEADS = "/api/v1/records/lead";

const level = {
  extend: "lead",
  fields: [
    { no: 1, name: "x_level", type: "enum", values: ["A", "B"], default: "B", label: "级别" },
  ],
};
const rules = (word) => ({
  "init.lua": `local rules = require("rules")
crm.on("lead", "validate", { id = "word", fields = { "x_level" } }, rules.word)
`,
  "rules.lua": `local rules = {}
function rules.word(ev)
  if ev.record.company == "${word}" then ev:fail("company", "@word") end
end
return rules
`,
  "i18n/zh-CN.json": { word: `不能是 ${word}` },
  "i18n/en.json": { word: `not ${word}` },
});
const first = () => bundle(ID, { "entities/lead.json": level, ...rules("one") });
const second = () => bundle(ID, { "entities/lead.json": level, ...rules("two") });

const deploy = (files, { as = "admin", tenant = w.acme, id = ID, query = "", types } = {}) =>
  tenant.as(as, "POST", `${PLUGINS}/${id}/deploys${query}`, packed(files, types));
const folders = (id = ID) => {
  const path = join(w.server.data, "tenants", "acme", "custom", id);
  return existsSync(path) ? readdirSync(path) : [];
};
const lead = (body, as = "sales1") =>
  w.acme.as(as, "POST", LEADS, { body: { name: "张三", ...body } });
let one, two;

test("a bundle is checked without leaving anything behind", async () => {
  const answer = await deploy(first(), { query: "?check=true" });
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.json.active, false);
  assert.deepEqual(folders(), []);
  assert.equal((await w.acme.as("admin", "GET", DEPLOYS)).status, 404);
});

test("a deploy is active at once: metadata, rules and OpenAPI", async () => {
  const answer = await deploy(first());
  assert.equal(answer.status, 201, answer.text);
  one = answer.json.hash;
  assert.match(one, /^[0-9a-f]{64}$/);
  assert.equal(answer.json.before, null);
  assert.deepEqual(folders(), [one]);
  const meta = await w.acme.ok("sales1", "GET", "/api/v1/meta/lead");
  assert.ok(meta.fields.some(({ name }) => name === "x_level"));
  const api = await w.acme.as("admin", "GET", "/api/v1/openapi.json");
  assert.ok(api.text.includes("x_level"));
  assert.equal((await lead({ company: "one", x_level: "A" })).status, 422);
  const made = await lead({ company: "two", x_level: "A" });
  assert.equal(made.status, 201, made.text);
  const found = await w.acme.ok("sales1", "GET", `${LEADS}?x_level=A`);
  assert.equal(found.items.length, 1);
});

test("another company has no part in it", async () => {
  const meta = await w.globex.ok("sales1", "GET", "/api/v1/meta/lead");
  assert.ok(!meta.fields.some(({ name }) => name === "x_level"));
  assert.equal((await w.globex.as("admin", "GET", DEPLOYS)).status, 404);
  const back = await w.globex.as("admin", "POST", `${PLUGINS}/${ID}/rollback`, { body: {} });
  assert.equal(back.status, 404);
});

test("only administrators of plugins deploy", async () => {
  assert.equal((await deploy(second(), { as: "sales1" })).status, 403);
  assert.equal((await deploy(second(), { as: null })).status, 401);
  const token = await w.globex.token("admin");
  const foreign = await w.acme.as(null, "POST", DEPLOYS, { ...packed(second()), token });
  assert.equal(foreign.status, 401);
});

test("a new deploy goes before the old one, the same again changes nothing", async () => {
  const form = multipart([{ name: "file", filename: "a.tar", content: pack(second()) }]);
  const answer = await w.acme.as("admin", "POST", DEPLOYS, form);
  assert.equal(answer.status, 201, answer.text);
  two = answer.json.hash;
  assert.equal(answer.json.before, one);
  assert.equal((await lead({ company: "one", x_level: "A" })).status, 201);
  assert.equal((await lead({ company: "two", x_level: "A" })).status, 422);
  assert.equal((await deploy(second())).json.hash, two);
  assert.deepEqual(folders().sort(), [one, two].sort());
});

/* [what is told, files, the part of the message] */
const refusals = () => [
  ["a slip in Lua", { ...first(), "rules.lua": "local x = = 1" }, `${ID}/rules.lua:1: `],
  [
    "a slip in a file nobody requires",
    { ...first(), "late.lua": "return {" },
    `${ID}/late.lua:1: `,
  ],
  ["a slip in a test", { ...first(), "tests/a_test.lua": "\n\nif" }, `${ID}/tests/a_test.lua:3: `],
  [
    "a misspelt field",
    {
      ...first(),
      "init.lua": 'crm.on("lead", "validate", { id = "a", fields = { "x_levl" } }, print)',
    },
    `${ID}/init.lua:1: `,
  ],
  ["no manifest's shape", bundle(ID, {}, { api: 7 }), "plugin.json:"],
  ["a plugin that is not there", bundle(ID, {}, { requires: { nothing: "^1" } }), "nothing"],
  ["a wrong version of one", bundle(ID, {}, { requires: { leads: "^9" } }), "leads"],
  [
    "a field without its prefix",
    bundle(ID, {
      "entities/lead.json": { extend: "lead", fields: [{ no: 1, name: "level", type: "text" }] },
    }),
    `${ID}/entities/lead.json:`,
  ],
  [
    "a loosened field",
    bundle(ID, {
      "entities/lead.json": { extend: "lead", fields: [{ name: "name", length: 4000 }] },
    }),
    "only tighten",
  ],
  [
    "a retyped field",
    bundle(ID, { "entities/lead.json": { extend: "lead", fields: [{ name: "name", scale: 2 }] } }),
    "cannot be changed",
  ],
  [
    "a misspelt field of another's",
    bundle(ID, {
      "entities/lead.json": { extend: "lead", fields: [{ name: "nme", required: true }] },
    }),
    `${ID}/entities/lead.json:4: lead has no field "nme" (did you mean "name"?)`,
  ],
  [
    "a number that held another type",
    bundle(ID, {
      "entities/lead.json": {
        extend: "lead",
        fields: [{ ...level.fields[0], type: "int", values: undefined, default: 1 }],
      },
    }),
    `${ID}: lead.x_level cannot be of type int: number 1 has held another type`,
  ],
  [
    "an entity without its prefix",
    bundle(ID, {
      "entities/shop.json": {
        name: "shop",
        title: "name",
        fields: [{ no: 1, name: "name", type: "text" }],
      },
    }),
    "x_shop",
  ],
  ["an endless load", bundle(ID, { "init.lua": "while true do end" }), "time than it may"],
  ["bytecode", bundle(ID, { "init.lua": "\u001bLua" }), "init.lua"],
  ["another id", bundle("acme.other"), "acme.other"],
  ["broken JSON", { ...first(), "entities/lead.json": '{"extend":' }, `${ID}/entities/lead.json:1`],
];

test("what does not fit is refused with file and line, and the old one goes on", async () => {
  for (const [what, files, part] of refusals()) {
    const answer = await deploy(files);
    assert.equal(answer.status, 422, `${what}: ${answer.text}`);
    assert.equal(answer.json.error.code, "bundle_refused", what);
    assert.ok(answer.json.error.message.includes(part), `${what}: ${answer.json.error.message}`);
  }
  assert.deepEqual(folders().sort(), [one, two].sort(), "nothing of them is left");
  assert.equal((await lead({ company: "two", x_level: "A" })).status, 422);
});

/* A bundle's own test file around a body. */
const proof = (body, name = "holds") => `crm.test("${name}", function(t)
${body}
end)
`;
const lines = (...all) => all.join("\n");

test("a text that one language lacks, and a key that nobody has, are refused by name", async () => {
  const refused = async (files, told) => {
    const answer = await deploy(bundle(ID, { "entities/lead.json": level, ...files }));
    assert.equal(answer.status, 422, answer.text);
    assert.equal(answer.json.error.code, "bundle_refused");
    assert.match(answer.json.error.message, told);
  };
  const files = rules("three");
  const without = { ...files };
  delete without["i18n/en.json"];
  const lacks = /acme\.sales\/i18n\/zh-CN\.json:\d+: "word" lacks its text in i18n\/en\.json/;
  await refused(without, lacks);
  const both = { ...files, "i18n/en.json": { other: "Other" } };
  await refused(both, /"word" lacks .* \(and \d more\)/);
  const misspelt = files["rules.lua"].replace("@word", "@wrod");
  await refused(
    { ...files, "rules.lua": misspelt },
    /acme\.sales\/rules\.lua:3: there is no text "@wrod" \(did you mean "word"\?\)/,
  );
  const menu = { menu: "main", item: { id: "x_menu", label: "@nowhere", entity: "lead" } };
  await refused(
    { ...files, "views/menu.json": [menu] },
    /acme\.sales\/views\/menu\.json:\d+: there is no text "@nowhere"/,
  );
  assert.equal((await lead({ company: "three" })).status, 201, "the one before goes on");
});

test("whoever only tries a bundle takes nothing from who deploys the same", async () => {
  for (let round = 0; round < 5; round += 1) {
    const files = bundle("acme.raced", { "init.lua": `local round = ${round}\n` });
    const asked = ["?check=true", "", "?check=true"].map((query) =>
      deploy(files, { id: "acme.raced", query }),
    );
    const [before, taken, after] = await Promise.all(asked);
    assert.equal(taken.status, 201, taken.text);
    for (const tried of [before, after]) assert.equal(tried.status, 200, tried.text);
    assert.ok(folders("acme.raced").includes(taken.json.hash), `round ${round}`);
  }
  assert.equal((await lead({})).status, 201);
});

test("who had so many codes stopped with their process looks first", async () => {
  const place = join(w.server.data, "tenants", "acme", "quarantine");
  const most = limit("QUARANTINES_MAX");
  const mark = (n, at) =>
    writeFileSync(
      join(place, `acme.stuck@${String(n).padStart(64, "0")}.json`),
      JSON.stringify({ loading: false, at }),
    );
  const files = (n) => bundle("acme.next", { "init.lua": `local n = ${n}\n` });
  mkdirSync(place, { recursive: true });
  mark(0, Date.now() - limit("QUARANTINES_WINDOW_MS") - 1000); // long ago: it does not count
  for (let n = 1; n < most; n += 1) mark(n, Date.now());
  assert.equal((await deploy(files(1), { id: "acme.next" })).status, 201);
  mark(most, Date.now());
  const answer = await deploy(files(2), { id: "acme.next" });
  assert.equal(answer.status, 409, answer.text);
  assert.match(answer.json.error.message, /5 times within a day \(acme\.stuck\), so no other/);
  assert.match(answer.json.error.message, /perigee plugin release acme acme\.stuck/);
  const other = await deploy(files(2), { tenant: w.globex, id: "acme.next" });
  assert.equal(other.status, 201, "another company is not held up");
  rmSync(place, { recursive: true });
  assert.equal((await deploy(files(2), { id: "acme.next" })).status, 201);
});

test("a bundle whose own tests fail is refused, by name, file and line", async () => {
  const bad = {
    ...second(),
    "tests/word_test.lua": lines(
      proof("  t.eq(1, 1)", "one is one"),
      proof('  t.db.lead:insert { name = "X", company = "three" }\n  t.eq(1, 2)', "not so"),
      proof("  local nothing\n  return nothing.at_all", "worse"),
    ),
  };
  for (const query of ["", "?check=true"]) {
    const answer = await deploy(bad, { query });
    assert.equal(answer.status, 422, answer.text);
    assert.equal(answer.json.error.code, "bundle_refused");
    const { message } = answer.json.error;
    assert.match(message, /2 of its 3 tests fail:/);
    assert.match(message, /\n- not so: acme\.sales\/tests\/word_test\.lua:7: /);
    assert.match(message, /\n- worse: acme\.sales\/tests\/word_test\.lua:12: /);
    assert.ok(!message.includes("one is one"), message);
  }
  assert.deepEqual(folders().sort(), [one, two].sort(), "nothing of it is left");
  const { items } = await w.acme.ok("admin", "GET", `${DEPLOYS}`);
  assert.equal(items[0].hash, two);
  assert.equal((await lead({ company: "two", x_level: "A" })).status, 422, "the old one goes on");
});

test("so many failures are told one by one, of more only how many", async () => {
  const shown = limit("BUNDLE_TESTS_SHOWN");
  for (const over of [0, 1]) {
    const tests = Array.from({ length: shown + over }, (_, i) => proof("  t.eq(1, 2)", `no ${i}`));
    const answer = await deploy({ ...second(), "tests/word_test.lua": lines(...tests) });
    assert.equal(answer.status, 422, answer.text);
    const { message } = answer.json.error;
    assert.equal(message.match(/\n- no /g).length, shown, message);
    assert.equal(message.endsWith("\nand 1 more"), over === 1, message);
  }
  assert.deepEqual(folders().sort(), [one, two].sort(), "nothing of it is left");
});

test("a broken test file and one that names what is not there are refused", async () => {
  const refused = async (files, part) => {
    const answer = await deploy({ ...second(), ...files });
    assert.equal(answer.status, 422, answer.text);
    assert.ok(answer.json.error.message.includes(part), answer.json.error.message);
  };
  await refused({ "tests/a_test.lua": "error('at load')" }, `${ID}/tests/a_test.lua:1: at load`);
  await refused(
    { "tests/fixtures.json": { users: [{}] }, "tests/a_test.lua": proof("") },
    `${ID}/tests/fixtures.json: users: `,
  );
});

test("hostile archives are refused", async () => {
  const bad = [
    [{ ...first(), "../../evil.lua": "x" }, {}],
    [{ ...first(), "/etc/evil.lua": "x" }, {}],
    [{ ...first(), "ui/evil.js": "x" }, {}],
    [{ ...first(), "init.so": "x" }, {}],
    [{ ...first(), "views/link.json": "/etc/passwd" }, { "views/link.json": "2" }],
    [{ ...first(), "a.lua": "\0" }, {}],
  ];
  for (const [files, types] of bad) {
    const answer = await deploy(files, { types });
    assert.equal(answer.status, 422, `${Object.keys(files)}: ${answer.text}`);
  }
  const send = (body, type) =>
    w.acme.as("admin", "POST", DEPLOYS, { body, headers: { "content-type": type } });
  assert.equal((await send("not a tar", "application/x-tar")).status, 422);
  assert.equal((await send(pack(first()), "application/json")).status, 415);
  assert.equal((await send("", "application/x-tar")).status, 422);
  assert.equal((await send(Buffer.alloc(7 << 20), "application/x-tar")).status, 413);
  assert.deepEqual(folders().sort(), [one, two].sort());
});

test("names of the product and of the console are not a company's to give", async () => {
  for (const [id, status] of [
    ["leads", 409],
    ["sales", 422],
    ["tenant.custom", 422],
  ]) {
    const answer = await deploy(bundle(id), { id });
    assert.equal(answer.status, status, answer.text);
    assert.ok(answer.json.error.message.includes(`"${id}"`), answer.json.error.message);
  }
  const up = await deploy(bundle("../x"), { id: "..%2fx" });
  assert.ok([400, 404, 422].includes(up.status), up.text);
});

test("the history tells who made what active; rollback goes to any of them", async () => {
  const rollback = (body) => w.acme.as("admin", "POST", `${PLUGINS}/${ID}/rollback`, { body });
  const back = await rollback({});
  assert.equal(back.status, 200, back.text);
  assert.equal(back.json.hash, one);
  assert.equal((await lead({ company: "one", x_level: "A" })).status, 422);
  assert.equal((await rollback({ hash: two.slice(0, 8) })).json.hash, two);
  assert.equal((await rollback({ hash: "ffffffff" })).status, 422);
  assert.equal((await rollback({ hash: "ab" })).status, 422);
  assert.equal((await rollback({ hosh: one })).status, 422);
  const { items } = await w.acme.ok("admin", "GET", DEPLOYS);
  assert.deepEqual(
    items.map(({ action, hash, active }) => [action, hash, active]),
    [
      ["rollback", two, true],
      ["rollback", one, false],
      ["deploy", two, false],
      ["deploy", two, false],
      ["deploy", one, false],
    ],
  );
  assert.ok(items.every(({ actor, kept }) => actor === w.acme.users.admin && kept));
  const audit = await w.acme.ok("admin", "GET", "/api/v1/admin/audit?action=plugin.*");
  assert.ok(audit.items.some(({ action }) => action === "plugin.rollback"));
});

test("a bundle disabled and enabled again: fields go and come, data stays", async () => {
  const made = await lead({ company: "three", x_level: "A" });
  assert.equal(made.status, 201, made.text);
  const path = `${LEADS}/${made.json.id}`;
  await w.acme.ok("admin", "POST", `${PLUGINS}/${ID}/disable`, {});
  assert.equal((await w.acme.ok("sales1", "GET", path)).x_level, undefined);
  await w.acme.ok("admin", "POST", `${PLUGINS}/${ID}/enable`, {});
  assert.equal((await w.acme.ok("sales1", "GET", path)).x_level, "A");
  const { items } = await w.acme.ok("admin", "GET", PLUGINS);
  const mine = items.find(({ id }) => id === ID);
  assert.deepEqual([mine.state, mine.layer, mine.why], ["enabled", "tenant", null]);
});

test("what others need can be neither disabled nor broken", async () => {
  const other = bundle(
    "acme.more",
    {
      "views/lead.json": [
        {
          form: "lead",
          after: "section.nowhere",
          section: { id: "section.x", cells: ["x_level"] },
        },
      ],
    },
    { requires: { leads: "^1", "acme.sales": "^1" } },
  );
  const answer = await deploy(other, { id: "acme.more" });
  assert.equal(answer.status, 201, answer.text);
  assert.equal(answer.json.warnings.length, 1);
  assert.match(answer.json.warnings[0], /^acme\.more\/views\/lead\.json:\d+: .*section\.nowhere/);
  const off = await w.acme.as("admin", "POST", `${PLUGINS}/${ID}/disable`, { body: {} });
  assert.equal(off.status, 409, off.text);
  const without = await deploy(bundle(ID, rules("two")));
  assert.equal(without.status, 422, without.text);
  assert.match(without.json.error.message, /acme\.more.*x_level/);
  await w.acme.ok("admin", "POST", `${PLUGINS}/acme.more/disable`, {});
});

test("a bundle whose tests pass is taken; they leave nothing behind", async () => {
  const good = {
    ...second(),
    "tests/fixtures.json": { users: [{ login: "s", name: "S", roles: ["sales"] }] },
    "tests/word_test.lua": proof(`  t.as("s")
  t.expect_fail(function() t.db.lead:insert { name = "X", company = "two", x_level = "A" } end,
    { company = "@word" })
  t.db.lead:insert { name = "only in the test", company = "three" }
  t.eq(t.db.lead:count {}, 1)`),
  };
  const before = (await w.acme.ok("admin", "GET", `${LEADS}?q=only&count=true`)).count;
  const answer = await deploy(good);
  assert.equal(answer.status, 201, answer.text);
  const after = (await w.acme.ok("admin", "GET", `${LEADS}?q=only&count=true`)).count;
  assert.deepEqual([before, after], [0, 0]);
  const tmp = readdirSync(join(w.server.data, "tenants", "acme", "tmp"));
  assert.deepEqual(
    tmp.filter((name) => name.startsWith("tests-")),
    [],
  );
  assert.equal((await deploy(second())).status, 201);
});

test("tests see the bundles they require; rollback goes to nothing that fails by now", async () => {
  const base = (word) =>
    bundle("acme.base", {
      "init.lua": `crm.service("acme.base.word", function() return "${word}" end)\n`,
    });
  const asks = (word) => ({
    ...bundle(ID, {}, { requires: { leads: "^1", "acme.base": "^1" } }),
    "init.lua": 'crm.service("acme.sales.word", function(_, ctx)\n' +
      '  return ctx.call("acme.base.word")\nend)\n',
    "tests/word_test.lua": proof(`  t.eq(t.call("acme.sales.word"), "${word}")`, "the word"),
  });
  assert.equal((await deploy(base("old"), { id: "acme.base" })).status, 201);
  const before = await deploy(asks("old"));
  assert.equal(before.status, 201, before.text);
  assert.equal((await deploy(base("new"), { id: "acme.base" })).status, 201);
  const late = await deploy(asks("old"));
  assert.equal(late.status, 422, late.text);
  assert.equal((await deploy(asks("new"))).status, 201);
  const back = await w.acme.as("admin", "POST", `${PLUGINS}/${ID}/rollback`, {
    body: { hash: before.json.hash },
  });
  assert.equal(back.status, 422, back.text);
  assert.match(back.json.error.message, /the word: acme\.sales\/tests\/word_test\.lua:2: /);
  assert.equal((await deploy(second())).json.hash, two);
  await w.acme.ok("admin", "POST", `${PLUGINS}/acme.base/disable`, {});
});

test("deploying under load fails no request", async () => {
  let over = false;
  const seen = { reads: 0, writes: 0 };
  const reader = async () => {
    while (!over) {
      const answer = await w.acme.as("sales1", "GET", `${LEADS}?limit=5`);
      assert.equal(answer.status, 200, answer.text);
      seen.reads++;
    }
  };
  const writer = async () => {
    while (!over) {
      const answer = await lead({ company: "busy", x_level: "B" });
      assert.equal(answer.status, 201, answer.text);
      seen.writes++;
    }
  };
  const work = [reader(), reader(), writer(), writer()];
  try {
    for (let i = 0; i < 6; i++) {
      const extra = {
        extend: "lead",
        fields: [...level.fields, { no: 10 + i, name: `x_n${i}`, type: "int" }],
        indexes: [{ name: `x_n${i}`, fields: [`x_n${i}`] }],
      };
      const files = bundle(ID, { "entities/lead.json": extra, ...rules(`w${i}`) });
      const answer = await deploy(files);
      assert.equal(answer.status, 201, answer.text);
      const made = await lead({ company: `w${i}`, x_level: "A", [`x_n${i}`]: 1 });
      assert.equal(made.status, 422, "the new rule holds at once");
    }
  } finally {
    over = true;
    await Promise.all(work);
  }
  assert.ok(seen.reads > 5 && seen.writes > 5, JSON.stringify(seen));
});

test("data that a new index cannot hold refuses the bundle and loses nothing", async () => {
  await lead({ company: "twice", x_level: "A" });
  await lead({ company: "twice", x_level: "A" });
  const unique = {
    extend: "lead",
    fields: level.fields,
    indexes: [{ name: "x_once", fields: ["x_level"], unique: true }],
  };
  const answer = await deploy(bundle(ID, { "entities/lead.json": unique }));
  assert.equal(answer.status, 422, answer.text);
  assert.equal((await lead({ company: "more", x_level: "A" })).status, 201);
});

test("a record whose title is a choice is called by the words of who asks", async () => {
  const id = "acme.phases";
  const phase = {
    name: "x_phase",
    title: "kind",
    fields: [{ no: 1, name: "kind", type: "enum", values: ["pilot"], required: true }],
  };
  const step = {
    name: "x_step",
    title: "name",
    fields: [
      { no: 1, name: "name", type: "text" },
      { no: 2, name: "phase", type: "ref", entity: "x_phase" },
    ],
  };
  const words = (pilot) => ({ "x_phase.kind.pilot": pilot });
  const files = bundle(
    id,
    {
      "entities/x_phase.json": phase,
      "entities/x_step.json": step,
      "i18n/zh-CN.json": words("试点"),
      "i18n/en.json": words("Pilot phase"),
    },
    { requires: {} },
  );
  const answer = await deploy(files, { id });
  assert.equal(answer.status, 201, answer.text);
  const made = await w.acme.create("admin", "x_phase", { kind: "pilot" });
  await w.acme.create("admin", "x_step", { name: "one", phase: made.id });
  const titles = async (lang) => {
    const headers = { "accept-language": lang };
    const steps = "/api/v1/records/x_step?expand=phase";
    const read = await w.acme.as("admin", "GET", steps, { headers });
    const body = { group: ["phase"], measure: ["count"] };
    const path = "/api/v1/records/x_step/query";
    const grouped = await w.acme.as("admin", "POST", path, { headers, body });
    assert.ok(read.json.items.length, read.text);
    return [read.json.items[0].phase.title, grouped.json.titles.phase[made.id]];
  };
  assert.deepEqual(await titles("zh-CN"), ["试点", "试点"]);
  assert.deepEqual(await titles("en"), ["Pilot phase", "Pilot phase"]);
});

test("a bundle grants its own operations to another plugin's roles", async () => {
  const operation = (id, name, roles) =>
    bundle(id, {
      "init.lua": `crm.action("lead", "${name}", function() return { by = "${id}" } end)\n`,
      "views/lead.json": [
        { kind: "action", entity: "lead", name, label: "@act", place: "record" },
      ],
      ...(roles && { "roles/sales.json": { name: "sales", grants: { lead: roles } } }),
      "i18n/zh-CN.json": { act: "评级" },
      "i18n/en.json": { act: "Grade" },
    });
  const made = await lead({ name: "王五" });
  const run = (as, name, tenant = w.acme) =>
    tenant.as(as, "POST", `${LEADS}/${made.json.id}/actions/${name}`, { body: {} });
  const grants = { actions: ["x_grade"] };
  const done = await deploy(operation("acme.grade", "x_grade", grants), { id: "acme.grade" });
  assert.equal(done.status, 201, done.text);
  assert.deepEqual((await run("sales1", "x_grade")).json, { by: "acme.grade" });
  const reads = { label: "reads", grants: { lead: { read: "all" } } };
  await w.acme.ok("admin", "PUT", "/api/v1/admin/roles/reads", reads);
  const reader = { login: "reader", name: "Reader", roles: ["reads"], password: PASSWORD };
  await w.acme.ok("admin", "POST", "/api/v1/admin/users", reader);
  assert.equal((await run("reader", "x_grade")).status, 403);
  assert.equal((await run("admin", "x_grade", w.globex)).status, 404);
  const { views } = await w.acme.ok("sales1", "GET", "/api/v1/meta/lead");
  assert.ok(views.some(({ name }) => name === "x_grade"), "the button is shown");
  const theirs = await w.acme.ok("reader", "GET", "/api/v1/meta/lead");
  assert.ok(!theirs.views.some(({ name }) => name === "x_grade"));

  const convert = operation("acme.greedy", "x_none", { actions: ["convert"] });
  const refused = await deploy(convert, { id: "acme.greedy" });
  assert.equal(refused.status, 422);
  assert.match(refused.text, /not yours to grant/);

  // What only a script of another registers: granting its name gives nothing.
  const secret = bundle("acme.secret", {
    "init.lua": 'crm.action("lead", "x_secret", function() return {} end)\n',
  });
  assert.equal((await deploy(secret, { id: "acme.secret" })).status, 201);
  const greedy = operation("acme.greedy", "x_none", { actions: ["x_secret"] });
  assert.equal((await deploy(greedy, { id: "acme.greedy" })).status, 201);
  assert.equal((await run("sales1", "x_secret")).status, 403);
  assert.equal((await run("sales1", "x_none")).status, 403, "not granted");
});
