// menuedit - the menu: moved, grouped, hidden, and the patches that make one of the other.
// SPDX-License-Identifier: MIT
import { describe, expect, it } from "vitest";
import type { Json } from "@/logic/custom";
import { growing, type Item, listPatches } from "@/logic/listpatch";
import {
  changed,
  flat,
  forRoles,
  freeId,
  isAddress,
  labelled,
  menuPatches,
  moved,
  type Node,
  placeOf,
  stepped,
  without,
} from "@/logic/menuedit";

const entry = (id: string): Node => ({ id, entity: id });
const BASE: Node[] = [
  entry("home"),
  entry("lead"),
  { id: "g", label: "G", items: [entry("account"), entry("contact"), entry("task")] },
  entry("report"),
];
const ids = (menu: Node[]): string =>
  menu.map((one) => (one.items ? `${one.id}(${ids(one.items)})` : one.id)).join(" ");

/** As the server applies patches (core/record/model_view.c): ids are looked for at any depth. */
function apply(menu: Node[], patches: Json[]): Node[] {
  const root = JSON.parse(JSON.stringify(menu)) as Node[];
  const listOf = (id: unknown, list = root): Node[] | undefined =>
    list.some((one) => one.id === id)
      ? list
      : list.map((one) => one.items && listOf(id, one.items)).find(Boolean);
  for (const patch of patches) {
    const anchor = patch.after ?? patch.before ?? patch.remove ?? patch.set;
    const list = listOf(anchor) ?? root;
    const at = list.findIndex((one) => one.id === anchor);
    const item = JSON.parse(JSON.stringify(patch.item ?? null)) as Node;
    if (patch.remove) list.splice(at, 1);
    else if (patch.set) Object.assign(list[at], patch.to);
    else list.splice(patch.after ? at + 1 : patch.before ? at : list.length, 0, item);
  }
  return root;
}

describe("the menu", () => {
  it("moves entries between groups and the menu, groups only in the menu", () => {
    expect(ids(moved(BASE, "lead", { group: "g", at: 1 }))).toBe(
      "home g(account lead contact task) report",
    );
    expect(ids(moved(BASE, "contact", { group: "", at: 0 }))).toBe(
      "contact home lead g(account task) report",
    );
    const two = [...BASE, { id: "h", items: [] }];
    expect(moved(two, "h", { group: "g", at: 0 })).toBe(two);
    expect(placeOf(BASE, "task")).toEqual({ group: "g", at: 2 });
    expect(moved(BASE, "nobody", { group: "", at: 0 })).toBe(BASE);
  });

  it("steps through the edge of a group", () => {
    expect(ids(stepped(BASE, "lead", 1))).toBe("home g(lead account contact task) report");
    expect(ids(stepped(BASE, "report", -1))).toBe("home lead g(account contact task report)");
    expect(ids(stepped(BASE, "task", 1))).toBe("home lead g(account contact) task report");
    expect(ids(stepped(BASE, "account", -1))).toBe("home lead account g(contact task) report");
    expect(ids(stepped(BASE, "g", -1))).toBe("home g(account contact task) lead report");
    expect(stepped(BASE, "home", -1)).toBe(BASE);
  });

  it("says nothing of what stays", () => {
    expect(menuPatches(BASE, BASE)).toEqual([]);
    expect(menuPatches(BASE, moved(BASE, "report", { group: "", at: 0 }))).toEqual([
      { menu: "main", remove: "report" },
      { menu: "main", before: "home", item: entry("report") },
    ]);
  });

  const own: Node = { id: "group.x1", label: "@x", items: [] };
  const cases: [string, Node[]][] = [
    ["one hidden", without(BASE, "contact")],
    ["one out of its group", moved(BASE, "contact", { group: "", at: 0 })],
    ["one into a group", moved(BASE, "lead", { group: "g", at: 3 })],
    ["a group emptied", BASE.map((one) => (one.items ? { ...one, items: [] } : one))],
    ["a group filled anew", [{ ...BASE[2], items: [entry("lead")] }, BASE[0], entry("account")]],
    ["a group dissolved", [...BASE[2].items!, BASE[0], BASE[1], BASE[3]]],
    ["a group moved and changed", [{ ...BASE[2], items: [entry("task")] }, ...BASE.slice(0, 2)]],
    [
      "one of one's own",
      [
        { ...own, items: [entry("lead"), entry("task")] },
        ...without(without(BASE, "lead"), "task"),
      ],
    ],
    ["for certain roles", [forRoles(BASE[0], ["sales"]), ...BASE.slice(1)]],
    [
      "inside a group, too",
      changed(BASE, "account", (node) => forRoles(node, ["x"])),
    ],
    ["upside down", [...BASE].reverse()],
    ["nothing left", []],
  ];
  for (const [what, after] of cases) {
    it(`${what}: patches make the one of the other`, () => {
      const made = apply(BASE, menuPatches(BASE, after));
      expect(made).toEqual(JSON.parse(JSON.stringify(after)));
    });
  }

  it("names things so that nobody has the name yet, and takes its own words back", () => {
    expect(freeId("group.x", [own], BASE)).toBe("group.x2");
    const named = { ...own, label: "@tenant.custom:k" };
    expect(labelled(named, undefined, undefined).label).toBe(undefined);
    expect(labelled(own, "k", BASE[2]).label).toBe("@tenant.custom:k");
    expect(labelled({ ...BASE[2], label: "@tenant.custom:k" }, undefined, BASE[2]).label).toBe("G");
    expect(forRoles({ ...own, roles: ["a"] }, []).roles).toBe(undefined);
    expect(flat(BASE).length).toBe(7);
  });

  it("takes addresses inside the console alone", () => {
    const good = ["/e/lead", "/dash/x?date=today", "/"];
    const bad = ["//evil.example.com", "https://x", "e/lead", "", "/a b", "javascript:alert(1)"];
    expect(good.filter(isAddress)).toEqual(good);
    expect(bad.filter(isAddress)).toEqual([]);
  });
});

describe("patches of lists", () => {
  it("leaves the longest part in its place", () => {
    expect([...growing([3, 0, 1, 2])].sort()).toEqual([0, 1, 2]);
    expect(growing([]).size).toBe(0);
    expect(growing([5, 4, 3]).size).toBe(1);
  });

  it("says a list anew where nothing stays", () => {
    const item = (id: string): Item => ({ id });
    const whole = (list: Item[]) => ({ main: { tabs: list } });
    expect(listPatches({ page: "x" }, "tab", [item("a")], [item("b")], whole)).toEqual([
      { page: "x", to: { main: { tabs: [{ id: "b" }] } } },
    ]);
    expect(listPatches({ page: "x" }, "tab", [], [], whole)).toEqual([]);
    expect(listPatches({ page: "x" }, "tab", [item("a")], [], whole)).toEqual([
      { page: "x", remove: "a" },
    ]);
  });
});
