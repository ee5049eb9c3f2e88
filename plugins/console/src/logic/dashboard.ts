// dashboard - tiles of a dashboard as queries, with the filters that hold for all of them.
// SPDX-License-Identifier: MIT
import type { Entity, Target, View, Widget } from "@/api/types";
import { rowsOf, spanOf } from "./dashedit";
import type { Tree } from "./filter";
import { columnsOf, viewOf } from "./liststate";

export const DATES = ["", "this_week", "this_month", "last_month", "this_quarter", "this_year"];
export const OWNERS = ["", "$me", "$my_team", "$my_department", "$my_subtree"];

export interface Asked {
  date: string; // an operator of dates, "" for all times
  owner: string;
}

/** What is to be reached, where other records say it. */
export interface Aim {
  entity: Entity;
  query: Record<string, unknown>;
}

export interface Tile {
  key: string;
  kind: string;
  span: number;
  rows: number;
  entity: Entity;
  view: View; // with the query as it is asked
  period: string; // what its time is narrowed to, "" for all times
  limit?: number; // of a ranking: how many places
  target?: Target | null;
  aim?: Aim;
}

const has = (entity: Entity, name: string) => entity.fields.some((field) => field.name === name);

/** Which field of an owner's place is asked for, by the variable. */
const OWNER_FIELD: Record<string, string> = {
  $me: "owner",
  $my_team: "team",
  $my_department: "department",
  $my_subtree: "department",
};

/** The query narrowed; what an entity has no field for does not narrow it. */
export function narrowed(
  entity: Entity,
  query: Record<string, unknown>,
  asked: Asked,
  dateField = "created_at",
): Record<string, unknown> {
  const trees: Tree[] = [];
  if (query.filter) trees.push(query.filter as Tree);
  if (asked.date && DATES.includes(asked.date) && has(entity, dateField)) {
    trees.push({ [dateField]: { [asked.date]: true } });
  }
  const place = OWNER_FIELD[asked.owner];
  if (place && has(entity, place)) trees.push({ [place]: asked.owner });
  const filter = trees.length > 1 ? { and: trees } : trees[0];
  return filter ? { ...query, filter } : query;
}

/** A target that is one number is for its own time and for all: what narrows a dashboard does not
 * narrow what is set against it. */
const isFixed = ({ kind, target }: Partial<Widget>) =>
  kind === "goal" && (typeof target !== "object" || !target) && typeof target !== "string";

/** Whose the target is, is said by a user: the own one, those of the team, of a department. */
function aimOf(widget: Partial<Widget>, entities: Entity[], asked: Asked): Aim | undefined {
  const { target } = widget;
  if (!target || typeof target !== "object") return undefined;
  const entity = entities.find((one) => one.name === target.entity);
  if (!entity) return undefined;
  const query = narrowed(entity, target.query, { ...asked, owner: "" }, target.date_field);
  const place = OWNER_FIELD[asked.owner];
  const field = target.owner_field;
  if (!place || !field) return { entity, query };
  const whose = { [place === "owner" ? field : `${field}.${place}`]: asked.owner };
  return { entity, query: { ...query, filter: both(query.filter as Tree | undefined, whose) } };
}

const both = (tree: Tree | undefined, more: Tree): Tree => (tree ? { and: [tree, more] } : more);

/** A goal asks for what is reached and, of the same records, what is to be. */
function goalQuery(widget: Partial<Widget>, query: Record<string, unknown>) {
  const [measure] = (query.measure as unknown[] | undefined) ?? ["count"];
  const { target } = widget;
  return { ...query, measure: typeof target === "string" ? [measure, target] : [measure] };
}

function queryOf(widget: Partial<Widget>, query: Record<string, unknown>) {
  if (widget.kind === "leaderboard") return { ...query, limit: undefined }; // all: one's own, too
  return widget.kind === "goal" ? goalQuery(widget, query) : query;
}

