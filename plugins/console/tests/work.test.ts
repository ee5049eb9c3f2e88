// work - the logic behind timeline, calendar, clocks, dashboards and help.
// SPDX-License-Identifier: MIT
import { describe, expect, it, vi } from "vitest";
import type { Entity, Field, Rec, View } from "@/api/types";
import { worded } from "@/logic/asked";
import { daysOf, moveTo, rangeOf, step, weekStart } from "@/logic/calendar";
import { countdown, faceOf } from "@/logic/clocks";
import { csvOf, narrowed, tilesOf } from "@/logic/dashboard";
import { blocksOf, safeHref, spansOf } from "@/logic/markdown";
import { inOrder, measureLabel, rowsOf } from "@/logic/report";
import { gridOf, NONE, rowAt } from "@/logic/series";
import { merged, type Source, subjectOf } from "@/logic/timeline";
import { stepsOf } from "@/approvals/cases";
import { loadWork } from "@/home/work";
import { named } from "@/stores/named";
import { addressOf, filled } from "@/record/doing";
import { type RecordForm, useForm } from "@/record/useForm";

const ZONE = "Asia/Shanghai";

describe("timeline", () => {
  const rows = (...at: string[]) =>
    at.map((one) => ({ id: one, version: 1, happened_at: one }));
  const source = (more: Partial<Source>): Source => ({
    entity: "activity",
    at: "happened_at",
    next: null,
    changes: [],
    rows: [],
    ...more,
  });

  it("puts several sources in one order, newest first", () => {
    const changes = [{ seq: 1, at: "2026-03-02", actor: null, op: "update", changes: [] }];
    const all = [
      source({ entity: "", at: "at", changes }),
      source({ rows: rows("2026-03-03", "2026-03-01") }),
    ];
    expect(merged(all).entries.map((one) => one.at)).toEqual([
      "2026-03-03",
      "2026-03-02",
      "2026-03-01",
    ]);
    expect(merged(all).more).toBe(false);
  });

  it("holds back what lies behind a source that has more pages", () => {
    const all = [
      source({ rows: rows("2026-03-09", "2026-03-05"), next: "x" }),
      source({ entity: "task", rows: rows("2026-03-06", "2026-03-01") }),
    ];
    const { entries, hidden, more } = merged(all);
    expect(entries.map((one) => one.at)).toEqual(["2026-03-09", "2026-03-06", "2026-03-05"]);
    expect([hidden, more]).toEqual([1, true]);
  });

  it("names what was written by its first line, by characters and not by halves of them", () => {
    expect(subjectOf("  谈了报价\n对方想要九折")).toBe("谈了报价");
    expect(subjectOf("𠮷".repeat(61))).toBe(`${"𠮷".repeat(59)}…`);
    expect(subjectOf(" \n ")).toBe("");
  });
});

describe("what a form asks besides", () => {
  const field = (name: string, type = "text") => ({ name, type, label: name, operators: [] });
  const entity = {
    name: "ticket",
    fields: [field("type", "enum"), field("channel", "enum"), field("serial")],
    views: [{ kind: "form", asks: "/x/tickets/asked" }],
  } as unknown as Entity;
  const serial = { name: "serial", label: "机身号", required_when: { channel: { ne: "mail" } } };
  const refund = { when: { type: "refund" }, label: "退款", fields: [serial] };
  const answer = { items: [refund] };
  const scope = {
    entity: "ticket",
    now: 0,
    zone: ZONE,
    currency: "CNY",
    me: { id: "u" },
    field: (_: string, name: string) => {
      const found = entity.fields.find((one) => one.name === name);
      return found && { type: found.type };
    },
    lookup: () => undefined,
  };
  const formOf = async (record: Rec | null) => {
    const body = new Response(JSON.stringify(answer), {
      headers: { "Content-Type": "application/json" },
    });
    vi.stubGlobal("fetch", () => Promise.resolve(body));
    const form = useForm(entity, record, scope);
    await vi.waitFor(() => form.set("serial", null) ?? expect(fetched(form)).toBe(true));
    return form;
  };
  const fetched = (form: RecordForm) => {
    const before = form.values.type;
    form.values.type = "refund";
    const found = form.asked.value.length > 0;
    form.values.type = before;
    return found;
  };

  it("requires fields of a record as it is now, in words of its own", async () => {
    const form = await formOf(null);
    form.set("type", "question");
    expect([form.asked.value.length, form.rules.value.serial.required]).toEqual([0, false]);
    form.set("type", "refund");
    expect(form.rules.value.serial.required).toBe(true);
    expect(worded(entity.fields[2], form.asked.value).label).toBe("机身号");
    expect(worded(entity.fields[0], form.asked.value)).toBe(entity.fields[0]);
    expect(await form.save("!")).toBe(null);
    expect(Object.keys(form.errors.value)).toEqual(["serial"]);
    form.set("channel", "mail");
    expect(form.rules.value.serial.required).toBe(false);
  });

  it("holds nothing against what was empty before, until the record becomes another", async () => {
    const old = { id: "t", version: 1, type: "refund", channel: "phone", serial: null };
    const kept = await formOf(old);
    expect(kept.check("!")).toBe(true);
    const moved = await formOf({ ...old, type: "question" });
    moved.set("type", "refund");
    expect(moved.check("!")).toBe(false);
  });
});

