// screens - menus and dashboards: for certain roles, as drafts show them, and copies of one's own.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { test } from "node:test";
import { world } from "../kit/world.mjs";

const w = world();
const CUSTOM = "/api/v1/admin/customization";
const VIEWS = "/api/v1/views";

const keep = (document) => w.acme.ok("admin", "PUT", `${CUSTOM}/draft`, { document });
const publish = async () => {
  const answer = await w.acme.as("admin", "POST", `${CUSTOM}/publish`, { body: {} });
  assert.equal(answer.status, 201, answer.text);
  return answer.json;
};
const menuOf = async (as, tenant = w.acme) => (await tenant.ok(as, "GET", "/api/v1/boot")).menu;
const ids = (menu) => menu.flatMap((item) => [item.id, ...(item.items ?? []).map(({ id }) => id)]);
const boards = async (as, tenant = w.acme) =>
  (await tenant.ok(as, "GET", "/api/v1/meta")).views
    .filter(({ kind }) => kind === "dashboard")
    .map(({ name }) => name);
const look = (of, as = "admin", tenant = w.acme) =>
  tenant.as(as, "GET", `${CUSTOM}/views?of=${of}`);
const group = {
  id: "group.x1",
  label: "@menu.group.x1",
  items: [
    { id: "lead", entity: "lead", label: "@leads:lead.plural", icon: "magnet" },
    { id: "x_plan", to: "/dash/x_plan", label: "Plan", roles: ["sales"] },
  ],
};
const DOCUMENT = {
  views: [
    { menu: "main", remove: "lead" },
    { menu: "main", after: "home", item: group },
    { menu: "main", set: "account", to: { roles: ["sales_manager"] } },
    {
      kind: "dashboard",
      name: "x_plan",
      label: "Plan",
      roles: ["sales"],
      widgets: [{ id: "all", kind: "kpi", entity: "lead", query: { measure: ["count"] }, span: 2 }],
    },
  ],
  texts: { "zh-CN": { "menu.group.x1": "客户" }, en: { "menu.group.x1": "Customers" } },
};

test("what is set up stands in the menu of who may set it up", async () => {
  const admin = ids(await menuOf("admin"));
  const sales = ids(await menuOf("sales1"));
  assert.ok(admin.includes("pool") && admin.includes("lead"), String(admin));
  assert.ok(sales.includes("lead") && !sales.includes("pool"), String(sales));
  const pools = await w.acme.as("sales1", "GET", "/api/v1/records/pool");
  assert.equal(pools.status, 200, "no right hangs on it");
});

test("a draft of menu and dashboards is shown to who administers, and to nobody else", async () => {
  await keep(DOCUMENT);
  const [base, draft] = [await look("base"), await look("draft")];
  const items = ({ json }) => json.views.find(({ kind }) => kind === "menu").body.items;
  assert.ok(!items(base).some(({ id }) => id === "group.x1"));
  assert.deepEqual(items(draft)[1], {
    ...group,
    label: "@tenant.custom:menu.group.x1",
  });
  const shown = draft.json.shown.find(({ kind }) => kind === "menu").items[1];
  assert.deepEqual([shown.label, shown.items[0].id], ["客户", "lead"]);
  assert.ok(draft.json.views.some(({ name }) => name === "x_plan"));
  assert.ok(!draft.json.views.some(({ kind }) => kind === "list"));
  assert.equal((await look("draft", "sales1")).status, 403);
  assert.equal((await look("draft", null)).status, 401);
  assert.equal((await look("dream")).status, 422);
  const other = await look("draft", "admin", w.globex);
  assert.equal(other.status, 200);
  assert.ok(!other.text.includes("x_plan"), "another company's draft is its own");
  assert.ok(!ids(await menuOf("sales1")).includes("group.x1"));
});

test("an item of the menu and a dashboard are shown to their roles alone", async () => {
  await publish();
  const sales = ids(await menuOf("sales1"));
  assert.deepEqual(sales.slice(0, 4), ["home", "group.x1", "lead", "x_plan"]);
  assert.ok(!sales.includes("account"));
  assert.deepEqual(await boards("sales1").then((all) => all.includes("x_plan")), true);
  const manager = ids(await menuOf("manager"));
  assert.ok(manager.includes("account") && !manager.includes("x_plan"), String(manager));
  assert.ok(!(await boards("manager")).includes("x_plan"));
  const preview = { headers: { "x-perigee-preview": "sales" } };
  const seen = await w.acme.as("admin", "GET", "/api/v1/boot", preview);
  assert.ok(ids(seen.json.menu).includes("x_plan"), seen.text.slice(0, 300));
  assert.ok(!ids(await menuOf("sales1", w.globex)).includes("x_plan"));
  assert.ok(!JSON.stringify(await menuOf("sales1")).includes('"roles"'));
});

