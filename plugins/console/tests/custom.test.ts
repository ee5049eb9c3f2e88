// custom - the draft as editors write it: fields, words, layouts, lists; and what differs.
// SPDX-License-Identifier: MIT
import { describe, expect, it } from "vitest";
import {
  type CustomDoc,
  CUSTOM,
  dropField,
  dropView,
  fieldDoc,
  fieldName,
  type Json,
  layoutPatches,
  type LayoutSection,
  moveCell,
  ownView,
  patchTarget,
  putField,
  putPatches,
  putView,
  putWords,
  qualified,
  sectionId,
  stepCell,
  withSpan,
  wordsOf,
} from "@/logic/custom";
import { changedLines, subjectOf } from "@/logic/customdiff";

const target = patchTarget("form", "lead");

/** What the server does with patches (core/record/model_view.c), for lists of sections. */
function apply(before: LayoutSection[], patches: Json[]): LayoutSection[] {
  const list = before.map((one) => ({ ...one }));
  const at = (id: unknown) => list.findIndex((one) => one.id === id);
  for (const patch of patches) {
    if (patch.remove) list.splice(at(patch.remove), 1);
    else if (patch.set) Object.assign(list[at(patch.set)], patch.to);
    else {
      const place = patch.after
        ? at(patch.after) + 1
        : patch.before
          ? at(patch.before)
          : list.length;
      list.splice(place, 0, patch.section as LayoutSection);
    }
  }
  return list;
}

const BASE: LayoutSection[] = [
  { id: "a", label: "@leads:a", cells: ["x", "y"] },
  { id: "b", cells: ["z"], collapsed: true },
  { id: "c", cells: [] },
];

describe("layouts", () => {
  const cases: [string, LayoutSection[], number][] = [
    ["nothing", BASE, 0],
    ["a cell", [{ ...BASE[0], cells: ["y", "x"] }, BASE[1], BASE[2]], 1],
    ["one less", [BASE[0], BASE[2]], 1],
    ["one more at the end", [...BASE, { id: "d", cells: ["q"] }], 1],
    ["one more in front", [{ id: "d" }, ...BASE], 1],
    ["all in another order", [BASE[2], BASE[1], BASE[0]], 4],
    ["a member taken away", [BASE[0], { id: "b", cells: ["z"] }, BASE[2]], 2],
    ["everything", [{ id: "n" }], 4],
    ["none left", [], 3],
  ];
  for (const [what, after, most] of cases) {
    it(`${what}: patches make one list of the other`, () => {
      const patches = layoutPatches(target, BASE, after);
      expect(apply(BASE, patches)).toEqual(after);
      expect(patches.length).toBeLessThanOrEqual(most);
      expect(patches.every((patch) => patch.form === "lead")).toBe(true);
    });
  }

  it("a section that nobody touched is not mentioned, so that a plugin can change it", () => {
    const after = [{ ...BASE[0], cells: ["x"] }, BASE[1], BASE[2]];
    expect(layoutPatches(target, BASE, after)).toEqual([
      { form: "lead", set: "a", to: { cells: ["x"] } },
    ]);
  });

  it("our patches of a view are written anew, those of others stay", () => {
    const doc: CustomDoc = {
      views: [
        { form: "lead", remove: "a" },
        { form: "lead.short", remove: "b" },
      ],
    };
    putPatches(doc, "form", "lead", "default", [{ form: "lead", remove: "c" }]);
    expect(doc.views).toEqual([
      { form: "lead.short", remove: "b" },
      { form: "lead", remove: "c" },
    ]);
    putPatches(doc, "form", "lead", "default", []);
    putPatches(doc, "form", "lead", "short", []);
    expect(doc).toEqual({});
  });

  it("cells move within sections and over their edges", () => {
    const all = [
      { id: "a", cells: ["1", "2"] },
      { id: "b", cells: ["3"] },
    ];
    expect(stepCell(all, { section: 0, cell: 0 }, 1)).toEqual({ section: 0, cell: 1 });
    expect(stepCell(all, { section: 0, cell: 1 }, 1)).toEqual({ section: 1, cell: 0 });
    expect(stepCell(all, { section: 1, cell: 0 }, -1)).toEqual({ section: 0, cell: 2 });
    expect(stepCell(all, { section: 0, cell: 0 }, -1)).toEqual({ section: 0, cell: 0 });
    expect(stepCell(all, { section: 1, cell: 0 }, 1)).toEqual({ section: 1, cell: 0 });
    const moved = moveCell(all, { section: 0, cell: 1 }, { section: 1, cell: 0 });
    expect(moved.map((one) => one.cells)).toEqual([["1"], ["2", "3"]]);
    expect(all[0].cells).toEqual(["1", "2"]);
    expect(moveCell(all, { section: 0, cell: 9 }, { section: 1, cell: 0 })).toBe(all);
  });

  it("a cell is a name until it says more", () => {
    expect(withSpan("x", 2)).toEqual({ field: "x", span: 2 });
    expect(withSpan({ field: "x", span: 2 }, 1)).toBe("x");
    expect(withSpan({ field: "x", widget: "w", span: 2 }, 1)).toEqual({ field: "x", widget: "w" });
  });

  it("keys of a plugin are qualified, everything else stays", () => {
    const body = { label: "@a", cells: ["@b", "c", { label: "@x:y" }], n: 1 };
    expect(qualified(body, "leads")).toEqual({
      label: "@leads:a",
      cells: ["@leads:b", "c", { label: "@x:y" }],
      n: 1,
    });
    expect(sectionId(["section.x1"])).toBe("section.x2");
  });
});