describe("fields that hold names", () => {
  it("are chosen by label, and keep a name that nobody knows", async () => {
    const city = { name: "city", label: "城市" };
    const stage = { name: "stage", label: "阶段", options: [{ value: "won", label: "已成交" }] };
    const answers: Record<string, unknown> = {
      "/meta?brief=true": { entities: [{ name: "lead", label: "线索" }] },
      "/meta/lead": { name: "lead", fields: [city, stage] },
    };
    const headers = { "Content-Type": "application/json" };
    vi.stubGlobal("fetch", (url: string) =>
      Promise.resolve(
        new Response(JSON.stringify(answers[url.replace("/api/v1", "")]), { headers }),
      ),
    );
    const field = (name: string, widget?: string) =>
      ({ name, type: "text", label: name, operators: [], widget }) as Field;
    const row = { entity: "lead", only: ["city", "gone"], held: "else" };
    const labels = (one: Field) => named(one, row).options?.map(({ label }) => label);
    await vi.waitFor(() => expect(labels(field("entity", "entity"))).toEqual(["线索"]));
    const only = field("only", "field:entity");
    await vi.waitFor(() => expect(labels(only)).toEqual(["城市", "阶段", "gone"]));
    expect(labels(field("entity"))).toBe(undefined);
    await vi.waitFor(() =>
      expect(labels(field("held", "option:=lead.stage"))).toEqual(["已成交", "else"]),
    );
  });
});

describe("the work of a day", () => {
  it("shows tickets that are due before those that wait for somebody", async () => {
    const ticket = (id: string, due_at: string | null) => ({ id, version: 1, subject: id, due_at });
    const due = { items: [ticket("due", "2026-03-11T02:00:00Z")], count: 1 };
    const waiting = { items: [ticket("waiting", null)], count: 8 };
    let asked: { filter: { and: unknown[] } }[] = [];
    vi.stubGlobal("fetch", (_: string, options: { body: string }) => {
      asked = (JSON.parse(options.body) as { queries: typeof asked }).queries;
      const body = JSON.stringify({ results: [due, waiting] });
      const headers = { "Content-Type": "application/json" };
      return Promise.resolve(new Response(body, { headers }));
    });
    const locale = { lang: "zh-CN", zone: ZONE, yes: "是", no: "否" };
    const work = await loadWork((entity) => entity === "ticket", locale);
    expect(asked.map(({ filter }) => filter.and[1])).toEqual([
      { due_at: { ne: null } },
      { due_at: null },
    ]);
    expect(work.boxes[0].items.map(({ id }) => id)).toEqual(["due", "waiting"]);
    expect(work.boxes[0].count).toBe("9");
  });
});

describe("calendar", () => {
  it("begins weeks on Monday and months with the week they begin in", () => {
    expect(weekStart("2026-03-11")).toBe("2026-03-09");
    expect(weekStart("2026-03-09")).toBe("2026-03-09");
    expect(weekStart("2026-03-15")).toBe("2026-03-09");
    const march = daysOf("month", "2026-03-11");
    expect([march[0], march.length, march[march.length - 1]]).toEqual([
      "2026-02-23",
      42,
      "2026-04-05",
    ]);
    expect(daysOf("month", "2027-02-10").length).toBe(28);
  });

  it("goes from month to month without skipping the short ones", () => {
    expect(step("month", "2026-01-31", 1)).toBe("2026-02-01");
    expect(step("week", "2026-12-30", 1)).toBe("2027-01-06");
    expect(step("day", "2026-03-01", -1)).toBe("2026-02-28");
  });

  it("asks for whole days of the person's zone", () => {
    const days = ["2026-03-11"];
    expect(rangeOf(days, ZONE)).toEqual(["2026-03-10T16:00:00.000Z", "2026-03-11T16:00:00.000Z"]);
  });

  it("keeps the hour, also over a change of the clock", () => {
    expect(moveTo("2026-03-11T02:00:00Z", "2026-03-19", ZONE)).toBe("2026-03-19T02:00:00.000Z");
    const berlin = moveTo("2026-03-28T08:00:00Z", "2026-03-30", "Europe/Berlin");
    expect(berlin).toBe("2026-03-30T07:00:00.000Z");
    expect(moveTo("2026-03-11", "2026-03-19", ZONE)).toBe("2026-03-19");
  });
});

