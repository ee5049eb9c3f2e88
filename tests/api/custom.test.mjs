// custom - what administrators make without code: drafts, differences, publishing, going back.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { test } from "node:test";
import { world } from "../kit/world.mjs";

const w = world();
const CUSTOM = "/api/v1/admin/customization";
const LEADS = "/api/v1/records/lead";

const get = (as = "admin") => w.acme.ok(as, "GET", CUSTOM);
const put = (document, more = {}, as = "admin") =>
  w.acme.as(as, "PUT", `${CUSTOM}/draft`, { body: { document, ...more } });
const keep = async (document, more, as) => {
  const answer = await put(document, more, as);
  assert.equal(answer.status, 200, answer.text);
  return answer.json;
};
const publish = (as = "admin") => w.acme.as(as, "POST", `${CUSTOM}/publish`, { body: {} });
const published = async (as) => {
  const answer = await publish(as);
  assert.equal(answer.status, 201, answer.text);
  return answer.json;
};
const extend = (...fields) => ({ entities: [{ extend: "lead", fields }] });
const level = { name: "x_level", type: "enum", values: ["A", "B"], default: "B", label: "级别" };
const note = { name: "x_note", type: "text", label: "备注" };
const fieldNames = async (t = w.acme) =>
  (await t.ok("sales1", "GET", "/api/v1/meta/lead")).fields
    .map(({ name }) => name)
    .filter((name) => name.startsWith("x_"));
const fieldsOf = ({ document }) => document.entities[0].fields;
let first;

test("nothing is customized at first", async () => {
  const now = await get();
  assert.deepEqual([now.hash, now.document, now.draft], [null, {}, null]);
  assert.equal(now.fields_max, 200);
  assert.equal((await w.acme.as("admin", "GET", `${CUSTOM}/diff`)).status, 404);
  assert.equal((await publish()).status, 404);
  assert.deepEqual((await w.acme.ok("admin", "GET", `${CUSTOM}/history`)).items, []);
});

test("a draft is compared and tried; nobody sees it until it is published", async () => {
  const draft = await keep(extend(level));
  assert.deepEqual(
    fieldsOf(draft).map(({ no, name }) => [no, name]),
    [[1, "x_level"]],
  );
  const { changes, stale } = await w.acme.ok("admin", "GET", `${CUSTOM}/diff`);
  assert.deepEqual(
    [stale, changes.map(({ part, name, change }) => [part, name, change])],
    [false, [["fields", "lead.x_level", "added"]]],
  );
  const tried = await w.acme.ok("admin", "POST", `${CUSTOM}/validate`, {});
  assert.deepEqual([tried.active, tried.warnings], [false, []]);
  assert.deepEqual(await fieldNames(), []);
  first = await published();
  assert.deepEqual(await fieldNames(), ["x_level"]);
  assert.deepEqual(await fieldNames(w.globex), [], "another company has no part in it");
  const now = await get();
  assert.deepEqual([now.hash, now.draft], [first.hash, null]);
  const made = await w.acme.ok("sales1", "POST", LEADS, { name: "张三", x_level: "A" });
  assert.equal(made.x_level, "A");
});

test("only administrators of fields may look or change", async () => {
  for (const [method, path] of [
    ["GET", CUSTOM],
    ["GET", `${CUSTOM}/diff`],
    ["GET", `${CUSTOM}/history`],
    ["DELETE", `${CUSTOM}/draft`],
  ]) {
    assert.equal((await w.acme.as("sales1", method, path)).status, 403);
    assert.equal((await w.acme.as(null, method, path)).status, 401);
  }
  assert.equal((await put(extend(note), {}, "sales1")).status, 403);
  assert.equal((await publish("sales1")).status, 403);
});

test("what is no document, or does not fit, is refused with its place", async () => {
  const complaints = async (document) => {
    const answer = await put(document);
    assert.equal(answer.status, 422, answer.text);
    return Object.keys(answer.json.error.fields);
  };
  assert.deepEqual(await complaints({ entitys: [] }), ["document.entitys"]);
  assert.deepEqual(await complaints({ entities: {} }), ["document.entities"]);
  assert.deepEqual(await complaints({ entities: ["lead"] }), ["document.entities[0]"]);
  assert.deepEqual(await complaints({ texts: { fr: {} } }), ["document.texts"]);
  assert.deepEqual(await complaints([]), ["document"]);
  const bad = [
    [extend({ name: "level", type: "text" }), '"x_level"'],
    [extend({ name: "x_a", type: "enum" }), "x_a"],
    [extend({ name: "company", length: 4000 }), "only tighten"],
    [
      { entities: [{ extend: "leed", fields: [] }], views: [{ kind: "list", entity: "leed" }] },
      "leed",
    ],
    [{ views: [{ kind: "list", entity: "lead", name: "x", columns: ["compny"] }] }, "company"],
  ];
  for (const [document, part] of bad) {
    await keep(document);
    const answer = await w.acme.as("admin", "POST", `${CUSTOM}/validate`, { body: {} });
    assert.equal(answer.status, 422, answer.text);
    assert.ok(answer.json.error.message.includes(part), answer.json.error.message);
    assert.match(answer.json.error.message, /tenant\.custom\/\w+\/custom\.json:\d+/);
    assert.equal((await publish()).status, 422);
  }
  assert.deepEqual(await fieldNames(), ["x_level"]);
  assert.equal((await w.acme.as("admin", "DELETE", `${CUSTOM}/draft`)).status, 204);
  assert.equal((await get()).draft, null);
});

