// dashedit - widgets of a dashboard while they are edited: what each kind asks for, their places on
// the grid, and a person's own copy of a declared dashboard.
// SPDX-License-Identifier: MIT
import type { Entity, Field, View, Widget } from "@/api/types";
import { type Json, omit, type Words } from "./custom";
import type { Tree } from "./filter";
import { type Item, listPatches } from "./listpatch";

export const COLUMNS = 4;
export const ROWS = 3;
export const WIDGETS_MAX = 40;
export const CHARTS = ["bar", "line", "pie", "funnel", "table"];
export const BUCKETS = ["day", "week", "month", "quarter", "year"];
export const MEASURES = ["count", "sum", "avg", "min", "max"];

export interface WidgetForm {
  id: string;
  kind: "kpi" | "report" | "chart" | "list" | "leaderboard" | "goal";
  entity: string;
  report: string;
  view: string;
  limit: string;
  chart: string;
  group: string;
  by: string;
  op: string;
  field: string;
  filter?: Tree;
  date_field: string;
  period: string;
  target: string; // of a goal, as a number
  declared: boolean; // its target is none: a setting, a measure, other records
  span: number;
  rows: number;
  label: string;
  words: Words;
}

const isDate = (field: Field | undefined) =>
  ["date", "datetime"].includes(field?.result ?? field?.type ?? "");
const NUMBERS = ["int", "decimal", "money", "percent", "rating", "duration"];
export const PERIODS = ["this_week", "this_month", "last_month", "this_quarter", "this_year"];
const OWN = ["kpi", "list", "leaderboard", "goal"] as const;
const GROUPS = ["enum", "state", "dict", "user", "team", "ref", "bool", "date", "datetime"];

export const numbersOf = (entity: Entity | undefined): Field[] =>
  (entity?.fields ?? []).filter((field) => NUMBERS.includes(field.result ?? field.type));
export const groupsFor = (entity: Entity | undefined): Field[] =>
  (entity?.fields ?? []).filter((field) => GROUPS.includes(field.type) && !field.multiple);
/** Who can be ranked: whose it is first, who has typed it last. */
export const peopleOf = (entity: Entity | undefined): Field[] => {
  const rank = ({ name, system }: Field) => (name === "owner" ? 0 : system ? 2 : 1);
  return groupsFor(entity)
    .filter((field) => ["user", "team"].includes(field.type) || field.ref?.entity === "user")
    .sort((a, b) => rank(a) - rank(b));
};
export const datesOf = (entity: Entity | undefined): Field[] =>
  (entity?.fields ?? []).filter((field) => isDate(field));
export const isDateOf = (entity: Entity | undefined, name: string) =>
  isDate(entity?.fields.find((field) => field.name === name));
export const reportsOf = (entity: Entity | undefined): View[] =>
  (entity?.views ?? []).filter((view) => view.kind === "report" && view.query);
export const listsOf = (entity: Entity | undefined): View[] =>
  (entity?.views ?? []).filter((view) => view.kind === "list");

/* --- size and place --- */

export const spanOf = (widget: Partial<Widget>) =>
  Math.min(COLUMNS, Math.max(1, widget.span ?? (widget.kind === "kpi" ? 1 : 2)));
/** A number has one row, whatever is said. */
export const rowsOf = (widget: Partial<Widget>) =>
  widget.kind === "kpi" ? 1 : Math.min(ROWS, Math.max(1, widget.rows ?? 1));

export function resized(widget: Widget, span: number, rows: number): Widget {
  const rest = omit(widget, "span", "rows");
  const next: Widget = { ...rest };
  const wide = Math.min(COLUMNS, Math.max(1, span));
  const high = Math.min(ROWS, Math.max(1, rows));
  if (wide !== spanOf(rest)) next.span = wide;
  if (high > 1 && widget.kind !== "kpi") next.rows = high;
  return next;
}

export function movedWidget(widgets: Widget[], from: number, to: number): Widget[] {
  if (to < 0 || to >= widgets.length) return widgets;
  const next = [...widgets];
  next.splice(to, 0, ...next.splice(from, 1));
  return next;
}

export function freeWidget(taken: string[]): string {
  for (let n = 1; ; n++) if (!taken.includes(`widget.x${n}`)) return `widget.x${n}`;
}

/* --- the form and back --- */

