// typeddate.test - days and times as people type them; a table as a file has it.
// SPDX-License-Identifier: MIT
import { describe, expect, it } from "vitest";
import { csvRows } from "@/logic/csv";
import { fieldsIn } from "@/logic/filter";
import { dayTyped, momentTyped, timeTyped } from "@/logic/typeddate";
import { listsOf, matching, pagesOf } from "@/shell/commands";

const TODAY = "2026-03-11";

describe("a day that is typed", () => {
  it.each([
    ["2026-03-05", "2026-03-05"],
    ["2026/3/5", "2026-03-05"],
    ["2026.3.5", "2026-03-05"],
    ["2026年3月5日", "2026-03-05"],
    ["20260305", "2026-03-05"],
    ["12-31", "2026-12-31"],
    ["2024-02-29", "2024-02-29"],
  ])("%s is %s", (text, day) => expect(dayTyped(text, TODAY)).toBe(day));

  it.each(["2026-02-29", "2026-13-01", "31 May", "2026-3", "", "0000-01-01", "2026-03-055"])(
    "%s is none",
    (text) => expect(dayTyped(text, TODAY)).toBeUndefined(),
  );
});

it("a time has hours and minutes", () => {
  expect(timeTyped("9:05")).toBe("09:05");
  expect(timeTyped("23：59")).toBe("23:59");
  expect(timeTyped("24:00")).toBeUndefined();
  expect(timeTyped("9:5")).toBeUndefined();
});

it("a moment is a day and a time; a day alone begins in the morning", () => {
  expect(momentTyped("2026-3-5 9:05", TODAY)).toBe("2026-03-05T09:05");
  expect(momentTyped("2026-03-05T18:30", TODAY)).toBe("2026-03-05T18:30");
  expect(momentTyped("2026-03-05", TODAY)).toBe("2026-03-05T09:00");
  expect(momentTyped("2026-03-05 9:05 and more", TODAY)).toBeUndefined();
});

it("rows of a file: quotes hold commas, ends of lines and quotes", () => {
  const text = '\ufeffa,b\r\n"x,1","say ""hi""\nthere"\r\n,last';
  expect(csvRows(text)).toEqual([
    ["a", "b"],
    ["x,1", 'say "hi"\nthere'],
    ["", "last"],
  ]);
  expect(csvRows(text, 1)).toEqual([["a", "b"]]);
});

it("the fields of a tree, however deep", () => {
  const inner = { or: [{ "account.city": "x" }, { not: { due: 1 } }] };
  const tree = { and: [{ status: "open" }, inner] };
  expect(fieldsIn(tree)).toEqual(["status", "account", "due"]);
  expect(fieldsIn(undefined)).toEqual([]);
});

describe("commands", () => {
  const menu = [
    { id: "a", label: "Home", to: "home" },
    { id: "g", label: "Sales", items: [{ id: "l", label: "Leads", entity: "lead" }] },
    { id: "m", label: "Leads", entity: "lead" },
  ];
  const run = () => undefined;
  const inner = { key: "go:l", icon: "x", text: "Leads", run };
  const all = [
    { key: "step:go", icon: "x", text: "Go to…", into: [inner] },
    { key: "do:edit", icon: "x", text: "Edit", run },
  ];

  it("an entity is one list, whatever leads to it", () => {
    expect(listsOf(menu).map((one) => one.id)).toEqual(["l"]);
    expect(pagesOf(menu).map((one) => one.id)).toEqual(["a"]);
  });

  it("what was typed finds a command, or one inside a step", () => {
    expect(matching(all, "").length).toBe(2);
    expect(matching(all, "edit").map((one) => one.key)).toEqual(["do:edit"]);
    expect(matching(all, "lead").map((one) => one.key)).toEqual(["go:l"]);
    expect(matching(all, "nothing")).toEqual([]);
  });
});
