// tree - a list below records of another entity: its lines, what is asked for, what fails.
// SPDX-License-Identifier: MIT
import { shallowRef } from "vue";
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { Entity, Field, Rec, View } from "@/api/types";
import { ApiError } from "@/api/http";
import type { Asked } from "@/grid/useList";
import {
  ABOVE,
  aboveOf,
  missingOf,
  uppersOf,
  valuesAsRows,
  withAbove,
} from "@/logic/branches";
import { stateOf } from "@/logic/liststate";
import { useTree } from "@/modes/useTree";

const asks = vi.hoisted(() => ({
  post: vi.fn(),
  entity: vi.fn(),
  said: vi.fn(),
  load: () => Promise.resolve(),
}));
vi.mock("@/api/http", async (real) => ({ ...(await real<object>()), post: asks.post }));
vi.mock("@/stores/meta", () => ({ loadEntity: asks.entity, entityNow: () => undefined }));
vi.mock("@/ui/toast", () => ({ sayError: asks.said, say: () => undefined }));
vi.mock("@/modes/useMode", () => ({
  useMode(mode: { ask: (signal: AbortSignal) => Promise<unknown> }) {
    const data = shallowRef<unknown>(null);
    asks.load = async () => void (data.value = await mode.ask(new AbortController().signal));
    return { data, load: asks.load };
  },
}));

const ref = (name: string, entity: string) =>
  ({ name, label: name, type: "ref", operators: [], ref: { entity } }) as Field;
const entityOf = (name: string, fields: Field[], views: View[] = []) =>
  ({ name, title: "name", fields, views }) as unknown as Entity;
const row = (id: string, more = {}): Rec => ({ id, version: 1, name: id, ...more });
const account = entityOf("account", [ref("parent", "account"), ref("merged", "account")], [
  { kind: "tree", parent: "parent" },
]);
const contact = entityOf("contact", [ref("account", "account"), ref("boss", "contact")]);

describe("uppers", () => {
  it("stand below what their own tree says, or their only reference to themselves", () => {
    expect(aboveOf(account)).toBe("parent");
    expect(aboveOf(contact)).toBe("boss");
    expect(aboveOf({ ...account, views: [] })).toBe(""); // two: nobody says which
    expect(aboveOf(entityOf("x", [ref("y", "z")]))).toBe("");
  });

  it("count what is below them in all, and none of a circle is lost", () => {
    const rows = [row("a"), row("b", { parent: "a" }), row("c", { parent: { id: "b" } })];
    const { below, counts } = uppersOf(rows, "parent", new Map([["c", 2], ["b", 1]]));
    expect([counts.get("a"), counts.get("b"), counts.get("c")]).toEqual([3, 3, 2]);
    expect(below.get("")?.map(({ id }) => id)).toEqual(["a"]);
    const round = [row("x", { parent: "y" }), row("y", { parent: "x" }), row("z", { parent: "y" })];
    const circle = uppersOf(round, "parent", new Map([["z", 1]]));
    expect(circle.below.get("")?.map(({ id }) => id)).toEqual(["x", "y"]);
    expect(circle.counts.get("y")).toBe(1);
    expect(missingOf(rows, "parent", new Set(["a"]))).toEqual(["b"]);
  });
});

type Body = Record<string, unknown> & { queries?: unknown[]; group?: string[] };

