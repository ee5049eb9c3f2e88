// builders - widgets of dashboards, and objects of the company's own, as editors write them.
// SPDX-License-Identifier: MIT
import { describe, expect, it } from "vitest";
import type { Entity, Widget } from "@/api/types";
import type { CustomDoc, Json } from "@/logic/custom";
import {
  copyOf,
  dashboardPatches,
  boardChanges,
  formOfWidget,
  freeWidget,
  lacking,
  movedWidget,
  resized,
  rowsOf,
  spanOf,
  widgetOf,
  withLabels,
} from "@/logic/dashedit";
import { tilesOf } from "@/logic/dashboard";
import {
  dropEntity,
  emptyForm,
  type EntityForm,
  entityName,
  exampleOf,
  formOfEntity,
  inMenu,
  missingOf,
  putEntity,
  usualPattern,
} from "@/logic/entityform";
import { freePart, partOf } from "@/logic/pageparts";

const field = (name: string, type: string) => ({ name, type, label: name, operators: [] });
const lead = {
  name: "lead",
  label: "Lead",
  label_plural: "Leads",
  title: "name",
  fields: [
    field("name", "text"),
    field("status", "state"),
    field("owner", "user"),
    field("created_at", "datetime"),
  ],
  views: [
    { kind: "list", columns: ["name", "status", "owner"], sort: "-created_at" },
    { kind: "report", name: "by", label: "By", query: { group: ["status"] }, chart: "bar" },
  ],
} as unknown as Entity;
const NOTHING = { date: "", owner: "" };

describe("widgets", () => {
  const widgets: Widget[] = [
    { id: "a", kind: "kpi", entity: "lead", query: { measure: ["sum.amount"] } },
    { id: "b", kind: "report", entity: "lead", report: "by", span: 3, rows: 2 },
    {
      id: "c",
      kind: "line",
      entity: "lead",
      query: { measure: ["count"], group: [{ f: "created_at", by: "week" }] },
      date_field: "created_at",
    },
    { id: "d", kind: "list", entity: "lead", view: "default", limit: 7 },
    {
      id: "f",
      kind: "leaderboard",
      entity: "lead",
      query: { measure: ["count"], group: ["owner"] },
      limit: 5,
      period: "this_month",
    },
    { id: "g", kind: "goal", entity: "lead", query: { measure: ["count"] }, target: 40 },
    {
      id: "h",
      kind: "goal",
      entity: "lead",
      query: { measure: ["count"] },
      target: { entity: "aim", query: { measure: ["sum.amount"] } },
    },
    { id: "e", kind: "pie", entity: "lead", query: { measure: ["count"], group: ["status"] } },
  ];
  for (const widget of widgets) {
    it(`${widget.kind}: the form makes the same widget again`, () => {
      const form = formOfWidget(widget, {});
      expect(lacking(form)).toEqual([]);
      expect(widgetOf(form, lead, widget)).toEqual(widget);
    });
  }

  it("keeps what the form does not know, and says what is missing", () => {
    const old = { ...widgets[0], drill: { view: "x" } } as Widget;
    expect(widgetOf(formOfWidget(old, {}), lead, old)).toEqual(old);
    const form = { ...formOfWidget(undefined, {}), kind: "chart" as const, op: "sum" };
    expect(lacking(form)).toEqual(["entity", "group", "field"]);
    expect(lacking({ ...form, kind: "report" })).toEqual(["entity", "report"]);
  });

  it("asks who is ranked and what is to be reached", () => {
    const form = { ...formOfWidget({ id: "x", entity: "lead" }, {}), kind: "leaderboard" as const };
    expect(lacking(form)).toEqual(["group"]);
    expect(lacking({ ...form, kind: "goal", target: "0" })).toEqual(["target"]);
    expect(lacking({ ...form, kind: "goal", target: "12" })).toEqual([]);
  });

  it("says what differs from what people have", () => {
    const [a, b, c] = widgets;
    const told = boardChanges([a, b, c], [c, { ...b, span: 4 }, widgets[3]]);
    expect([told.added, told.changed, told.gone, told.isMoved]).toEqual([
      [widgets[3].id],
      [b.id],
      [a],
      true,
    ]);
    expect(boardChanges(widgets, widgets).isMoved).toBe(false);
  });

  it("stays on the grid", () => {
    const spans = [{ kind: "kpi" }, { kind: "bar" }, { span: 9 }].map(spanOf);
    expect(spans).toEqual([1, 2, 4]);
    expect(resized(widgets[1], 0, 9)).toEqual({ ...widgets[1], span: 1, rows: 3 });
    expect(resized(widgets[1], 2, 1)).toEqual({
      id: "b",
      kind: "report",
      entity: "lead",
      report: "by",
    });
    expect(rowsOf(resized(widgets[0], 1, 3))).toBe(1);
    expect(movedWidget(widgets, 0, 2).map(({ id }) => id).join("")).toBe("bcadfghe");
    expect(movedWidget(widgets, 0, -1)).toBe(widgets);
    expect(freeWidget(["widget.x1"])).toBe("widget.x2");
  });

  it("shows the first records of a list, with its order and conditions", () => {
    const [tile] = tilesOf({ kind: "dashboard", widgets: [widgets[3]] }, [lead], NOTHING);
    expect(tile.view.query).toEqual({
      sort: "-created_at",
      fields: "id,name,status,owner",
      expand: "owner",
      limit: 7,
    });
    expect([tile.kind, tile.span, tile.view.label]).toEqual(["list", 2, "Leads"]);
    const gone = { ...widgets[3], entity: "nothing" };
    expect(tilesOf({ kind: "dashboard", widgets: [gone] }, [lead], NOTHING)).toEqual([]);
  });

  it("a copy follows the declared words until it has its own", () => {
    const declared = [{ ...widgets[0], label: "Open" }];
    const mine = { ...widgets[1], label: "Mine" };
    const own = copyOf([{ ...widgets[0], label: "Open" }, mine], declared);
    expect(own.map(({ label }) => label)).toEqual([undefined, "Mine"]);
    const english = [{ ...widgets[0], label: "Offen" }];
    expect(withLabels(own, english).map(({ label }) => label)).toEqual(["Offen", "Mine"]);
  });

  it("is kept as patches, or said anew where nothing of it stays", () => {
    const before = widgets.slice(0, 2);
    const after = [before[0], { ...before[1], span: 4 }];
    expect(dashboardPatches("x", before, after)).toEqual([
      { dashboard: "x", set: "b", to: { span: 4 } },
    ]);
    expect(dashboardPatches("x", [], [widgets[0]])).toEqual([
      { dashboard: "x", to: { widgets: [widgets[0]] } },
    ]);
  });
});