describe("fields and words", () => {
  it("a field is put, changed with its number kept, and dropped", () => {
    const doc: CustomDoc = {};
    putField(doc, "lead", { name: "x_a", type: "int" });
    expect(doc.entities).toEqual([{ extend: "lead", fields: [{ name: "x_a", type: "int" }] }]);
    doc.entities![0].fields![0].no = 7;
    putField(doc, "lead", { name: "x_a", type: "int", required: true });
    expect(fieldDoc(doc, "lead", "x_a")).toEqual({
      no: 7,
      name: "x_a",
      type: "int",
      required: true,
    });
    dropField(doc, "lead", "x_a");
    expect(doc.entities).toEqual([]);
  });

  it("what is retired stays; one of its name and type is it again", () => {
    const old = { no: 1, name: "x_a", type: "int", retired: true };
    const doc: CustomDoc = { entities: [{ extend: "lead", fields: [{ ...old }] }] };
    dropField(doc, "lead", "x_a");
    expect(doc.entities![0].fields).toEqual([old]);
    putField(doc, "lead", { name: "x_a", type: "text" });
    expect(doc.entities![0].fields!.length).toBe(2);
    const again: CustomDoc = { entities: [{ extend: "lead", fields: [{ ...old }] }] };
    putField(again, "lead", { name: "x_a", type: "int" });
    expect(again.entities![0].fields).toEqual([{ no: 1, name: "x_a", type: "int" }]);
  });

  it("names are made of what is Latin, else numbered", () => {
    expect(fieldName("Customer Level!", [])).toBe("x_customer_level");
    expect(fieldName("级别", ["x_field1"])).toBe("x_field2");
    expect(fieldName("Level", ["x_level"])).toBe("x_level1");
  });

  it("words stand under both languages and leave nothing behind", () => {
    const doc: CustomDoc = {};
    putWords(doc, "lead.x", { "zh-CN": " 级别 ", en: "" });
    expect(doc).toEqual({ texts: { "zh-CN": { "lead.x": "级别" } } });
    expect(wordsOf(doc, "lead.x")).toEqual({ "zh-CN": "级别" });
    putWords(doc, "lead.x", {});
    expect(doc).toEqual({});
  });

  it("a list of our own is put and dropped", () => {
    const doc: CustomDoc = {};
    putView(doc, { kind: "list", entity: "lead", name: "x_1", columns: ["a"] });
    putView(doc, { kind: "list", entity: "lead", name: "x_1", columns: ["b"] });
    expect(ownView(doc, "list", "lead", "x_1")?.columns).toEqual(["b"]);
    dropView(doc, "list", "lead", "x_1");
    expect(doc).toEqual({});
    expect(CUSTOM).toBe("tenant.custom");
  });
});

describe("what differs", () => {
  it("says what a change is about", () => {
    const of = (after: Json, part = "views") =>
      subjectOf({ part, name: "n", change: "added", after });
    expect(of({ form: "lead", set: "section.a", to: {} })).toBe("form lead: section.a");
    expect(of({ form: "lead", after: "a", section: { id: "b" } })).toBe("form lead: b");
    expect(of({ kind: "list", entity: "lead", name: "x" })).toBe("list lead.x");
    expect(of({}, "fields")).toBe("n");
  });

  it("lists the members that were said anew", () => {
    const change = { part: "fields", name: "n", change: "changed" };
    expect(
      changedLines({ ...change, before: { a: 1, b: [1] }, after: { a: 1, b: [2], c: 3 } }),
    ).toEqual([
      { name: "b", before: [1], after: [2] },
      { name: "c", before: undefined, after: 3 },
    ]);
  });
});