test("a person keeps a copy of a dashboard, and nobody else sees it", async () => {
  const body = {
    widgets: [
      { id: "open", kind: "kpi", label: "Open", entity: "lead", query: { measure: ["count"] } },
      { id: "l", kind: "list", entity: "lead", view: "default", limit: 5, span: 2, rows: 2 },
      { id: "s", kind: "report", entity: "lead", report: "leads_by_status", span: 2 },
    ],
  };
  const made = await w.acme.ok("sales1", "POST", VIEWS, { kind: "dashboard", name: "leads", body });
  assert.deepEqual([made.entity, made.kind, made.scope], [null, "dashboard", "mine"]);
  const mine = await w.acme.ok("sales1", "GET", `${VIEWS}?kind=dashboard`);
  assert.deepEqual(
    mine.items.map(({ name, body: kept }) => [name, kept.widgets.length]),
    [["leads", 3]],
  );
  assert.deepEqual((await w.acme.ok("manager", "GET", `${VIEWS}?kind=dashboard`)).items, []);
  const path = `${VIEWS}/${made.id}`;
  assert.equal((await w.acme.as("manager", "PATCH", path, { body: { name: "x" } })).status, 404);
  assert.equal((await w.globex.as("sales1", "DELETE", path)).status, 404);
  assert.equal((await w.acme.as("sales1", "DELETE", path)).status, 204);
});

test("a copy of what is not there, or may not be read, is refused in its place", async () => {
  const complaints = async (widget, as = "sales1") => {
    const body = { kind: "dashboard", name: "mine", body: { widgets: [{ id: "a", ...widget }] } };
    const answer = await w.acme.as(as, "POST", VIEWS, { body });
    assert.equal(answer.status, 422, answer.text);
    return Object.keys(answer.json.error.fields);
  };
  const at = (part) => [`body.widgets[0].${part}`];
  assert.deepEqual(await complaints({ kind: "kpi", entity: "leed" }), at("entity"));
  const report = { kind: "report", entity: "lead", report: "no" };
  assert.deepEqual(await complaints(report), at("report"));
  assert.deepEqual(await complaints({ kind: "list", entity: "lead", view: "no" }), at("view"));
  const filter = { nothing: 1 };
  const [where] = await complaints({ kind: "kpi", entity: "lead", query: { filter } });
  assert.match(where, /nothing|filter/);
  const few = { label: "few", grants: { task: { read: "all" } } };
  await w.acme.ok("admin", "PUT", "/api/v1/admin/roles/few", few);
  const person = { login: "few", name: "few", roles: ["few"], password: "Perigee-Test-2026!" };
  await w.acme.ok("admin", "POST", "/api/v1/admin/users", person);
  assert.deepEqual(await complaints({ kind: "kpi", entity: "lead" }, "few"), at("entity"));
  const aim = (target) => ({ kind: "goal", entity: "task", target });
  const query = { measure: ["count"] };
  assert.deepEqual(await complaints(aim({ entity: "lead", query }), "few"), at("target.entity"));
  const goal = (target) => ({ kind: "goal", entity: "lead", query, target });
  const settings = await w.acme.ok("admin", "GET", "/api/v1/admin/plugins/leads/config");
  const [text] = Object.entries(settings).find(([, value]) => typeof value !== "number");
  for (const config of ["leads.moon", "moon", `leads.${text}`, ""])
    assert.deepEqual(await complaints(goal({ config })), at("target.config"), config);
  assert.deepEqual(await complaints(goal("sum.company")), at("target"));
  assert.deepEqual(await complaints(goal("sum.nothing")), at("target.nothing"));
  assert.deepEqual(await complaints(goal("most")), at("target"));
  assert.deepEqual(await complaints(goal(undefined)), at("target"));
  const other = (more) => goal({ entity: "task", query, ...more });
  assert.deepEqual(await complaints(other({ owner_field: "no" })), at("target.owner_field.no"));
  assert.deepEqual(await complaints(other({ date_field: "subject" })), at("target.date_field"));
  const counts = (more) => ({ kind: "bar", entity: "lead", query: { ...query, ...more } });
  assert.deepEqual(await complaints(counts({ measure: ["sum.no"] })), at("query.measure[0].no"));
  assert.deepEqual(await complaints(counts({ group: ["no"] })), at("query.group[0].no"));
  const dated = { kind: "kpi", entity: "lead", query, date_field: "company" };
  assert.deepEqual(await complaints(dated), at("date_field"));
  const [number] = Object.entries(settings).find(([, value]) => Number.isInteger(value));
  for (const target of [{ config: `leads.${number}` }, "sum.score", 12]) {
    const body = { widgets: [{ id: "a", ...goal(target) }] };
    const made = { kind: "dashboard", name: "fits", body };
    const { id } = await w.acme.ok("sales1", "POST", VIEWS, made);
    assert.equal((await w.acme.as("sales1", "DELETE", `${VIEWS}/${id}`)).status, 204);
  }
  const gauge = await complaints({ kind: "gauge", entity: "lead" });
  assert.deepEqual(gauge, ["body.widgets.0.kind"], "as the schema says it");
  const shaped = { kind: "dashboard", name: "mine", body: { widgets: [{ id: "a" }] } };
  assert.equal((await w.acme.as("sales1", "POST", VIEWS, { body: shaped })).status, 422);
  const entity = { kind: "dashboard", name: "mine", entity: "lead", body: {} };
  assert.equal((await w.acme.as("sales1", "POST", VIEWS, { body: entity })).status, 422);
});