export function formOfWidget(widget: Partial<Widget> | undefined, words: Words): WidgetForm {
  const query = (widget?.query ?? {}) as { group?: unknown[]; measure?: unknown[]; filter?: Tree };
  const measure = query.measure?.[0];
  const first = query.group?.[0];
  const group = typeof first === "string" ? { f: first } : (first as { f: string; by?: string });
  const [op, ...field] = (typeof measure === "string" ? measure : "count").split(".");
  const kind = widget?.kind ?? "kpi";
  const isChart = Boolean(widget?.query) && CHARTS.includes(kind);
  return {
    id: widget?.id ?? "",
    kind: isChart ? "chart" : (OWN.find((one) => one === kind) ?? "report"),
    entity: widget?.entity ?? "",
    report: widget?.report ?? "",
    view: widget?.view ?? "default",
    limit: String(widget?.limit ?? 5),
    chart: isChart ? kind : "bar",
    group: group?.f ?? "",
    by: group?.by ?? "month",
    op,
    field: field.join("."),
    filter: query.filter,
    date_field: widget?.date_field ?? "",
    period: widget?.period ?? "",
    target: typeof widget?.target === "number" ? String(widget.target) : "",
    declared: widget?.target !== undefined && typeof widget.target !== "number",
    span: spanOf({ ...widget, kind }),
    rows: rowsOf({ ...widget, kind }),
    label: widget?.label ?? "",
    words,
  };
}

/** Members of the form that are still missing. */
export function lacking(form: WidgetForm): string[] {
  const out: string[] = [];
  if (!form.entity) out.push("entity");
  if (form.kind === "report" && !form.report) out.push("report");
  const groups = form.kind === "chart" || form.kind === "leaderboard";
  if (groups && !form.group) out.push("group");
  if (form.kind === "goal" && !form.declared && !(Number(form.target) > 0)) out.push("target");
  const measures = form.kind !== "list" && form.kind !== "report";
  if (measures && form.op !== "count" && !form.field) out.push("field");
  return out;
}

/** What the form says itself. */
const KNOWN = [
  ...["kind", "entity", "report", "view", "limit"],
  ...["query", "date_field", "period", "span", "rows"],
];

/** The widget; what the form does not know of an old one stays. */
export function widgetOf(form: WidgetForm, entity: Entity | undefined, old?: Widget): Widget {
  const rest = omit(
    (old ?? {}) as Widget,
    ...KNOWN,
    ...(form.kind === "goal" && form.declared ? [] : ["target"]),
  );
  const widget: Widget = { ...rest, id: form.id, kind: "", entity: form.entity };
  const measure = [form.op === "count" ? "count" : `${form.op}.${form.field}`];
  const query: Json = { ...(form.filter ? { filter: form.filter } : {}), measure };
  if (form.kind === "kpi") Object.assign(widget, { kind: "kpi", query });
  if (form.kind === "report") Object.assign(widget, { kind: "report", report: form.report });
  if (form.kind === "chart") {
    const dated = isDateOf(entity, form.group);
    const group = [dated ? { f: form.group, by: form.by } : form.group];
    Object.assign(widget, { kind: form.chart, query: { ...query, group } });
  }
  if (form.kind === "list") {
    Object.assign(widget, { kind: "list", view: form.view, limit: Number(form.limit) });
  }
  if (form.kind === "leaderboard") {
    const group = [form.group];
    const ranked = { kind: "leaderboard", limit: Number(form.limit), query: { ...query, group } };
    Object.assign(widget, ranked);
  }
  if (form.kind === "goal") {
    Object.assign(widget, { kind: "goal", query });
    if (!form.declared) widget.target = Number(form.target);
  }
  if (form.period && (form.kind === "goal" || form.kind === "leaderboard"))
    widget.period = form.period;
  if (form.date_field && form.kind !== "list") widget.date_field = form.date_field;
  return resized(widget, form.span, form.rows);
}

/* --- where they are kept --- */

export const dashboardPatches = (name: string, before: Widget[], after: Widget[]): Json[] =>
  listPatches(
    { dashboard: name },
    "widget",
    before as unknown as Item[],
    after as unknown as Item[],
    (widgets) => ({ widgets }),
  );

/** What differs from the dashboard that people have; a change of place alone is told once. */
export function boardChanges(before: Widget[], after: Widget[]) {
  const find = (all: Widget[], { id }: Widget) => all.find((one) => one.id === id);
  const same = (one: Widget, other?: Widget) => JSON.stringify(one) === JSON.stringify(other);
  const order = (all: Widget[], others: Widget[]) =>
    all.filter((one) => find(others, one)).map((one) => one.id).join();
  return {
    added: after.filter((one) => !find(before, one)).map((one) => one.id),
    changed: after
      .filter((one) => find(before, one) && !same(one, find(before, one)))
      .map((one) => one.id),
    gone: before.filter((one) => !find(after, one)),
    isMoved: order(before, after) !== order(after, before),
  };
}

export const isDashboardPatch = (view: Json, name: string) =>
  !("kind" in view) && view.dashboard === name;

/** A copy without the words that the declared one says itself, so that they follow the language. */
export function copyOf(widgets: Widget[], declared: Widget[]): Widget[] {
  return widgets.map((widget) => {
    const same = declared.find((one) => one.id === widget.id)?.label === widget.label;
    return same ? omit(widget, "label") : widget;
  });
}

/** A copy with the words of the declared one where it has none of its own. */
export function withLabels(widgets: Widget[], declared: Widget[]): Widget[] {
  return widgets.map((widget) => {
    const label = widget.label ?? declared.find((one) => one.id === widget.id)?.label;
    return label ? { ...widget, label } : widget;
  });
}
