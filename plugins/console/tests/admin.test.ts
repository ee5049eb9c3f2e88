// admin - roles, departments, plugins, scopes and the audit trail, as far as they need no page.
// SPDX-License-Identifier: MIT
import { describe, expect, it } from "vitest";
import { groupsFor } from "@/admin/areas";
import { askedOf, detailLines } from "@/admin/company/audit";
import { type Department, namesOf, placesFor, treeOrder } from "@/admin/people/people";
import {
  addressOf,
  idIn,
  inOrder,
  type Plugin,
  settingField,
  settingsBody,
} from "@/admin/platform/plugins";
import { scopeText } from "@/admin/platform/scopes";
import { reasonWords } from "@/logic/importmap";
import {
  ACTIONS,
  bodyOf,
  choicesFor,
  roleName,
  scopeOf,
  withField,
  withOperation,
  withRule,
} from "@/logic/role";
import { withMapping } from "@/stores/own";

describe("roles", () => {
  it("shows every shape of a rule as one word", () => {
    expect([undefined, false, true, "all", "own", { owner: "$me" }].map(scopeOf)).toEqual([
      "",
      "",
      "all",
      "all",
      "own",
      "rule",
    ]);
    for (const action of ACTIONS) expect(choicesFor(action)).toContain("rule");
  });

  it("changes one thing and leaves the rest", () => {
    const grant = { read: "team", fields: { cost: "none" }, actions: ["pick"] };
    expect(withRule(grant, "update", "own")).toEqual({ ...grant, update: "own" });
    expect(withRule(grant, "read", "")).toEqual({ fields: { cost: "none" }, actions: ["pick"] });
    expect(withField(grant, "cost", "")).toEqual({ read: "team", actions: ["pick"] });
    expect(withField(grant, "*", "read").fields).toEqual({ cost: "none", "*": "read" });
    expect(withOperation(grant, "pick", false, ["pick"]).actions).toBeUndefined();
    expect(withOperation({ actions: true }, "pick", false, ["pick", "view"]).actions).toEqual([
      "view",
    ]);
    expect(grant).toEqual({ read: "team", fields: { cost: "none" }, actions: ["pick"] });
  });

  it("sends no entity of which nothing is granted", () => {
    const role = { name: "r", label: "R", grants: { a: {}, b: { read: "all" } }, admin: false };
    expect(bodyOf(role)).toEqual({ label: "R", grants: { b: { read: "all" } }, admin: false });
  });

  it("finds a name", () => {
    expect(roleName("Key Account", [])).toBe("key_account");
    expect(roleName("2nd Line", [])).toBe("nd_line");
    expect(roleName("客服", ["role_1"])).toBe("role_2");
    expect(roleName("Sales", ["sales"])).toBe("sales_1");
  });
});

describe("people", () => {
  const at = (id: string, parent: string | null, path: string[]): Department => ({
    id,
    version: 1,
    name: id,
    parent,
    path,
    depth: 0,
    head: null,
  });
  const all = [
    at("b", null, ["b"]),
    at("a", null, ["a"]),
    at("b1", "b", ["b", "b1"]),
    at("lost", "gone", ["gone", "lost"]),
    at("b11", "b1", ["b", "b1", "b11"]),
  ];

  it("stands below what it belongs to; whose parent is gone stands on top", () => {
    const tree = treeOrder(all, "en");
    expect(tree.map((one) => [one.id, one.depth])).toEqual([
      ["a", 0],
      ["b", 0],
      ["b1", 1],
      ["b11", 2],
      ["lost", 0],
    ]);
  });

  it("is never moved into itself", () => {
    expect(placesFor(all, "b1").map((one) => one.id)).toEqual(["b", "a", "lost"]);
    expect(placesFor(all, undefined).length).toBe(5);
  });

  it("reads roles as a list or as its text", () => {
    expect(namesOf(["a"])).toEqual(["a"]);
    expect(namesOf('["a","b"]')).toEqual(["a", "b"]);
    expect([namesOf(null), namesOf("?"), namesOf("{}")]).toEqual([[], [], []]);
  });
});

