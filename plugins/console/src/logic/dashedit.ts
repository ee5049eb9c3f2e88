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
  kind: "kpi" | "report" | "chart" | "list";
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
  span: number;
  rows: number;
  label: string;
  words: Words;
}

const isDate = (field: Field | undefined) =>
  ["date", "datetime"].includes(field?.result ?? field?.type ?? "");
const NUMBERS = ["int", "decimal", "money", "percent", "rating", "duration"];
const GROUPS = ["enum", "state", "dict", "user", "team", "ref", "bool", "date", "datetime"];

export const numbersOf = (entity: Entity | undefined): Field[] =>
  (entity?.fields ?? []).filter((field) => NUMBERS.includes(field.result ?? field.type));
export const groupsFor = (entity: Entity | undefined): Field[] =>
  (entity?.fields ?? []).filter((field) => GROUPS.includes(field.type) && !field.multiple);
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
    kind: isChart ? "chart" : kind === "list" ? "list" : kind === "kpi" ? "kpi" : "report",
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
  if (form.kind === "chart" && !form.group) out.push("group");
  const measures = form.kind === "kpi" || form.kind === "chart";
  if (measures && form.op !== "count" && !form.field) out.push("field");
  return out;
}

/** What the form says itself. */
const KNOWN = [
  ...["kind", "entity", "report", "view", "limit"],
  ...["query", "date_field", "span", "rows"],
];

/** The widget; what the form does not know of an old one stays. */
export function widgetOf(form: WidgetForm, entity: Entity | undefined, old?: Widget): Widget {
  const rest = omit((old ?? {}) as Widget, ...KNOWN);
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
