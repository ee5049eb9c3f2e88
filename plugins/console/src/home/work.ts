// work - what the day begins with: what is due, who waits, how one's own deals stand. One call.
// SPDX-License-Identifier: MIT
import { post } from "@/api/http";
import type { Entity, Rec } from "@/api/types";
import type { Tree } from "@/logic/filter";
import { counted, formatValue, type Locale, titleOf } from "@/logic/format";
import { loadEntity } from "@/stores/meta";

export interface Item {
  id: string;
  to: string;
  text: string;
  note: string;
  at?: string; // when it is due
  row: Rec;
}

export interface Box {
  id: string;
  icon: string;
  to: string;
  items: Item[];
  count: string;
  failed?: string;
}

export interface Bar {
  value: string;
  label: string;
  count: number;
  amount?: unknown;
  to: string;
}

export interface Work {
  boxes: Box[];
  funnel: Bar[];
  deals: string; // the entity the funnel is of
}

const SHOWN = 6;
const DUE = (field: string): Tree => ({
  or: [{ [field]: { lt: "$now" } }, { [field]: { today: true } }],
});
const OPEN_TICKET = ["new", "open", "waiting_customer", "waiting_third_party", "on_hold"];

interface Asked {
  box: string;
  icon: string;
  entity: string;
  filter: Tree;
  sort: string;
  title: string;
  at?: string;
  note: string[];
  to?: string;
  undue?: boolean; // some have no time: they stand behind those that have one
}

// Of each: whether the entity is there and may be read is asked before.
const ASKED: Asked[] = [
  {
    box: "tasks",
    icon: "check-square",
    entity: "task",
    filter: { and: [{ owner: "$me" }, { status: "open" }, DUE("due_at")] },
    sort: "due_at",
    title: "subject",
    at: "due_at",
    note: [],
  },
  {
    box: "approvals",
    icon: "check-circle",
    entity: "approval_task",
    filter: { owner: "$me", state: "open" },
    sort: "-opened_at",
    title: "title",
    note: ["node"],
    to: "/approvals",
  },
  {
    box: "follow",
    icon: "phone",
    entity: "lead",
    filter: { and: [{ owner: "$me" }, DUE("next_contact_at")] },
    sort: "next_contact_at",
    title: "name",
    at: "next_contact_at",
    note: ["company"],
  },
  {
    box: "follow_deals",
    icon: "target",
    entity: "opportunity",
    filter: { and: [{ owner: "$me" }, { kind: "open" }, DUE("next_contact_at")] },
    sort: "next_contact_at",
    title: "name",
    at: "next_contact_at",
    note: [],
  },
  {
    box: "tickets",
    icon: "ticket",
    entity: "ticket",
    filter: { and: [{ owner: "$me" }, { status: { in: OPEN_TICKET } }] },
    sort: "due_at",
    title: "subject",
    at: "due_at",
    note: ["requester_name", "number"],
    undue: true,
  },
];

interface Result {
  items?: Rec[];
  count?: number;
  count_capped?: boolean;
  groups?: Record<string, unknown>[];
  titles?: Record<string, Record<string, string>>;
  error?: { message: string };
}

const addressOf = (entity: string, filter: Tree) =>
  `/e/${entity}?f=${encodeURIComponent(JSON.stringify(filter))}`;

function boxOf(asked: Asked, result: Result): Box {
  const items = (result.items ?? []).map((row) => ({
    id: row.id,
    to:
      asked.entity === "approval_task"
        ? `/approvals/${String(row.approval)}`
        : `/e/${asked.entity}/${row.id}`,
    text: titleOf(row[asked.title]) || row.id,
    note: asked.note.map((name) => titleOf(row[name])).filter(Boolean).join(" · "),
    at: asked.at && row[asked.at] ? String(row[asked.at]) : undefined,
    row,
  }));
  return {
    id: asked.box,
    icon: asked.icon,
    to: asked.to ?? addressOf(asked.entity, asked.filter),
    items,
    count: counted(result.count ?? 0, result.count_capped),
    failed: result.error?.message,
  };
}

/** What has a time, then what has none: empty values would be sorted in front. */
function joined(due: Result = {}, undue: Result = {}): Result {
  return {
    items: [...(due.items ?? []), ...(undue.items ?? [])].slice(0, SHOWN),
    count: (due.count ?? 0) + (undue.count ?? 0),
    count_capped: due.count_capped || undue.count_capped,
    error: due.error ?? undue.error,
  };
}

/** Bars in the order of the stages; what is over is left out. */
function barsOf(meta: Entity, name: string, base: Tree, result: Result, locale: Locale): Bar[] {
  const field = meta.fields.find((one) => one.name === name)!;
  const amount = Object.keys(result.groups?.[0] ?? {}).find((key) => key.startsWith("sum."));
  const order = new Map(field.options?.map((option, i) => [option.value, i]));
  const bars = (result.groups ?? [])
    .filter((group) => group[name] !== null)
    .map((group): Bar => {
      const value = String(group[name]);
      const label = result.titles?.[name]?.[value] ?? formatValue(field, value, locale);
      const filter = { and: [base, { [name]: value }] } as Tree;
      const to = addressOf(meta.name, filter);
      const sum = amount ? group[amount] : undefined;
      return { value, label, count: Number(group.count ?? 0), amount: sum, to };
    });
  return bars.sort((a, b) => (order.get(a.value) ?? 0) - (order.get(b.value) ?? 0));
}

const OVER = ["converted", "dead", "recycled"];

export async function loadWork(can: (entity: string) => boolean, locale: Locale): Promise<Work> {
  const asked = ASKED.filter((one) => can(one.entity));
  const deals = can("opportunity") ? "opportunity" : can("lead") ? "lead" : "";
  const base: Tree =
    deals === "opportunity"
      ? { and: [{ owner: "$me" }, { kind: "open" }] }
      : { and: [{ owner: "$me" }, { status: { nin: OVER } }] };
  const stage = deals === "opportunity" ? "stage" : "status";
  const money = deals === "opportunity" ? "sum.amount" : "sum.estimated_amount";
  const lists = asked.map(({ entity, filter, sort, title, at, note, undue: hasUndue }) => ({
    entity,
    filter: hasUndue ? { and: [filter, { [at!]: { ne: null } }] } : filter,
    sort,
    limit: SHOWN,
    count: true,
    fields: [
      ...new Set(["id", "version", title, ...(at ? [at] : []), ...note]),
      ...(entity === "approval_task" ? ["approval"] : []),
    ].join(","),
  }));
  const undue = asked.flatMap((one, i) =>
    one.undue ? [{ ...lists[i], filter: { and: [one.filter, { [one.at!]: null }] } }] : [],
  );
  const groups = deals
    ? [{ entity: deals, filter: base, group: [stage], measure: ["count", money] }]
    : [];
  const body = { queries: [...lists, ...undue, ...groups] };
  if (!body.queries.length) return { boxes: [], funnel: [], deals: "" };
  const [answer, meta] = await Promise.all([
    post<{ results: Result[] }>("/queries", body, { reads: true }),
    deals ? loadEntity(deals) : undefined,
  ]);
  const { results } = answer;
  const behind = results.slice(asked.length, asked.length + undue.length);
  const boxes = asked.map((one, i) =>
    boxOf(one, one.undue ? joined(results[i], behind.shift()) : (results[i] ?? {})),
  );
  const bars = results[asked.length + undue.length] ?? {};
  const funnel = meta ? barsOf(meta, stage, base, bars, locale) : [];
  return { boxes, funnel, deals };
}
