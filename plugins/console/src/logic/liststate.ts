// liststate - what a list shows, and the same as an address: the link reproduces the list.
// SPDX-License-Identifier: MIT
import type { Entity, Field, SavedView, View } from "@/api/types";
import type { Tree } from "./filter";

export interface Column {
  field: string;
  width?: number;
  pin?: boolean; // false: said by who chose it, also where the view says otherwise
  agg?: string; // what stands below it, of all that the list finds: the view says that
}

export const MODES = ["list", "board", "calendar", "chart", "tree", "timeline"] as const;
export type Mode = (typeof MODES)[number];

export interface ListState {
  view: string; // id of a saved view, name of a declared one, "" = default
  mode: Mode;
  q: string;
  quick: string[];
  filter: Tree | undefined; // undefined: the view's own
  sort: string | undefined;
  columns: Column[] | undefined;
  day?: string; // of a calendar or a timeline
  span?: string; // day, week or month; of a timeline month, quarter or year
  group?: string; // of a chart: "stage", "created_at:month"
  measure?: string; // "count", "sum.amount"
  chart?: string; // bar, line…
  open?: string[]; // of a tree: records whose branches are shown
}

export type Query = Record<string, string | undefined>;

const NONE = "-"; // of what is open in an address: said to be nothing

const EMPTY: ListState = {
  view: "",
  mode: "list",
  q: "",
  quick: [],
  filter: undefined,
  sort: undefined,
  columns: undefined,
};

const OF_MACHINES = new Set(["id", "version"]);
/** What columns and conditions are chosen from: its own fields, then those of every record. */
export const offered = ({ fields }: Entity): Field[] =>
  fields
    .filter((field) => !OF_MACHINES.has(field.name))
    .sort((a, b) => Number(a.system ?? false) - Number(b.system ?? false));

const split = (text: string | undefined) => (text ? text.split(",").filter(Boolean) : []);

export const WIDTH_MIN = 60;
export const WIDTH_MAX = 800;
export const widthIn = (px: number) => Math.round(Math.min(WIDTH_MAX, Math.max(WIDTH_MIN, px)));

/** "name", or "name:220p" where width and pin were chosen. */
function columnText({ field, width, pin }: Column): string {
  if (width === undefined && pin === undefined) return field;
  return `${field}:${width ?? ""}${pin ? "p" : ""}`;
}

function columnIn(text: string): Column {
  const [, field, width, pin] = /^([^:]*)(?::(\d{0,4})(p?).*)?$/.exec(text) ?? [];
  if (width === undefined) return { field };
  return { field, ...(width ? { width: widthIn(Number(width)) } : {}), pin: Boolean(pin) };
}

export const columnsText = (columns: Column[]): string => columns.map(columnText).join(",");
export const columnsIn = (text: string): Column[] => split(text).map(columnIn);

/** As it is kept: what is not said needs no member. */
export const columnDoc = ({ pin, ...rest }: Column): Column => ({
  ...rest,
  ...(pin ? { pin } : {}),
});

function parseTree(text: string | undefined): Tree | undefined {
  if (!text) return undefined;
  try {
    const tree = JSON.parse(text) as unknown;
    return tree && typeof tree === "object" && !Array.isArray(tree) ? (tree as Tree) : undefined;
  } catch {
    return undefined; // a link that was cut off shows the list without its filter
  }
}

export function stateOf(query: Query): ListState {
  return {
    ...EMPTY,
    view: query.view ?? "",
    mode: MODES.find((one) => one === query.mode) ?? "list",
    q: query.q ?? "",
    quick: split(query.qf),
    filter: parseTree(query.f),
    sort: query.s,
    columns: query.c === undefined ? undefined : columnsIn(query.c),
    day: query.d,
    span: query.p,
    group: query.g,
    measure: query.m,
    chart: query.k,
    open: query.o === undefined ? undefined : split(query.o).filter((id) => id !== NONE),
  };
}

export function queryOf(state: ListState): Query {
  return {
    view: state.view || undefined,
    mode: state.mode === "list" ? undefined : state.mode,
    q: state.q || undefined,
    qf: state.quick.join(",") || undefined,
    f: state.filter ? JSON.stringify(state.filter) : undefined,
    s: state.sort,
    c: state.columns && columnsText(state.columns),
    d: state.day,
    p: state.span,
    g: state.group,
    m: state.measure,
    k: state.chart,
    o: state.open && (state.open.join(",") || NONE),
  };
}

/** A declared view of a kind: the named one, else the one without a name, else any. */
export function viewOf(entity: Entity, kind: string, name = ""): View | undefined {
  const all = entity.views.filter((view) => view.kind === kind);
  const named = all.find((view) => (view.name ?? "") === name);
  return named ?? all.find((view) => !view.name || view.name === "default") ?? all[0];
}

/** The view that is shown: a saved one, else a declared one, else one made of the fields. */
export function baseView(entity: Entity, saved: SavedView[], id: string, kind = "list"): View {
  const own = saved.find((view) => view.id === id);
  if (own) {
    const { quick_filters } = viewOf(entity, kind) ?? {}; // of a view of one's own, too
    const named = { kind, entity: entity.name, name: own.id, label: own.name };
    return { quick_filters, ...own.body, ...named };
  }
  const declared = viewOf(entity, kind, id);
  if (declared) return declared;
  const usual = entity.fields.filter((field) => !field.system).slice(0, 6);
  return { kind, entity: entity.name, columns: usual.map((field) => field.name) };
}

/** Columns in their order, those that are pinned first; a field that is not there is left out. */
export function columnsOf(entity: Entity, view: View, chosen: Column[] | undefined): Column[] {
  const declared = (view.columns ?? []).map((one) =>
    typeof one === "string" ? { field: one } : one,
  );
  const by = new Map(declared.map((column) => [column.field, column]));
  const said = (one: Column): Column => {
    const own = by.get(one.field);
    if (one.pin === undefined && one.width === undefined) return own ?? one;
    return own?.agg ? { ...one, agg: own.agg } : one;
  };
  const known = new Set(entity.fields.map((field) => field.name));
  const there = (chosen?.map(said) ?? declared).filter((column) =>
    known.has(column.field.split(".")[0]),
  );
  return [...there.filter((one) => one.pin), ...there.filter((one) => !one.pin)];
}

/** The conditions that people see and change: those of the address, else the view's own. */
export const ownFilter = (view: View, state: ListState): Tree | undefined =>
  state.filter ?? view.filter;

/** What an edited filter is in the address: that a view's own is off has to be said. */
export const chosenFilter = (view: View, tree: Tree | undefined): Tree | undefined =>
  tree ?? (view.filter ? {} : undefined);

/** All conditions in one tree: of the view, the filter, and the quick filters that are on. */
export function filterOf(view: View, state: ListState): Tree | undefined {
  const trees: Tree[] = [];
  const own = ownFilter(view, state);
  if (own && Object.keys(own).length) trees.push(own);
  for (const quick of view.quick_filters ?? []) {
    if (state.quick.includes(quick.id)) trees.push(quick.filter);
  }
  if (!trees.length) return undefined;
  return trees.length === 1 ? trees[0] : { and: trees };
}

/** What is kept of a list as a view. */
export const savedBody = (view: View, state: ListState, columns: Column[]): View => ({
  kind: "list",
  columns: columns.map(columnDoc),
  sort: state.sort ?? view.sort,
  filter: filterOf(view, state),
});

/** The next order when a column's head is pressed: up, down, the view's own. */
export function nextSort(current: string | undefined, field: string): string | undefined {
  if (current === field) return `-${field}`;
  return current === `-${field}` ? undefined : field;
}