describe("clocks", () => {
  const clock = {
    kind: "resolution",
    state: "running",
    started_at: "2026-03-11T00:00:00Z",
    warn_at: "2026-03-11T08:00:00Z",
    due_at: "2026-03-11T10:00:00Z",
  };
  const at = (text: string) => Date.parse(`2026-03-11T${text}Z`);

  it("says how long is left, and warns when little is", () => {
    const early = { tone: "blue", word: "left", seconds: 18000, share: 0.5 };
    expect(faceOf(clock, at("05:00:00"))).toEqual(early);
    expect(faceOf(clock, at("08:00:00")).tone).toBe("orange");
    expect(faceOf(clock, at("10:00:00")).word).toBe("soon");
    const late = { tone: "red", word: "over", seconds: 1, share: 1 };
    expect(faceOf(clock, at("10:00:01"))).toEqual(late);
  });

  it("stands still when it is paused or over", () => {
    expect(faceOf({ ...clock, state: "paused" }, at("23:00:00")).seconds).toBeUndefined();
    expect(faceOf({ ...clock, due_at: null }, at("23:00:00")).word).toBe("paused");
    expect(faceOf({ ...clock, state: "met" }, at("23:00:00")).tone).toBe("green");
    expect(faceOf({ ...clock, state: "missed" }, at("23:00:00")).tone).toBe("red");
  });

  it("counts down in the largest parts that matter", () => {
    expect(countdown(9 * 86400 + 15 * 3600 + 59, "zh-CN")).toBe("9 天 15 小时");
    expect(countdown(7500, "zh-CN")).toBe("2 小时 05 分");
    expect(countdown(729, "en")).toBe("12:09");
    expect(countdown(0, "en")).toBe("00:00");
  });
});

describe("dashboard", () => {
  const field = (name: string) => ({ name, label: name, type: "text", operators: [] });
  const lead = {
    name: "lead",
    fields: ["created_at", "owner", "team"].map(field),
    views: [{ kind: "report", name: "by", query: { group: ["owner"] }, chart: "pie" }],
  } as unknown as Entity;

  it("narrows a query by period and owner, and leaves what an entity lacks", () => {
    const asked = { date: "this_month", owner: "$my_team" };
    const query = { filter: { status: "new" }, measure: ["count"] };
    expect(narrowed(lead, query, asked).filter).toEqual({
      and: [{ status: "new" }, { created_at: { this_month: true } }, { team: "$my_team" }],
    });
    expect(narrowed(lead, {}, { date: "drop table", owner: "$x" })).toEqual({});
    expect(narrowed(lead, {}, asked, "closed_on").filter).toEqual({ team: "$my_team" });
  });

  it("leaves out tiles of what is not there", () => {
    const widgets = [
      { id: "a", kind: "report", entity: "lead", report: "by" },
      { id: "b", kind: "report", entity: "lead", report: "gone" },
      { id: "c", kind: "kpi", entity: "secret", query: {} },
    ];
    const tiles = tilesOf({ kind: "dashboard", widgets } as View, [lead], { date: "", owner: "" });
    expect(tiles.map((one) => [one.key, one.kind])).toEqual([["lead/a", "pie"]]);
  });

  it("writes a file that spreadsheets read as text and not as formulas", () => {
    const file = csvOf(["a", "b"], [["=1+1", 'say "x", y'], ["-5", "@z"], ["-5+cmd", "ok"]]);
    expect(file).toBe('\ufeffa,b\r\n\'=1+1,"say ""x"", y"\r\n-5,\'@z\r\n\'-5+cmd,ok\r\n');
  });
});