test("a draft has a version; an older one is told so", async () => {
  const one = await keep(extend(level));
  assert.equal((await put(extend(level, note), { version: one.version - 1 })).status, 412);
  const two = await keep(extend(level, note), { version: one.version });
  assert.equal(two.version, one.version + 1);
  const same = fieldsOf(two).map(({ no, name }) => [no, name]);
  assert.deepEqual(same, [
    [1, "x_level"],
    [2, "x_note"],
  ]);
});

test("who began before another has published merges first", async () => {
  const body = {
    login: "second",
    name: "second",
    roles: ["admin"],
    password: "Perigee-Test-2026!",
  };
  await w.acme.ok("admin", "POST", "/api/v1/admin/users", body);
  const document = extend(level, { name: "x_other", type: "int" });
  const theirs = await keep(document, {}, "second");
  assert.equal(theirs.stale, false);
  const mine = await published(); // x_note
  const late = await publish("second");
  assert.equal(late.status, 409, late.text);
  assert.equal(late.json.error.code, "draft_stale");
  assert.equal((await get("second")).draft.stale, true);
  const merged = await keep(
    extend(level, note, { name: "x_other", type: "int" }),
    { base: mine.hash },
    "second",
  );
  assert.equal(merged.stale, false);
  await published("second");
  assert.deepEqual(await fieldNames(), ["x_level", "x_note", "x_other"]);
});

test("a field that is taken out keeps its data, and comes back with it", async () => {
  const made = await w.acme.ok("sales1", "POST", LEADS, { name: "李四", x_note: "kept" });
  const path = `${LEADS}/${made.id}`;
  await keep(extend(level, { name: "x_other", type: "int" }));
  const { changes } = await w.acme.ok("admin", "GET", `${CUSTOM}/diff`);
  assert.deepEqual(
    changes.map(({ name, change }) => [name, change]),
    [["lead.x_note", "removed"]],
  );
  await published();
  assert.equal((await w.acme.ok("sales1", "GET", path)).x_note, undefined);
  await keep(extend(level, { name: "x_new", type: "text" }, { name: "x_other", type: "int" }));
  await published();
  assert.equal(
    (await w.acme.ok("sales1", "GET", path)).x_new,
    null,
    "a number is never given twice",
  );
  await keep(extend(level, note, { name: "x_other", type: "int" }));
  await published();
  assert.equal((await w.acme.ok("sales1", "GET", path)).x_note, "kept");
});

test("a field may be renamed with its data, but not change its type", async () => {
  const { document } = await get();
  const rename = (change) => ({
    ...document,
    entities: document.entities.map((entity) => ({
      ...entity,
      fields: entity.fields.map((field) =>
        field.name === "x_note" ? { ...field, ...change } : field,
      ),
    })),
  });
  const typed = await put(rename({ type: "int" }));
  assert.equal(typed.status, 422, typed.text);
  assert.equal(typed.json.error.fields.x_note[0].code, "type_is_fixed");
  await keep(rename({ name: "x_remark" }));
  await published();
  const found = await w.acme.ok("sales1", "GET", `${LEADS}?x_remark=kept`);
  assert.equal(found.items.length, 1);
});

test("an entity is shown without customization, as it is, and as the draft has it", async () => {
  const look = async (of, as = "admin", entity = "lead") =>
    w.acme.as(as, "GET", `${CUSTOM}/entities/${entity}?of=${of}`);
  const own = ({ json }) =>
    json.fields.filter(({ plugin }) => plugin === "tenant.custom").map(({ name }) => name);
  const { document } = await get();
  const fields = fieldsOf({ document }).filter(({ retired }) => !retired);
  const patch = { form: "lead", after: "section.main", section: { id: "section.y", cells: [] } };
  await keep({
    ...document,
    entities: [{ extend: "lead", fields: [...fields, { name: "x_new", type: "int" }] }],
    views: [patch],
  });
  assert.deepEqual(own(await look("base")), []);
  assert.deepEqual(
    own(await look("published")),
    fields.map(({ name }) => name),
  );
  const draft = await look("draft");
  assert.deepEqual(own(draft), [...fields.map(({ name }) => name), "x_new"]);
  assert.ok(draft.json.entity.fields.some(({ name }) => name === "x_new"));
  const form = ({ json }) => json.views.find(({ kind }) => kind === "form").body.sections;
  const ids = (answer) => form(answer).map(({ id }) => id);
  assert.ok(!ids(await look("base")).includes("section.y"));
  assert.equal(ids(draft)[1], "section.y");
  assert.deepEqual(await fieldNames(), await own(await look("published")));
  assert.equal((await look("draft", "sales1")).status, 403);
  assert.equal((await look("draft", "admin", "leed")).status, 404);
  assert.equal((await look("dream")).status, 422);
  await keep(extend({ name: "level", type: "text" }));
  const bad = await look("draft");
  assert.equal(bad.status, 422, bad.text);
  assert.match(bad.json.error.message, /x_level/);
  await w.acme.ok("admin", "DELETE", `${CUSTOM}/draft`);
  assert.deepEqual(
    own(await look("draft")),
    fields.map(({ name }) => name),
  );
});

