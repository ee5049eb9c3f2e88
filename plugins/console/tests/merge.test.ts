// merge - a draft and what others have published since it began, member by member.
// SPDX-License-Identifier: MIT
import { describe, expect, it } from "vitest";
import type { CustomDoc } from "@/logic/custom";
import { mergeDrafts } from "@/logic/merge";

const lead = (...fields: object[]): CustomDoc =>
  ({ entities: [{ extend: "lead", optional: true, fields }] }) as CustomDoc;
const level = { no: 1, name: "x_level", type: "enum", values: ["A", "B"] };
const fieldsOf = (doc: CustomDoc) => doc.entities![0].fields!;
const all = (merge: ReturnType<typeof mergeDrafts>, mine: boolean) =>
  merge.settle(merge.clashes.map(() => mine));

describe("two drafts", () => {
  it("keeps what only one of them has changed", () => {
    const base = lead(level);
    const mine = lead({ ...level, required: true }, { no: 2, name: "x_mine", type: "int" });
    const theirs = lead({ ...level, search: true }, { no: 2, name: "x_theirs", type: "text" });
    const merge = mergeDrafts(base, mine, theirs);
    expect(merge.clashes).toEqual([]);
    expect(fieldsOf(all(merge, true))).toEqual([
      { ...level, search: true, required: true },
      { no: 2, name: "x_theirs", type: "text" },
      { name: "x_mine", type: "int" }, // its number is somebody else's by now
    ]);
    expect([merge.onlyMine, merge.onlyTheirs]).toEqual([1, 1]);
  });

  it("asks about each member that both have changed", () => {
    const base = { ...lead(level), texts: { en: { "lead.x_level": "Level", k: "same" } } };
    const mine = {
      ...lead({ ...level, values: ["A"], required: true }),
      texts: { en: { "lead.x_level": "Grade", k: "same" } },
    };
    const theirs = {
      ...lead({ ...level, values: ["A", "B", "C"], required: true }),
      texts: { en: { "lead.x_level": "Class", k: "same", new: "1" } },
    };
    const merge = mergeDrafts(base, mine, theirs);
    expect(merge.clashes.map(({ thing, member }) => [thing, member])).toEqual([
      ["fields lead.x_level", "values"],
      ["texts en", "lead.x_level"],
    ]);
    const mixed = merge.settle([true, false]);
    expect(fieldsOf(mixed)[0]).toEqual({ ...level, values: ["A"], required: true });
    expect(mixed.texts!.en).toEqual({ "lead.x_level": "Class", k: "same", new: "1" });
    expect(all(merge, false)).toEqual({ ...theirs });
    expect(all(merge, true).texts!.en!["lead.x_level"]).toBe("Grade");
  });

  it("asks whether what one has taken out and the other changed stays", () => {
    const base = lead(level);
    const merge = mergeDrafts(base, {}, lead({ ...level, required: true }));
    const [clash] = merge.clashes.filter(({ thing }) => thing.startsWith("fields"));
    expect([clash.member, clash.mine]).toEqual(["*", undefined]);
    expect(all(merge, true).entities).toBe(undefined);
    expect(fieldsOf(all(merge, false))).toEqual([{ ...level, required: true }]);
  });

  it("a value taken away is a change like others", () => {
    const base = lead({ ...level, required: true });
    const merge = mergeDrafts(base, lead(level), base);
    expect(fieldsOf(all(merge, true))[0]).toEqual(level);
  });

  it("tells patches of one view apart by what they touch", () => {
    const patch = (set: string, cells: string[]) => ({ form: "lead", set, to: { cells } });
    const base: CustomDoc = { views: [patch("a", ["x"]), patch("b", ["y"])] };
    const mine: CustomDoc = { views: [patch("a", ["x", "m"]), patch("b", ["y", "m"])] };
    const theirs: CustomDoc = {
      views: [
        patch("a", ["x", "t"]),
        patch("b", ["y"]),
        { form: "lead", after: "b", section: { id: "c" } },
        { menu: "main", remove: "task" },
      ],
    };
    const merge = mergeDrafts(base, mine, theirs);
    expect(merge.clashes.map(({ thing, member }) => [thing, member])).toEqual([
      ["views form lead: a", "to.cells"],
    ]);
    expect(all(merge, false).views).toEqual([
      { menu: "main", remove: "task" },
      patch("a", ["x", "t"]),
      patch("b", ["y", "m"]),
      { form: "lead", after: "b", section: { id: "c" } },
    ]);
  });

  it("tells grants of one role apart, and keeps objects of one's own whole", () => {
    const role = (grants: object) => ({ name: "sales", grants });
    const name = { no: 1, name: "name", type: "text" };
    const visit = { name: "x_visit", title: "name", fields: [name] };
    const base = { roles: [role({ a: { read: "own" } })] } as CustomDoc;
    const told = role({ a: { read: "own" }, x_visit: {} });
    const mine = { entities: [visit], roles: [told] } as CustomDoc;
    const theirs = { roles: [role({ a: { read: "all" } })] } as CustomDoc;
    const merged = all(mergeDrafts(base, mine, theirs), true);
    expect(merged.roles).toEqual([role({ a: { read: "all" }, x_visit: {} })]);
    expect(merged.entities![0].fields).toEqual([{ name: "name", type: "text" }]);
  });

  it("without knowing what a draft began from, asks about everything that differs", () => {
    const merge = mergeDrafts({}, lead({ ...level, label: "m" }), lead({ ...level, label: "t" }));
    expect(merge.clashes.map(({ member }) => member)).toEqual(["label"]);
    expect(all(mergeDrafts({}, {}, lead(level)), true)).toEqual(lead(level));
  });
});
