// modes - the logic behind a list as a chart, a tree, along time; totals, rankings and goals.
// SPDX-License-Identifier: MIT
import { describe, expect, it } from "vitest";
import type { Entity, Field, Rec, View } from "@/api/types";
import { belowOf, type Branch, linesOf, topOf } from "@/logic/branches";
import { chartedOf, chartQuery } from "@/logic/charted";
import { tilesOf } from "@/logic/dashboard";
import { elapsed, progressOf } from "@/logic/goal";
import { columnsOf, queryOf, stateOf } from "@/logic/liststate";
import { placesOf, topPlaces } from "@/logic/ranking";
import { barOf, placeOf, stretchBy, stretchOf, ticksOf, withinTree } from "@/logic/spans";
import { measuresFor, totalsOf } from "@/logic/totals";

const ZONE = "Asia/Shanghai";
const LOCALE = { lang: "zh-CN", zone: ZONE, yes: "是", no: "否" };
const field = (name: string, type: string, more: Partial<Field> = {}): Field => ({
  name,
  label: name,
  type,
  operators: [],
  ...more,
});
const deal = {
  name: "deal",
  label: "商机",
  label_plural: "商机",
  fields: [
    field("name", "text"),
    field("amount", "money"),
    field("stage", "state", { options: [{ value: "s1", label: "一", active: true }] }),
    field("owner", "user", { ref: { entity: "user" } }),
    field("closed_on", "date"),
    field("created_at", "datetime"),
  ],
  views: [],
  operations: [],
  relations: [],
  rights: {},
} as unknown as Entity;
const target = {
  ...deal,
  name: "target",
  fields: [field("amount", "money"), field("month", "date"), field("user", "user")],
} as unknown as Entity;

describe("totals", () => {
  const columns = [
    { field: "name", agg: "count" },
    { field: "amount", agg: "sum" },
    { field: "amount", agg: "avg" },
    { field: "gone", agg: "sum" },
    { field: "stage", agg: "median" },
    { field: "owner" },
  ];

  it("are asked for by the columns that say so", () => {
    const totals = totalsOf(deal, columns);
    expect(measuresFor(totals)).toEqual(["count", "sum.amount", "avg.amount"]);
    expect(totals.map((one) => one.field.name)).toEqual(["name", "amount", "amount"]);
  });

  it("stay where somebody chose other columns, widths and pins", () => {
    const view: View = { kind: "list", columns: [{ field: "amount", agg: "sum" }, "name"] };
    const chosen = [{ field: "name" }, { field: "amount", width: 200, pin: true }];
    expect(columnsOf(deal, view, chosen)).toEqual([
      { field: "amount", width: 200, pin: true, agg: "sum" },
      { field: "name" },
    ]);
  });
});

describe("the address of a list", () => {
  it("says how a chart is drawn and what is open in a tree", () => {
    const state = stateOf({ mode: "chart", g: "closed_on:month", m: "sum.amount", k: "line" });
    expect([state.group, state.measure, state.chart]).toEqual([
      "closed_on:month",
      "sum.amount",
      "line",
    ]);
    expect(queryOf(state)).toMatchObject({ g: "closed_on:month", m: "sum.amount", k: "line" });
    expect(stateOf({ o: "a,b" }).open).toEqual(["a", "b"]);
    expect(queryOf({ ...state, open: [] }).o).toBe("-");
    expect(stateOf({ o: "-" }).open).toEqual([]);
    expect(stateOf({}).open).toBeUndefined();
  });
});

describe("a chart", () => {
  const view: View = {
    kind: "chart",
    chart: "pie",
    query: { group: ["stage"], measure: ["sum.amount"] },
  };
  const asked = (query: Record<string, string>) => chartedOf(deal, view, stateOf(query));

  it("is the view's own until the address says otherwise", () => {
    const own = { chart: "pie", group: "stage", by: "", op: "sum", field: "amount" };
    expect(asked({})).toEqual(own);
    expect(asked({ g: "name", m: "sum.name", k: "bubble" })).toEqual(own);
    expect(asked({ g: "closed_on:year", m: "count", k: "line" })).toEqual({
      chart: "line",
      group: "closed_on",
      by: "year",
      op: "count",
      field: "",
    });
    expect(asked({ g: "closed_on:moon" }).by).toBe("month");
  });

  it("keeps the filter; people come largest first, states and days in their order", () => {
    const list = { filter: { stage: "s1" }, q: "云" };
    expect(chartQuery(deal, asked({}), list)).toMatchObject({ ...list, group: ["stage"] });
    expect(chartQuery(deal, asked({}), list)).not.toHaveProperty("sort");
    expect(chartQuery(deal, asked({ g: "owner" }), {}).sort).toBe("-sum.amount");
    expect(chartQuery(deal, asked({ g: "owner", m: "avg.amount" }), {})).not.toHaveProperty("sort");
    const days = chartQuery(deal, asked({ g: "closed_on:month" }), {});
    expect(days.group).toEqual([{ f: "closed_on", by: "month" }]);
    expect(days).not.toHaveProperty("sort");
  });
});