describe("markdown", () => {
  it("reads what help is written in", () => {
    const blocks = blocksOf("# 标题\n\n第一行\n第二行\n\n- 一\n  续\n- **二**\n\n```\n<b>\n```\n> 引");
    expect(blocks.map((one) => one.type)).toEqual([
      "heading",
      "paragraph",
      "list",
      "code",
      "quote",
    ]);
    expect(blocks[2]).toMatchObject({
      items: [[{ text: "一 续" }], [{ type: "strong", text: "二" }]],
    });
    expect(blocks[3]).toEqual({ type: "code", text: "<b>" });
  });

  it("reads tables, and numbers", () => {
    const [table, list] = blocksOf("| a | b |\n|---|---|\n| `c` | d |\n\n1. x\n2. y");
    expect(table).toMatchObject({
      head: [[{ text: "a" }], [{ text: "b" }]],
      rows: [[[{ type: "code", text: "c" }], [{ text: "d" }]]],
    });
    expect(list).toMatchObject({ type: "list", ordered: true });
  });

  it("leads only where links may lead", () => {
    const all = ["javascript:alert(1)", "JaVaScRiPt:x", "data:text/html,x", "//evil", " vbs:x"];
    for (const bad of all) expect(safeHref(bad)).toBe("");
    for (const good of ["https://example.com/a", "/e/lead?f=1", "#part", "mailto:a@b.cn"])
      expect(safeHref(good)).toBe(good);
    expect(spansOf("[x](javascript:alert)")).toEqual([{ type: "text", text: "x" }]);
    expect(spansOf("<script>x</script>")).toEqual([{ type: "text", text: "<script>x</script>" }]);
  });

  it("ends, whatever it is given", () => {
    const all = ["```", "|", "| |", "-", "- ", "#", ">", "**", "[](", "\u0000", " ".repeat(999)];
    for (const odd of all) expect(Array.isArray(blocksOf(odd))).toBe(true);
  });
});

describe("approvals", () => {
  const path = [{ id: "a", name: "甲" }, { id: "b", name: "乙" }, { id: "c", name: "丙" }];
  const said = (at: number, state: string, round = 1) => ({
    id: `${at}${state}${round}`,
    node: "",
    at,
    round,
    kind: "approve",
    state,
    owner: "u",
  });

  it("shows how far a case is and what was said in the last round", () => {
    const first = [said(1, "returned"), said(2, "canceled")];
    const all = [...first, said(1, "approved", 2), said(2, "open", 2)];
    const steps = stepsOf({ id: "1", version: 1, state: "running", at: 2, path }, all);
    expect(steps.map((one) => one.state)).toEqual(["done", "now", "ahead"]);
    expect(steps[0].decisions.map((one) => one.state)).toEqual(["approved"]);
    expect(steps[1].decisions.map((one) => one.state)).toEqual(["open"]);
    const stopped = stepsOf({ id: "1", version: 1, state: "rejected", at: 2, path }, all);
    expect(stopped.map((one) => one.state)).toEqual(["done", "stopped", "ahead"]);
    expect(stepsOf({ id: "1", version: 1, state: "running", path: null }, [])).toEqual([]);
  });
});

describe("measures of a report", () => {
  const entity = {
    name: "deal",
    fields: [{ name: "amount", label: "Amount", type: "money" }],
  } as unknown as Entity;
  const part = { as: "win_rate", label: "Win rate", share: { kind: "won" } };
  const view = {
    kind: "report",
    query: { group: ["kind"], measure: ["count", "sum.amount", part] },
  } as unknown as View;

  it("shows all of them, parts in percent", () => {
    const groups = [
      { kind: "a", count: 1200, "sum.amount": { amount: "1500.00" }, win_rate: 66.67 },
      { kind: "b", count: 0, "sum.amount": null, win_rate: null },
    ];
    const rows = rowsOf(entity, view, { groups }, { lang: "en", zone: ZONE } as never, "none");
    expect(rows.map((row) => row.shown)).toEqual([
      ["1,200", "1,500.00", "66.67%"],
      ["0", "0", ""],
    ]);
    expect(rows[0].value).toBe(1200);
  });

  it("names what stands above them", () => {
    const word = (op: string) => op.toUpperCase();
    const heads = ["count", "sum.amount", part].map((one) => measureLabel(entity, one, word));
    expect(heads).toEqual(["COUNT", "Amount (SUM)", "Win rate"]);
  });
});

describe("funnel", () => {
  it("stands in the order of its stages, within each pipeline, whatever their numbers", () => {
    const group = (pipeline: string, stage: string, count: number) => ({ pipeline, stage, count });
    const groups = [
      group("new", "won", 9),
      group("new", "talk", 5),
      group("old", "talk", 7),
      group("new", "gone", 1),
      group("new", "offer", 2),
    ];
    const stages = new Map(["talk", "offer", "won"].map((one, at) => [one, at]));
    const sorted = inOrder(groups, { pipeline: new Map(), stage: stages });
    expect(sorted.map(({ stage }) => stage)).toEqual(["talk", "offer", "won", "gone", "talk"]);
  });
});