describe("platform", () => {
  const plugin = (id: string, more: Partial<Plugin> = {}) =>
    ({ id, title: id, state: "enabled", warnings: [], paused: 0, ...more }) as Plugin;

  it("puts what needs care first", () => {
    const all = [plugin("a"), plugin("b", { state: "disabled" }), plugin("c", { paused: 1 })];
    expect(inOrder(all).map((one) => one.id)).toEqual(["c", "a", "b"]);
  });

  it("names a bundle in an address that is no file", () => {
    expect(addressOf("acme.sales.kit")).toBe("acme~sales~kit");
    expect(idIn(addressOf("acme.sales.kit"))).toBe("acme.sales.kit");
  });

  it("sends settings as their types, and secrets only when typed anew", () => {
    const settings = [
      { name: "days", type: "int", label: "" },
      { name: "key", type: "secret", label: "" },
      { name: "other", type: "secret", label: "" },
      { name: "note", type: "text", label: "" },
    ];
    const values = { days: "7", key: "", other: "new", note: "" };
    expect(settingsBody(settings, values)).toEqual({ days: 7, other: "new", note: null });
  });

  it("asks for people with the control of people", () => {
    const field = settingField({ name: "boss", type: "department", label: "B" });
    expect([field.type, field.ref]).toEqual(["ref", { entity: "department" }]);
  });

  it("offers what it can be set to in words", () => {
    const options = [{ value: "none", label: "Nobody" }];
    const setting = { name: "dispatch", type: "enum", label: "D", values: ["none"], options };
    expect(settingField(setting).options).toEqual([{ ...options[0], active: true }]);
    const role = { name: "who", type: "text", label: "W", widget: "role" };
    const field = settingField(role, [{ value: "service_agent", label: "Agent" }]);
    expect([field.type, field.options?.[0]?.label]).toEqual(["enum", "Agent"]);
    expect(settingField(role).type).toBe("text");
  });

  it("writes scopes", () => {
    expect(scopeText({ entity: "", actions: ["read"] })).toEqual([]);
    expect(scopeText({ entity: "*", actions: ["*"] })).toEqual(["*"]);
    expect(scopeText({ entity: "lead", actions: ["*", "read"] })).toEqual(["lead:*"]);
    expect(scopeText({ entity: "lead", actions: ["read", "create"] })).toEqual([
      "lead:read",
      "lead:create",
    ]);
  });
});

describe("areas and audit", () => {
  it("shows the areas of one's rights, and no empty group", () => {
    const groups = groupsFor(["audit", "users"]);
    expect(groups.map((group) => group.areas.map((area) => area.id))).toEqual([
      ["users", "departments"],
      ["audit"],
    ]);
    expect(groupsFor([])).toEqual([]);
  });

  it("reads what is asked from an address, and details line by line", () => {
    expect(askedOf({ actor: "A", of: "records" })).toEqual({
      action: "",
      actor: "A",
      entity: "",
      record: "",
      from: "",
      to: "",
    });
    expect(detailLines({ a: "x", b: [1], before: null })).toEqual([
      { name: "a", value: "x" },
      { name: "b", value: "[1]" },
    ]);
    expect(detailLines(null)).toEqual([]);
  });
});

describe("what columns of imported tables mean", () => {
  it("is kept by entity, and grows with each table", () => {
    const one = withMapping(undefined, "lead", { 姓名: "name", 备注: "" });
    const two = withMapping(one, "account", { 名称: "name" });
    expect(withMapping(two, "lead", { 电话: "phones", 备注: "note" })).toEqual({
      account: { 名称: "name" },
      lead: { 姓名: "name", 备注: "note", 电话: "phones" },
    });
  });

  it("has a bound: other entities go first, then the oldest columns", () => {
    const many = (word: string, n: number) =>
      Object.fromEntries(Array.from({ length: n }, (_, i) => [`${word}${i}`, "company_name"]));
    const all = withMapping({ contact: many("甲", 100) }, "lead", many("乙", 100));
    expect(Object.keys(all)).toEqual(["contact", "lead"]);
    const full = withMapping(all, "account", many("丙", 500));
    expect(Object.keys(full)).toEqual(["account"]);
    expect(new Blob([JSON.stringify(full)]).size).toBeLessThanOrEqual(6000);
    expect(full.account["丙499"]).toBe("company_name");
    expect("丙0" in full.account).toBe(false);
  });
});

it("tells by label why a row was not imported", () => {
  const field = (name: string, label: string) => ({ name, label, type: "text", operators: [] });
  const fields = [field("source", "来源"), field("phones", "电话")];
  const why = "phones[0]: 电话号码不正确。; source: 不在可选值之中; other: x";
  expect(reasonWords(why, fields)).toBe(
    "电话 1：电话号码不正确。; 来源：不在可选值之中; other：x",
  );
  expect(reasonWords("a sentence without a field", fields)).toBe("a sentence without a field");
});