describe("a tree", () => {
  const row = (id: string): Rec => ({ id, version: 1 });
  const branch = (...ids: string[]) => ({ rows: ids.map(row), next: null });
  const counts = new Map([
    ["a", 2],
    ["b", 1],
  ]);

  it("has a line for each record of what is open, and one where there is more", () => {
    const branches = new Map<string, Branch>([
      ["", { rows: [row("a"), row("x")], next: "more" }],
      ["a", branch("b", "c")],
      ["b", branch("d")],
    ]);
    const shape = (open: string[]) =>
      linesOf(branches, counts, new Set(open)).map(
        ({ row: one, depth }) => `${"-".repeat(depth)}${one?.id ?? "+"}`,
      );
    expect(shape([])).toEqual(["a", "x", "+"]);
    expect(shape(["a"])).toEqual(["a", "-b", "-c", "x", "+"]);
    expect(shape(["a", "b"])).toEqual(["a", "-b", "--d", "-c", "x", "+"]);
    expect(shape(["b"])).toEqual(["a", "x", "+"]);
  });

  it("shows what stands below itself once", () => {
    const around = new Map([
      ["", branch("a")],
      ["a", branch("b")],
      ["b", branch("a")],
    ]);
    const lines = linesOf(around, counts, new Set(["a", "b"]));
    expect(lines.map((one) => one.row?.id)).toEqual(["a", "b"]);
  });

  it("has whose parent is not found at its top", () => {
    expect(topOf(undefined, "parent", [])).toEqual({ parent: null });
    expect(topOf({ q: 1 }, "parent", ["z"])).toEqual({
      and: [{ q: 1 }, { or: [{ parent: null }, { parent: { in: ["z"] } }] }],
    });
    expect(belowOf({ q: 1 }, "parent", "a")).toEqual({ and: [{ q: 1 }, { parent: "a" }] });
  });
});

describe("along time", () => {
  it("knows months, quarters and years, and the way between them", () => {
    expect(stretchOf("month", "2024-02-10")).toEqual({ from: "2024-02-01", to: "2024-02-29" });
    expect(stretchOf("quarter", "2026-11-22")).toEqual({ from: "2026-10-01", to: "2026-12-31" });
    expect(stretchOf("year", "2026-11-22")).toEqual({ from: "2026-01-01", to: "2026-12-31" });
    expect(stretchBy("quarter", "2026-11-22", 1)).toBe("2027-01-01");
    expect(stretchBy("month", "2026-03-31", -1)).toBe("2026-02-01");
    expect(ticksOf("year", stretchOf("year", "2026-05-01"))).toHaveLength(12);
    expect(ticksOf("month", stretchOf("month", "2026-02-01")).map((one) => one.day)).toEqual([
      "2026-02-01",
      "2026-02-08",
      "2026-02-15",
      "2026-02-22",
    ]);
  });

  it("draws a bar from begin to end, cut where the stretch is", () => {
    const year = stretchOf("year", "2026-01-01");
    expect(barOf("2026-01-01", "2026-12-31", year)).toEqual({
      left: 0,
      width: 100,
      begins: true,
      ends: true,
    });
    const cut = barOf("2025-06-01", "2027-01-01", year);
    expect(cut).toEqual({ left: 0, width: 100, begins: false, ends: false });
    expect(barOf("2027-01-01", "2027-02-01", year)).toBeNull();
    expect(barOf("", "", year)).toBeNull();
    const point = barOf("", "2026-07-02", year)!;
    expect(point.width).toBe(0);
    expect(point.left).toBeGreaterThan(placeOf("2026-07-02", year));
  });

  it("asks for what lies in it wholly or in part", () => {
    const month = stretchOf("month", "2026-02-01");
    const date = { name: "on", isDate: true };
    expect(withinTree([date], month, ZONE)).toEqual({
      and: [{ on: { gte: "2026-02-01" } }, { on: { lte: "2026-02-28" } }],
    });
    const [crossing] = withinTree([date, { name: "to", isDate: true }], month, ZONE).or as never[];
    expect(crossing).toEqual({
      and: [{ on: { lte: "2026-02-28" } }, { to: { gte: "2026-02-01" } }],
    });
    expect(withinTree([{ name: "at", isDate: false }], month, ZONE)).toEqual({
      and: [
        { at: { gte: "2026-01-31T16:00:00.000Z" } },
        { at: { lt: "2026-02-28T16:00:00.000Z" } },
      ],
    });
  });
});