describe("an action", () => {
  const scope = {
    entity: "ticket",
    now: Date.parse("2026-03-02T17:30:00Z"),
    zone: ZONE,
    currency: "CNY",
    me: { id: "u1" },
    field: () => undefined,
    lookup: () => undefined,
  };
  const action = (open: View["open"]): View => ({ kind: "action", name: "x", open });
  const filterIn = (address: string) =>
    JSON.parse(new URL(address, "http://a").searchParams.get("f") ?? "null") as unknown;

  it("sets what its words stand for, as who asks sees the day", () => {
    const values = { owner: "$me", on: "$today", at: "$now", state: "open", gone: null, n: 0 };
    expect(filled(values, scope)).toEqual({
      owner: "u1",
      on: "2026-03-03",
      at: "2026-03-02T17:30:00.000Z",
      state: "open",
      gone: null,
      n: 0,
    });
  });

  it("opens a list narrowed to the record at hand", () => {
    const row = { id: "r1", version: 1, account: { id: "a1", name: "A" }, contact: null };
    expect(addressOf(action({}), "ticket")).toBe("/e/ticket");
    const board = action({ entity: "lead", view: "hot", mode: "board" });
    expect(addressOf(board, "ticket")).toBe("/e/lead?view=hot&mode=board");
    const near = { and: [{ account: "$record.account" }, { contact: "$record.contact" }] };
    expect(filterIn(addressOf(action({ filter: near }), "ticket", row))).toEqual({
      and: [{ account: "a1" }, { contact: null }],
    });
    const own = action({ filter: { parent: { in: ["$record"] }, code: "$records" } });
    expect(filterIn(addressOf(own, "ticket", row))).toEqual({
      parent: { in: ["r1"] },
      code: "$records",
    });
  });
});

describe("a report with two groups", () => {
  const row = (value: number, ...parts: string[]) => ({
    label: parts.join(" · "),
    parts,
    value,
    shown: [String(value)],
    filter: {},
  });
  const view = (chart: string | undefined, group: unknown[], measure = "count"): View => ({
    kind: "report",
    chart,
    query: { group, measure: [measure] },
  });
  const month = { f: "at", by: "month" };
  const rows = [row(5, "earn", "2026-02"), row(3, "earn", "2026-01"), row(2, "spend", "2026-02")];

  it("has a line for each value of one over the time of the other", () => {
    const grid = gridOf(view("line", ["kind", month]), rows)!;
    expect(grid.axis).toEqual(["2026-01", "2026-02"]);
    expect(grid.series).toEqual([
      { name: "earn", cells: [1, 0] },
      { name: "spend", cells: [NONE, 2] },
    ]);
    expect(grid.stacked).toBe(false);
    expect(rowAt(grid, rows, 1, 4)).toBe(0);
    expect(rowAt(grid, rows, 1, 2.4)).toBe(2);
    expect(rowAt(grid, rows, 0, 0)).toBe(1);
    expect(rowAt(grid, rows, 9, 0)).toBe(NONE);
  });

  it("stacks what can be added, and nothing else", () => {
    const grid = gridOf(view("bar", ["kind", month]), rows)!;
    expect(grid.stacked).toBe(true);
    expect([1, 5, 5.5, 7, 99].map((y) => rowAt(grid, rows, 1, y))).toEqual([0, 0, 2, 2, 2]);
    expect(gridOf(view("bar", ["kind", month], "avg.score"), rows)!.stacked).toBe(false);
    expect(gridOf(view("bar", ["kind", "at"]), rows)!.axis).toEqual(["earn", "spend"]);
  });

  it("stays one bar for each row where nobody could tell the lines apart", () => {
    const many = Array.from({ length: 9 }, (_, i) => row(i, "x", `s${i}`));
    expect(gridOf(view("bar", ["a", "b"]), many)).toBeUndefined();
    expect(gridOf(view("pie", ["a", "b"]), rows)).toBeUndefined();
    expect(gridOf(view("funnel", ["a", "b"]), rows)).toBeUndefined();
    expect(gridOf(view("bar", ["a"]), rows)).toBeUndefined();
    expect(gridOf(view("bar", ["a", "b"]), [])).toBeUndefined();
  });
});
