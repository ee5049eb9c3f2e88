// charted - a list as a chart: what it is grouped and measured by, said by the view or the address.
// SPDX-License-Identifier: MIT
import type { Entity, Field, View } from "@/api/types";
import { BUCKETS, CHARTS, groupsFor, isDateOf, MEASURES, numbersOf } from "./dashedit";
import type { ListState } from "./liststate";
import { groupsOf, measuresOf } from "./report";

export interface Charted {
  chart: string;
  group: string;
  by: string; // of a date: day, week, month, quarter, year; else ""
  op: string;
  field: string; // "" with count
}

/** Groups in one chart; more than that nobody reads. */
export const GROUPS_SHOWN = 60;

const isGroup = (entity: Entity, name: string) =>
  groupsFor(entity).some((one: Field) => one.name === name);

function measured(entity: Entity, text: string): { op: string; field: string } | undefined {
  const [op, ...rest] = text.split(".");
  const field = rest.join(".");
  if (op === "count" && !field) return { op, field };
  const known = MEASURES.includes(op) && numbersOf(entity).some((one) => one.name === field);
  return known ? { op, field } : undefined;
}

/** What the address says counts where it can be; else the view's own. */
export function chartedOf(entity: Entity, view: View, state: ListState): Charted {
  const [first] = groupsOf(view);
  const [name, by] = (state.group ?? "").split(":");
  const isAsked = isGroup(entity, name);
  const group = isAsked ? name : (first?.field ?? "");
  const own = isAsked ? by : first?.by;
  const [plain] = measuresOf(view);
  const declared = typeof plain === "string" ? measured(entity, plain) : undefined;
  const measure = measured(entity, state.measure ?? "") ?? declared ?? { op: "count", field: "" };
  return {
    chart: CHARTS.includes(state.chart ?? "") ? state.chart! : (view.chart ?? "bar"),
    group,
    by: isDateOf(entity, group) ? (BUCKETS.includes(own ?? "") ? own! : "month") : "",
    ...measure,
  };
}

export const measureText = ({ op, field }: Pick<Charted, "op" | "field">) =>
  op === "count" || !field ? "count" : `${op}.${field}`;

/** The query; people and companies come largest first, days and states in their own order. */
export function chartQuery(entity: Entity, one: Charted, list: Record<string, unknown>) {
  const field = entity.fields.find(({ name }) => name === one.group);
  const measure = measureText(one);
  const isOrdered = Boolean(one.by || field?.options?.length || field?.type === "bool");
  const isSorted = !isOrdered && one.op !== "avg";
  return {
    ...(list.filter ? { filter: list.filter } : {}),
    ...(list.q ? { q: list.q } : {}),
    group: [one.by ? { f: one.group, by: one.by } : one.group],
    measure: measure === "count" ? ["count"] : [measure, "count"],
    ...(isSorted ? { sort: `-${measure}` } : {}),
    limit: GROUPS_SHOWN,
  };
}