describe("a ranking", () => {
  const view: View = { kind: "report", query: { group: ["owner"], measure: ["sum.amount"] } };
  const money = (amount: string) => ({ amount, currency: "CNY" });
  const groups = [
    { owner: "a", "sum.amount": money("10.00") },
    { owner: null, "sum.amount": money("99.00") },
    { owner: "b", "sum.amount": money("40.00") },
    { owner: "c", "sum.amount": money("10.00") },
    { owner: "d", "sum.amount": money("5.00") },
  ];
  const titles = { owner: { a: "甲", b: "乙", c: "丙", d: "丁" } };
  const places = placesOf(deal, view, { groups, titles }, LOCALE, "d");

  it("puts people by what they have reached; nobody's is nobody's", () => {
    expect(places.map(({ place, label, text }) => `${place} ${label} ${text}`)).toEqual([
      "1 乙 ¥40.00",
      "2 甲 ¥10.00",
      "2 丙 ¥10.00",
      "4 丁 ¥5.00",
    ]);
    expect(places[0].share).toBe(100);
    expect(places[0].filter).toEqual({ owner: "b" });
  });

  it("shows one's own place behind the first ones", () => {
    expect(topPlaces(places, 2).map((one) => one.label)).toEqual(["乙", "甲", "丁"]);
    expect(topPlaces(places, 5)).toHaveLength(4);
    const others = placesOf(deal, view, { groups, titles }, LOCALE, "z");
    expect(topPlaces(others, 1).map((one) => one.label)).toEqual(["乙"]);
  });
});

describe("a goal", () => {
  it("says how much is reached, missing and above it", () => {
    const money = { amount: "250.00", currency: "CNY" };
    expect(progressOf(money, 1000)).toEqual({
      reached: "¥250.00",
      target: "¥1,000.00",
      percent: 25,
      rest: "¥750.00",
      isOver: false,
    });
    expect(progressOf(12, 10)).toMatchObject({ percent: 120, rest: "2", isOver: true });
    expect(progressOf(null, null)).toMatchObject({ reached: "0", target: "", percent: 0 });
    expect(progressOf(undefined, 5, "CNY")).toMatchObject({ reached: "¥0.00", target: "¥5.00" });
    expect(progressOf(1, 0)).toMatchObject({ target: "", isOver: false });
  });

  it("knows how much of its time is over", () => {
    expect(elapsed("this_month", "2026-11-15")).toBe(50);
    expect(elapsed("this_year", "2026-12-31")).toBe(100);
    expect(elapsed("this_quarter", "2026-10-01")).toBe(1);
    expect(elapsed("this_week", "2026-11-23")).toBe(14); // a Monday
    expect(elapsed("last_month", "2026-11-15")).toBeNull();
    expect(elapsed("", "2026-11-15")).toBeNull();
  });

  const widget = (more: object) => ({
    id: "g",
    kind: "goal",
    entity: "deal",
    query: { filter: { stage: "s1" }, measure: ["sum.amount"] },
    date_field: "closed_on",
    period: "this_month",
    ...more,
  });
  const tile = (more: object, date: string, owner: string) =>
    tilesOf({ kind: "dashboard", widgets: [widget(more)] }, [deal, target], { date, owner })[0];

  it("keeps its time until another one is chosen; a bare number keeps it always", () => {
    const aim = {
      entity: "target",
      query: { measure: ["sum.amount"] },
      date_field: "month",
      owner_field: "user",
    };
    const own = tile({ target: aim }, "", "");
    expect([own.period, own.aim?.query.filter]).toEqual([
      "this_month",
      { month: { this_month: true } },
    ]);
    const year = tile({ target: aim }, "this_year", "$my_team");
    expect(year.view.query?.filter).toEqual({
      and: [{ stage: "s1" }, { closed_on: { this_year: true } }],
    });
    expect(year.aim?.query.filter).toEqual({
      and: [{ month: { this_year: true } }, { "user.team": "$my_team" }],
    });
    const fixed = tile({ target: 500 }, "this_year", "$me");
    expect([fixed.period, fixed.view.query?.filter]).toEqual([
      "this_month",
      { and: [{ stage: "s1" }, { closed_on: { this_month: true } }] },
    ]);
  });

  it("may be another measure of the same records", () => {
    expect(tile({ target: "sum.planned" }, "", "").view.query?.measure).toEqual([
      "sum.amount",
      "sum.planned",
    ]);
  });

  it("asks for all places of a ranking, within its time", () => {
    const board = tile({ kind: "leaderboard", query: { group: ["owner"] }, limit: 3 }, "", "");
    expect([board.limit, board.period, board.view.query?.limit]).toEqual([
      3,
      "this_month",
      undefined,
    ]);
  });
});