describe("parts of a page", () => {
  it("have ids and widgets of their own", () => {
    expect(freePart("tab", ["tab.x1"])).toBe("tab.x2");
    expect(partOf("tab", "tab.x1", "related", "contact.account")).toEqual({
      id: "tab.x1",
      widget: "related",
      relation: "contact.account",
    });
    expect(partOf("panel", "p", "related", "a.b")).toEqual({ id: "p", relation: "a.b" });
  });
});

describe("objects of one's own", () => {
  const words = (zh: string, en: string) => ({ "zh-CN": zh, en });
  const blank = () =>
    emptyForm({
      title: words("名称", "Name"),
      number: words("编号", "No"),
      stage: words("阶段", "Stage"),
    });
  const said = { section: words("基本", "Basics"), timeline: words("线", "T"), history: {} };
  const made = (change: Partial<EntityForm> = {}, doc: CustomDoc = {}) => {
    const form = { ...blank(), name: "x_visit", words: words("拜访", "Visit"), ...change };
    putEntity(doc, form, said, true);
    return doc;
  };
  const row = (en: string) => ({ value: "", words: { en }, tone: "", active: true, fixed: false });
  const whole = {
    numbered: true,
    pattern: "VI-{counter:4}",
    staged: true,
    stages: [row("Planned"), row("Done")],
    access: { sales: "own" as const, viewer: "read" as const, none: "none" as const },
  };
  const kinds = (doc: CustomDoc) => (doc.views ?? []).map((view: Json) => view.kind ?? "patch");

  it("has a name that nobody has yet, and numbers that can be shown", () => {
    expect(entityName("Site visit", [])).toBe("x_site_visit");
    expect(entityName("Visit", ["x_visit"])).toBe("x_visit2");
    expect(entityName("拜访", [])).toBe("x_object1");
    expect(usualPattern("x_visit")).toBe("VI-{yyyy}{mm}-{counter:4}");
    expect(exampleOf("A{yy}-{counter:3}{what}", new Date(2026, 0, 2))).toBe("A26-001{what}");
  });

  it("says what is missing", () => {
    expect(missingOf(blank(), [], true)).toEqual(["words", "name"]);
    const form = { ...blank(), name: "x_a", words: words("a", "a"), numbered: true, staged: true };
    expect(missingOf(form, ["x_a"], true)).toEqual(["taken", "pattern", "stages"]);
    expect(missingOf({ ...form, name: "Lead", numbered: false, staged: false }, [], true)).toEqual([
      "name",
    ]);
  });

  it("is written with fields, lists, words, rights and an entry of the menu", () => {
    const doc = made(whole);
    const [entity] = doc.entities!;
    expect(entity.fields!.map(({ name, type }) => [name, type])).toEqual([
      ["name", "text"],
      ["x_number", "autonumber"],
      ["x_stage", "state"],
    ]);
    expect(entity.fields![2]).toMatchObject({
      values: ["planned", "done"],
      initial: "*",
      default: "planned",
      flow: { planned: ["done"], done: ["planned"] },
    });
    expect([entity.title, entity.stage, entity.owner]).toEqual(["name", "x_stage", true]);
    expect(kinds(doc)).toEqual(["list", "form", "quick", "page", "board", "patch"]);
    expect(doc.texts!.en).toMatchObject({
      x_visit: "Visit",
      "x_visit.plural": "Visit",
      "x_visit.x_stage.done": "Done",
    });
    expect(doc.roles).toEqual([
      {
        name: "sales",
        grants: { x_visit: { read: "own", create: true, update: "own", delete: "own" } },
      },
      { name: "viewer", grants: { x_visit: { read: "all" } } },
    ]);
    expect(inMenu(doc, "x_visit")).toBe(true);
  });

  it("comes back into the form as it was written, and changes nothing when kept again", () => {
    const doc = made(whole);
    const before = JSON.stringify(doc);
    const form = formOfEntity(doc, doc.entities![0]);
    expect(form.access).toEqual({ sales: "own", viewer: "read" });
    expect([form.numbered, form.staged, form.menu, form.views.board]).not.toContain(false);
    putEntity(doc, form, said, true);
    expect(JSON.parse(JSON.stringify(doc))).toEqual(JSON.parse(before));
  });

  it("keeps its other fields, views that were edited and a flow that was narrowed", () => {
    const doc = made(whole);
    const [entity] = doc.entities!;
    entity.fields!.push({ name: "x_place", type: "text", no: 9 });
    (entity.fields![2] as Json).flow = { planned: ["done"] };
    (doc.views![0] as Json).sort = "name";
    const form = { ...formOfEntity(doc, entity), views: { quick: false, board: true, page: true } };
    putEntity(doc, form, said, false);
    const [next] = doc.entities!;
    expect(next.fields!.at(-1)).toEqual({ name: "x_place", type: "text", no: 9 });
    expect(next.fields![2].flow).toEqual({ planned: ["done"] });
    expect((doc.views![0] as Json).sort).toBe("name");
    expect(kinds(doc)).not.toContain("quick");
    expect(doc.roles!.length).toBe(2);
  });

  it("is made again where it once was, without the mark of being gone", () => {
    const doc: CustomDoc = {
      entities: [
        {
          name: "x_visit",
          retired: true,
          fields: [{ no: 1, name: "name", type: "text", retired: true }],
        },
      ],
    };
    made({}, doc);
    expect(doc.entities!.length).toBe(1);
    expect(doc.entities![0].retired).toBe(undefined);
    expect(doc.entities![0].fields![0]).toEqual({ no: 1, name: "name", type: "text" });
  });

  it("goes with everything that speaks of it, and nothing else", () => {
    const others: CustomDoc = {
      views: [{ form: "lead", remove: "section.a" }],
      texts: { en: { "lead.x_a": "A" } },
      roles: [{ name: "sales", grants: { lead: { fields: { x_a: "read" } } } }],
    };
    const doc = made(whole, JSON.parse(JSON.stringify(others)) as CustomDoc);
    const item = { id: "group.x1", items: [{ id: "x_visit", entity: "x_visit" }, { id: "lead" }] };
    doc.views!.push({ menu: "main", item });
    dropEntity(doc, "x_visit");
    const left = { menu: "main", item: { id: "group.x1", items: [{ id: "lead" }] } };
    expect(doc).toEqual({ ...others, views: [...others.views!, left] });
  });
});