describe("a tree", () => {
  const groups = (...of: [string | null, number][]) => ({
    groups: of.map(([id, count]) => ({ account: id, boss: id, count })),
  });
  const start = async (parent: string, open?: string[]) => {
    const state = { ...stateOf({}), open };
    const view: View = { kind: "tree", parent, columns: ["name"] };
    const asked = { entity: contact, view, state, columns: [] } as unknown as Asked;
    const tree = useTree({ entity: contact, view, asked });
    await asks.load();
    return tree;
  };
  const shape = (tree: ReturnType<typeof useTree>) =>
    tree.lines.value.map((one) => "-".repeat(one.depth) + (one.row?.id ?? "+"));
  let found: ReturnType<typeof groups>;
  let branch: (body: Body) => unknown;

  beforeEach(() => {
    asks.said.mockReset();
    asks.entity.mockReset().mockImplementation(() => Promise.resolve(account));
    found = groups(["b", 2], [null, 1]);
    branch = (one) => {
      const isBelow = JSON.stringify(one.filter).includes('"b"');
      return { items: [row(isBelow ? "k1" : "k3")], next: isBelow && !one.cursor ? "n" : null };
    };
    asks.post.mockReset().mockImplementation((path: string, body: Body) => {
      if (body.group) return Promise.resolve(found);
      if (body.queries) {
        return Promise.resolve({ results: body.queries.map((one) => branch(one as Body)) });
      }
      if (path === "/records/account/query") {
        const isTop = JSON.stringify(body.filter).includes('"a"');
        return Promise.resolve({ items: [isTop ? row("a") : row("b", { parent: "a" })] });
      }
      if (body.fields === "id") return Promise.resolve({ items: [row("b")] });
      return Promise.resolve({ items: [row(body.cursor ? "k2" : "b")], next: null });
    });
  });

  it("has the records above those that are referred to, and a heading for the others", async () => {
    const tree = await start("account");
    expect(shape(tree)).toEqual(["a", "-b", "--k1", "--+", "none", "-k3"]);
    expect(tree.lines.value.map((one) => one.below)).toEqual([2, 2, 0, 0, 1, 0]);
    await tree.goOn("b");
    expect(shape(tree)).toEqual(["a", "-b", "--k1", "--k2", "none", "-k3"]);
  });

  it("puts under the heading whoever refers to what cannot be read", async () => {
    asks.entity.mockRejectedValue(new ApiError(404, "not_found", "?"));
    const tree = await start("account");
    expect(shape(tree)).toEqual(["none", "-k1", "-+"]); // the heading asks for "b", too
    expect(tree.lines.value[0].below).toBe(3);
    asks.entity.mockRejectedValue(new ApiError(500, "broken", "?"));
    await expect(start("account")).rejects.toMatchObject({ status: 500 });
  });

  it("does not open a branch that could not be read, and says why", async () => {
    const tree = await start("account", ["a"]);
    expect(shape(tree)).toEqual(["a", "-b", "none"]);
    const b = tree.lines.value[1].row!;
    branch = () => ({ error: { code: "overloaded", message: "later" } });
    expect(await tree.toggle(b)).toBeUndefined();
    expect(asks.said.mock.calls[0][0]).toMatchObject({ code: "overloaded" });
    expect(shape(tree)).toEqual(["a", "-b", "none"]);
    expect(tree.waits.value.size).toBe(0);
    branch = () => ({ items: [row("k1")], next: null });
    expect(await tree.toggle(b)).toEqual(["a", "b"]);
    expect(shape(tree)).toEqual(["a", "-b", "--k1", "none"]);
  });

  it("says when there are more parents than one answer has", async () => {
    const many = (n: number) =>
      groups(...Array.from({ length: n }, (_, i): [string, number] => [i ? `p${i}` : "b", 1]));
    found = many(400);
    expect((await start("boss", [])).data.value?.capped).toBe(false);
    found = many(502); // of which 501 are not found
    expect((await start("boss", [])).data.value?.capped).toBe(true);
    found = many(1000);
    expect((await start("account", [])).data.value?.capped).toBe(true);
  });
});

describe("values of a field as upper levels", () => {
  const options = [
    { value: "hardware", label: "硬件", active: true },
    { value: "printer", label: "打印机", parent: "hardware", active: true },
    { value: "ink", label: "墨盒", parent: "printer", active: false },
    { value: "billing", label: "账单", active: true },
    { value: "loop", label: "圈", parent: "loop", active: true },
  ];
  const rows = valuesAsRows(options);

  it("are those that something stands below, and those above them, in their order", () => {
    expect(withAbove(rows, ["ink"]).map(({ id }) => id)).toEqual(["hardware", "printer", "ink"]);
    expect(withAbove(rows, ["billing", "gone"]).map(({ id }) => id)).toEqual(["billing"]);
    expect(withAbove(rows, ["loop"]).map(({ id }) => id)).toEqual(["loop"]);
    expect(withAbove(rows, [])).toEqual([]);
  });

  it("nest as the dictionary does, and count what stands below them in all", () => {
    const direct = new Map([["ink", 2], ["hardware", 1], ["loop", 1]]);
    const { below, counts } = uppersOf(withAbove(rows, [...direct.keys()]), ABOVE, direct);
    expect(below.get("")!.map(({ id }) => id)).toEqual(["hardware", "loop"]);
    expect(below.get("printer")!.map(({ id }) => id)).toEqual(["ink"]);
    expect([counts.get("hardware"), counts.get("printer")]).toEqual([3, 2]);
  });
});