test("totals below columns are refused where nothing can be measured", async () => {
  const complaints = async (column) => {
    const made = { entity: "lead", kind: "list", name: "totals", body: { columns: [column] } };
    const answer = await w.acme.as("sales1", "POST", VIEWS, { body: made });
    if (answer.status === 201) return w.acme.as("sales1", "DELETE", `${VIEWS}/${answer.json.id}`);
    assert.equal(answer.status, 422, answer.text);
    return Object.entries(answer.json.error.fields).map(([at, [{ code }]]) => `${at} ${code}`);
  };
  const at = "body.columns[0].agg";
  assert.deepEqual(await complaints({ field: "company", agg: "sum" }), [`${at} not_measurable`]);
  assert.deepEqual(await complaints({ field: "score", agg: "total" }), [`${at} not_in_list`]);
  for (const agg of ["sum", "avg", "min", "max", "count"])
    assert.equal((await complaints({ field: "score", agg })).status, 204);
});

test("a goal may be what a plugin is set to; what cannot be drawn is not published", async () => {
  const { document } = await w.acme.ok("admin", "GET", CUSTOM);
  const settings = await w.acme.ok("admin", "GET", "/api/v1/admin/plugins/leads/config");
  const [name] = Object.entries(settings).find(([, value]) => Number.isInteger(value));
  const [text] = Object.entries(settings).find(([, value]) => typeof value !== "number");
  const goal = (target) => ({
    kind: "dashboard",
    name: "x_goal",
    label: "Goal",
    widgets: [{ id: "a", kind: "goal", entity: "lead", query: { measure: ["count"] }, target }],
  });
  const views = (view) => ({ ...document, views: [...(document?.views ?? []), view] });
  const refused = async (view) => {
    await keep(views(view));
    const answer = await w.acme.as("admin", "POST", `${CUSTOM}/publish`, { body: {} });
    assert.equal(answer.status, 422, answer.text);
    return answer.json.error.message;
  };
  assert.match(await refused(goal({ config: "leads.moon" })), /leads has no setting "moon"/);
  assert.match(await refused(goal("sum.company")), /"sum" of "company" cannot be measured/);
  const list = { kind: "list", entity: "lead", name: "x_sums" };
  const columns = [{ field: "score", agg: "total" }];
  assert.match(await refused({ ...list, columns }), /"agg": "total" is none of sum/);
  const header = { target: { config: `leads.${text}` } }; // where nobody checks what it is
  const both = views(goal({ config: `leads.${name}` }));
  await keep({ ...both, views: [...both.views, { ...list, header }] });
  await publish();
  const seen = (await w.acme.ok("sales1", "GET", "/api/v1/meta/lead")).views;
  assert.equal(seen.find((one) => one.name === "x_sums").header.target, null, "it is no number");
  const told = async (as) =>
    (await w.acme.ok(as, "GET", "/api/v1/meta")).views.find((one) => one.name === "x_goal")
      .widgets[0].target;
  assert.equal(await told("sales1"), settings[name]);
  const path = "/api/v1/admin/plugins/leads/config";
  await w.acme.ok("admin", "PUT", path, { ...settings, [name]: settings[name] + 1 });
  assert.equal(await told("sales1"), settings[name] + 1, "what it is set to now");
  assert.ok(!(await boards("sales1", w.globex)).includes("x_goal"));
});

