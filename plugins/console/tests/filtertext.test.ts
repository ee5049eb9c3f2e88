// filtertext - conditions are told in words: no variable, no id and no braces show through.
// SPDX-License-Identifier: MIT
import { expect, it } from "vitest";
import type { Entity } from "@/api/types";
import type { Tree } from "@/logic/filter";
import { conditionText, type Words } from "@/logic/filtertext";
import * as liststate from "@/logic/liststate";
import en from "@/texts/en.json";
import zh from "@/texts/zh-CN.json";

const field = (name: string, label: string, type: string, more = {}) => ({
  name,
  label,
  type,
  operators: [],
  ...more,
});
const task = {
  name: "task",
  views: [{ kind: "list", quick_filters: [{ id: "mine", label: "我的", filter: {} }] }],
  fields: [
    field("subject", "主题", "text"),
    field("owner", "负责人", "ref", { ref: { entity: "user" } }),
    field("due_at", "计划时间", "datetime"),
    field("amount", "金额", "int"),
    field("done", "完成", "bool"),
  ],
} as unknown as Entity;

function words(lang: "zh-CN" | "en"): Words {
  const texts = (lang === "en" ? en : zh) as Record<string, string>;
  const say = (key: string, values: Record<string, unknown> = {}) =>
    texts[key].replace(/\{(\w+)\}/g, (_, name: string) => String(values[name]));
  return {
    t: (key, values) => say(key, values),
    has: (key) => key in texts,
    locale: { lang, zone: "Asia/Shanghai", yes: texts.yes, no: texts.no },
    title: (_, id) => (id === "0CN5PZER80400" ? "张伟" : ""),
  };
}

const told = (tree: Tree, lang: "zh-CN" | "en" = "zh-CN") =>
  conditionText(task, { field: "", op: "", value: null, tree }, words(lang));

it.each([
  [{ owner: "$me" }, "负责人：我", "负责人: me"],
  [{ owner: "0CN5PZER80400" }, "负责人：张伟", "负责人: 张伟"],
  [{ owner: "0CN5PZER99999" }, "负责人：…", "负责人: …"],
  [{ due_at: { lt: "$now" } }, "计划时间：早于 现在", "计划时间: before now"],
  [{ amount: { lt: 20000 } }, "金额：小于 20,000", "金额: less than 20,000"],
  [{ due_at: { last_days: 7 } }, "计划时间：最近 7 天", "计划时间: last 7 days"],
  [{ due_at: null }, "计划时间：为空", "计划时间: is empty"],
  [{ done: true }, "完成：是", "完成: Yes"],
  [
    { or: [{ due_at: { lt: "$now" } }, { due_at: { today: true } }] },
    "计划时间：早于 现在 或 今天",
    "计划时间: before now or today",
  ],
  [
    { or: [{ owner: "$me" }, { and: [{ subject: "a" }, { amount: { gt: 1 } }] }] },
    "负责人：我 或 主题：a 且 金额：大于 1",
    "负责人: me or 主题: a and 金额: more than 1",
  ],
  [{ not: { owner: "$me" } }, "非（负责人：我）", "not (负责人: me)"],
])("%j", (tree, chinese, english) => {
  expect(told(tree as Tree)).toBe(chinese);
  expect(told(tree as Tree, "en")).toBe(english);
});

it("columns travel in the address with their width and pin, those pinned first", () => {
  const columns = [
    { field: "subject" },
    { field: "owner", width: 220, pin: true },
    { field: "amount", pin: false },
  ];
  const query = liststate.queryOf({ ...liststate.stateOf({}), columns });
  expect(query.c).toBe("subject,owner:220p,amount:");
  expect(liststate.stateOf(query).columns).toEqual(columns);
  expect(liststate.stateOf({ c: "a:9999,b:p,c:x,:" }).columns).toEqual([
    { field: "a", width: liststate.WIDTH_MAX, pin: false },
    { field: "b", pin: true },
    { field: "c", pin: false },
    { field: "", pin: false },
  ]);
  const view = { kind: "list", columns: [{ field: "amount", pin: true, width: 90 }] };
  const shown = liststate.columnsOf(task, view as never, columns);
  expect(shown.map((one) => one.field)).toEqual(["owner", "subject", "amount"]);
  expect(liststate.columnsOf(task, view as never, [{ field: "amount" }])).toEqual(view.columns);
  expect(liststate.columnDoc({ field: "amount", pin: false })).toEqual({ field: "amount" });
});

it("a view of one's own shows its conditions, can be without them, and keeps quick filters", () => {
  const body = { kind: "list", filter: { owner: "$me" } };
  const saved = [{ id: "1", name: "我的", body }] as unknown as Parameters<
    typeof liststate.baseView
  >[1];
  const view = liststate.baseView(task, saved, "1");
  expect(view.quick_filters).toHaveLength(1);
  const asked = (query: liststate.Query) => liststate.filterOf(view, liststate.stateOf(query));
  expect(asked({ view: "1" })).toEqual({ owner: "$me" });
  const without = liststate.chosenFilter(view, undefined);
  const state = { ...liststate.stateOf({ view: "1" }), filter: without };
  expect(asked(liststate.queryOf(state))).toBeUndefined();
});

it("offers a list its own fields before those of every record, and none of the machine's", () => {
  const system = ["id", "version", "created_at"].map((name) => ({
    ...field(name, name, "text"),
    system: true,
  }));
  const entity = { ...task, fields: [...system, ...task.fields] } as unknown as Entity;
  expect(liststate.offered(entity).map(({ name }) => name)).toEqual([
    ...task.fields.map(({ name }) => name),
    "created_at",
  ]);
});