function tileOf(
  entity: Entity,
  view: View,
  widget: Partial<Widget>,
  given: Asked,
  entities: Entity[] = [],
): Tile {
  const own = widget.period ?? "";
  const asked = isFixed(widget) ? { date: own, owner: "" } : { ...given, date: given.date || own };
  const plain = queryOf(widget, view.query ?? {});
  const query = narrowed(entity, plain, asked, widget.date_field);
  const kind = widget.kind && widget.kind !== "report" ? widget.kind : (view.chart ?? "bar");
  const label = widget.label ?? view.label ?? view.name;
  return {
    key: `${entity.name}/${widget.id ?? view.name}`,
    kind,
    span: spanOf({ ...widget, kind }),
    rows: rowsOf({ ...widget, kind }),
    entity,
    view: { ...view, label, chart: kind, query },
    period: has(entity, widget.date_field ?? "created_at") ? asked.date : "",
    limit: widget.limit,
    target: widget.target,
    aim: aimOf(widget, entities, asked),
  };
}

const LIST_COLUMNS = 4;

/** The first records of a list: its conditions, order and first columns. */
function listTile(entity: Entity, widget: Widget, asked: Asked): Tile | undefined {
  const view = viewOf(entity, "list", widget.view ?? "default");
  if (!view) return undefined;
  const title = entity.title ?? "name";
  const columns = columnsOf(entity, view, undefined)
    .map((column) => column.field)
    .filter((name) => name !== title)
    .slice(0, LIST_COLUMNS - 1);
  const query: Record<string, unknown> = {
    ...(view.filter ? { filter: view.filter } : {}),
    sort: view.sort,
    fields: ["id", title, ...columns].join(","),
    expand: referencesIn(entity, columns) || undefined,
    limit: widget.limit ?? 5,
  };
  const shown = { ...view, kind: "report", name: widget.view, columns, label: undefined, query };
  const label = widget.label ?? view.label ?? entity.label_plural;
  return tileOf(entity, shown, { ...widget, label, kind: "list" }, asked);
}

function referencesIn(entity: Entity, names: string[]): string {
  const refs = ["ref", "user", "team", "refs"];
  return names
    .filter((name) => refs.includes(entity.fields.find((one) => one.name === name)?.type ?? ""))
    .join(",");
}

/** The tiles of a dashboard; what is not there (any more), or may not be read, is left out. */
export function tilesOf(dashboard: View, entities: Entity[], asked: Asked): Tile[] {
  const byName = new Map(entities.map((entity) => [entity.name, entity]));
  return (dashboard.widgets ?? []).flatMap((widget): Tile[] => {
    const entity = byName.get(widget.entity ?? "");
    if (!entity) return [];
    if (widget.kind === "list" && !widget.query && !widget.report) {
      const tile = listTile(entity, widget, asked);
      return tile ? [tile] : [];
    }
    if (!widget.query) {
      const view = entity.views.find((one) => one.kind === "report" && one.name === widget.report);
      return view?.query ? [tileOf(entity, view, widget, asked)] : [];
    }
    const view: View = { kind: "report", name: widget.id, query: widget.query };
    return [tileOf(entity, view, widget, asked, entities)];
  });
}

/** Every report that plugins declare, by entity. */
export function reportTiles(entities: Entity[], asked: Asked): Tile[] {
  return entities.flatMap((entity) =>
    entity.views
      .filter((view) => view.kind === "report" && view.query)
      .map((view) => tileOf(entity, view, {}, asked)),
  );
}

/** Rows as a file for spreadsheets; a cell that looks like a formula is text. */
export function csvOf(head: string[], rows: string[][]): string {
  const cell = (text: string) => {
    const safe = /^[=+@\t\r]|^-(?!\d+(\.\d+)?$)/.test(text) ? `'${text}` : text;
    return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  return `\ufeff${[head, ...rows].map((row) => row.map(cell).join(",")).join("\r\n")}\r\n`;
}