test("an object of one's own is used by the roles it was given, in one company", async () => {
  const { document } = await w.acme.ok("admin", "GET", CUSTOM);
  const title = { name: "name", type: "text", required: true, search: true };
  const number = { name: "x_number", type: "autonumber", pattern: "VI-{counter:4}" };
  const stages = { values: ["plan", "done"], initial: ["plan"], flow: { plan: ["done"] } };
  const stage = { name: "x_stage", type: "state", ...stages, default: "plan" };
  const fields = [title, number, stage];
  const visit = { name: "x_visit", title: "name", owner: true, stage: "x_stage", fields };
  const own = { read: "own", create: true, update: "own", delete: "own" };
  const roles = [{ name: "sales", grants: { x_visit: own } }];
  await keep({
    ...document,
    entities: [visit],
    roles,
    views: [
      ...document.views,
      { kind: "list", entity: "x_visit", columns: ["name", "x_number"] },
      { kind: "board", entity: "x_visit", group_by: "x_stage", card: { title: "name" } },
      { menu: "main", item: { id: "x_visit", entity: "x_visit", label: "Visits" } },
    ],
  });
  await publish();
  const path = "/api/v1/records/x_visit";
  const made = await w.acme.ok("sales1", "POST", path, { name: "first" });
  assert.deepEqual([made.x_number, made.x_stage], ["VI-0001", "plan"]);
  assert.equal((await w.acme.as("sales2", "GET", `${path}/${made.id}`)).status, 404);
  assert.equal((await w.acme.as("manager", "GET", path)).status, 403);
  assert.equal((await w.globex.as("admin", "GET", path)).status, 404);
  assert.ok(ids(await menuOf("sales1")).includes("x_visit"));
  assert.ok(!ids(await menuOf("manager")).includes("x_visit"));
  await keep({ ...document, entities: [] });
  await publish();
  assert.equal((await w.acme.as("sales1", "GET", path)).status, 404);
  await keep({ ...document, entities: [visit], roles });
  await publish();
  const back = await w.acme.ok("sales1", "GET", `${path}/${made.id}`);
  assert.equal(back.x_number, "VI-0001", "what was taken out comes back with its data");
});

test("a stale draft comes with what it began from", async () => {
  const before = await w.acme.ok("admin", "GET", CUSTOM);
  assert.equal(before.begun, undefined);
  const body = { login: "second", name: "s", roles: ["admin"], password: "Perigee-Test-2026!" };
  await w.acme.ok("admin", "POST", "/api/v1/admin/users", body);
  const document = { ...before.document, reports: [] };
  await w.acme.ok("second", "PUT", `${CUSTOM}/draft`, { document });
  await keep({ ...before.document, views: [] });
  await publish();
  const late = await w.acme.ok("second", "GET", CUSTOM);
  assert.equal(late.draft.stale, true);
  assert.deepEqual(late.begun, before.document);
});

test("a draft that is looked at while it is published stays published", async () => {
  for (let round = 0; round < 4; round++) {
    const item = { id: `x_now${round}`, to: "/now", label: "N" };
    await keep({ views: [{ menu: "main", item }] });
    const looks = [look("draft"), look("draft")];
    const tried = w.acme.as("admin", "POST", `${CUSTOM}/validate`, { body: {} });
    await publish();
    await Promise.all([...looks, tried]);
    assert.ok(ids(await menuOf("sales1")).includes(`x_now${round}`), `round ${round}`);
    const { items } = await w.acme.ok("admin", "GET", "/api/v1/admin/plugins");
    assert.ok(!items.find(({ id }) => id === "tenant.custom").broken);
  }
});