test("dictionaries, views, forms, texts and an entity of one's own", async () => {
  const { document } = await get();
  await keep({
    ...document,
    dictionaries: [{ name: "x_region", values: ["east", "west"] }],
    views: [
      { form: "lead", after: "section.nowhere", section: { id: "section.x", cells: ["x_level"] } },
      { kind: "list", entity: "x_visit", columns: ["name", "x_where"], label: "@visits" },
    ],
    entities: [
      ...document.entities,
      {
        name: "x_visit",
        title: "name",
        owner: true,
        fields: [
          { name: "name", type: "text", required: true },
          { name: "x_where", type: "dict", dictionary: "x_region" },
          { name: "x_lead", type: "ref", entity: "lead" },
        ],
      },
    ],
    texts: {
      "zh-CN": { visits: "拜访", x_visit: "拜访" },
      en: { visits: "Visits", x_visit: "Visit" },
    },
  });
  const answer = await published();
  assert.equal(answer.warnings.length, 1);
  assert.match(answer.warnings[0], /section\.nowhere/);
  const made = await w.acme.ok("admin", "POST", "/api/v1/records/x_visit", {
    name: "first",
    x_where: "east",
  });
  assert.equal(made.x_where, "east");
  const bad = { name: "second", x_where: "north" };
  const other = await w.acme.as("admin", "POST", "/api/v1/records/x_visit", { body: bad });
  assert.equal(other.status, 422);
  const meta = await w.acme.as("admin", "GET", "/api/v1/meta/x_visit", {
    headers: { "accept-language": "en" },
  });
  assert.ok(meta.text.includes("Visits"), meta.text);
  const { items } = await w.acme.ok("admin", "GET", "/api/v1/admin/plugins");
  const mine = items.find(({ id }) => id === "tenant.custom");
  assert.match(mine.warnings[0], /section\.nowhere/);
});

test("nobody makes themselves more by a draft", async () => {
  const answer = await put({ roles: [{ name: "sales", grants: {}, admin: true }] });
  assert.equal(answer.status, 422, answer.text);
  await w.acme.ok("admin", "PUT", "/api/v1/admin/roles/modeller", {
    label: "modeller",
    grants: { lead: { read: "all" } },
    admin: ["fields"],
  });
  const body = {
    login: "maker",
    name: "maker",
    roles: ["modeller"],
    password: "Perigee-Test-2026!",
  };
  await w.acme.ok("admin", "POST", "/api/v1/admin/users", body);
  const { document } = await get("maker");
  const grants = { lead: { fields: { x_level: "read" } } };
  assert.equal(
    (await put({ ...document, roles: [{ name: "sales", grants }] }, {}, "maker")).status,
    403,
  );
  await keep(document, {}, "maker");
  await keep({ ...document, roles: [{ name: "sales", grants }] });
  await published();
  const refused = await w.acme.as("sales1", "POST", LEADS, { body: { name: "x", x_level: "A" } });
  assert.equal(refused.status, 422, refused.text);
});

test("200 fields of the company fit an entity, one more is refused", async () => {
  const { document } = await get();
  const [lead, ...rest] = document.entities;
  const live = lead.fields.filter(({ retired }) => !retired).length;
  const more = (n) => Array.from({ length: n }, (_, i) => ({ name: `x_more${i}`, type: "int" }));
  const of = (n) => ({
    ...document,
    entities: [{ ...lead, fields: [...lead.fields, ...more(n)] }, ...rest],
  });
  await keep(of(201 - live));
  const answer = await publish();
  assert.equal(answer.status, 422, answer.text);
  assert.match(answer.json.error.message, /200/);
  await keep(of(200 - live));
  await published();
  assert.equal((await fieldNames()).length, 200);
});

test("rollback brings back any publication", async () => {
  const { items } = await w.acme.ok("admin", "GET", `${CUSTOM}/history`);
  assert.ok(items.length > 5 && items.every(({ action }) => action === "publish"));
  const back = await w.acme.ok("admin", "POST", `${CUSTOM}/rollback`, {
    hash: first.hash.slice(0, 12),
  });
  assert.equal(back.hash, first.hash);
  assert.deepEqual(await fieldNames(), ["x_level"]);
  const audit = await w.acme.ok("admin", "GET", "/api/v1/admin/audit?action=plugin.*");
  assert.deepEqual([...new Set(audit.items.map(({ action }) => action))].sort(), [
    "plugin.publish",
    "plugin.rollback",
  ]);
});
