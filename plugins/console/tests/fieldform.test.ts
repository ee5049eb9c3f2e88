// fieldform - a field as people fill it in, and as it is declared.
// SPDX-License-Identifier: MIT
import { expect, it } from "vitest";
import type { FieldDoc } from "@/logic/custom";
import {
  changeOf,
  docOf,
  type FieldForm,
  formOf,
  missing,
  nameValues,
  rowsOf,
  saysSomething,
  TYPE_GROUPS,
  wordsKey,
} from "@/logic/fieldform";

const form = (doc: FieldDoc, more: Partial<FieldForm> = {}): FieldForm => ({
  ...formOf(
    doc,
    { "zh-CN": "某" },
    {},
    rowsOf(doc.values, () => ({})),
  ),
  ...more,
});

const DOCS: FieldDoc[] = [
  { name: "x_a", type: "text", required: true, length: 20, default: "n", import_alias: "甲,乙" },
  { name: "x_a", type: "text", multiple: true, search: true, unique: true },
  { name: "x_a", type: "decimal", scale: 3, min: "0.5", max: 10 },
  { name: "x_a", type: "enum", values: ["a", { value: "b", tone: "red", active: false }] },
  { name: "x_a", type: "ref", entity: "account", filter: { active: true } },
  { name: "x_a", type: "dict", dictionary: "industry" },
  { name: "x_a", type: "user", default: "$me", readonly_when: { owner: null } },
  { name: "x_a", type: "autonumber", pattern: "N-{counter:4}", reset: "yearly", search: true },
  { name: "x_a", type: "rollup", from: "task", by: "lead", op: "sum", field: "hours" },
  { name: "x_a", type: "lookup", path: "account.industry" },
  {
    name: "x_a",
    type: "state",
    values: ["new", "done"],
    initial: ["new"],
    flow: { new: ["done"] },
  },
];

for (const doc of DOCS) {
  it(`${doc.type} is declared again as it was: ${Object.keys(doc).join(" ")}`, () => {
    expect(docOf(form(doc))).toEqual(doc);
  });
}

it("every type that is offered can be made of what it asks for", () => {
  for (const type of Object.values(TYPE_GROUPS).flat()) {
    const doc = docOf(form({ name: "x_a", type }));
    expect([doc.name, doc.type]).toEqual(["x_a", type]);
  }
});

it("says what is missing before anything is kept", () => {
  const lacks = (doc: FieldDoc, more = {}) => missing(form(doc, more));
  expect(lacks({ name: "x_a", type: "text" })).toEqual([]);
  expect(lacks({ name: "a", type: "text" }, { words: {} })).toEqual(["label", "name"]);
  expect(lacks({ name: "x_a", type: "enum" })).toEqual(["values"]);
  expect(lacks({ name: "x_a", type: "refs" })).toEqual(["entity"]);
  expect(lacks({ name: "x_a", type: "dict" })).toEqual(["dictionary"]);
  expect(lacks({ name: "x_a", type: "autonumber", pattern: "N" })).toEqual(["pattern"]);
  expect(lacks({ name: "x_a", type: "rollup", op: "sum" })).toEqual(["from", "field"]);
  expect(lacks({ name: "x_a", type: "lookup", path: "account" })).toEqual(["path"]);
});

it("of another plugin's field only what differs is said", () => {
  const declared: FieldDoc = { name: "company", type: "text", length: 120, quick: true };
  const plain = form(declared);
  expect(saysSomething(changeOf(plain, declared))).toBe(false);
  const tight = form(declared);
  tight.flags.required = true;
  tight.flags.quick = false;
  tight.length = "60";
  expect(changeOf(tight, declared)).toEqual({
    name: "company",
    required: true,
    length: 60,
    quick: false,
  });
  const state: FieldDoc = { name: "status", type: "enum", values: ["a"] };
  const more = form(state);
  more.rows = [
    { ...more.rows[0], fixed: true },
    { value: "z", words: {}, tone: "", active: true, fixed: false },
  ];
  expect(changeOf(more, state)).toEqual({ name: "status", values: ["z"] });
});

it("values get names that nobody else has", () => {
  const row = (value: string, en = "") => ({
    value,
    words: { en },
    tone: "",
    active: true,
    fixed: false,
  });
  const names = nameValues([row("a"), row("", "A"), row("", "Very Good!"), row(""), row("")]);
  expect(names.map((one) => one.value)).toEqual(["a", "a1", "very_good", "v1", "v2"]);
});

it("words of a field stand under its own key, or the one its plugin gave it", () => {
  expect(wordsKey("tenant.custom", "lead", "x_a")).toBe("lead.x_a");
  expect(wordsKey("leads", "lead", "company")).toBe("leads:lead.company");
  expect(wordsKey("leads", "lead", "phones", "@people:phone")).toBe("people:phone");
  expect(wordsKey("leads", "lead", "a", "@own")).toBe("leads:own");
});
