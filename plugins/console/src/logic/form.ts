// form - what a form holds, what of it has changed, and what the fields' conditions say.
// SPDX-License-Identifier: MIT
import type { Entity, Field, Rec, Section, View } from "@/api/types";
import { type FilterScope, idOf, matches, type Row } from "./filter";
import { viewOf } from "./liststate";

export type Values = Record<string, unknown>;

/** References are kept as ids (their titles beside them), empty text and lists as null. */
export function plain(value: unknown): unknown {
  if (value === undefined || value === "") return null;
  if (Array.isArray(value)) return value.length ? value.map(idOf) : null;
  return idOf(value);
}

export function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(plain(a)) === JSON.stringify(plain(b));
}

/** What is to be sent: fields whose value is not what it was. */
export function changed(before: Values, now: Values): Values {
  const out: Values = {};
  for (const [name, value] of Object.entries(now)) {
    if (!same(before[name], value)) out[name] = plain(value);
  }
  return out;
}

const LITERALS: Record<string, (scope: FilterScope) => unknown> = {
  $me: (scope) => scope.me.id,
  $now: (scope) => new Date(scope.now).toISOString(),
};

/** A new record as the model says it begins. */
export function defaults(entity: Entity, scope: FilterScope): Values {
  const out: Values = {};
  for (const field of entity.fields) {
    if (field.default === undefined || field.readonly) continue;
    const literal = typeof field.default === "string" ? LITERALS[field.default] : undefined;
    const value = literal ? literal(scope) : field.default;
    if (typeof value === "string" && value.startsWith("$")) continue; // the server's to fill in
    out[field.name] = value;
  }
  return out;
}

export interface Rules {
  visible: boolean;
  required: boolean;
  readonly: boolean;
}

/** What the conditions say of a field now. A state that asks for fields makes them required. */
export function rulesOf(field: Field, entity: Entity, values: Values, scope: FilterScope): Rules {
  const row = values as Row;
  const asks = (tree: Field["visible_when"]) => tree !== undefined && matches(tree, row, scope);
  const byState = entity.fields.some((one) => {
    const state = values[one.name];
    return typeof state === "string" && one.requires?.[state]?.includes(field.name);
  });
  return {
    visible: !field.visible_when || asks(field.visible_when) || byState,
    required: Boolean(field.required) || asks(field.required_when) || byState,
    readonly: Boolean(field.readonly) || asks(field.readonly_when),
  };
}

/** States that may follow; where no flow is declared, all of them. */
export function nextStates(field: Field, from: unknown): string[] {
  const all = (field.options ?? []).filter((option) => option.active).map((option) => option.value);
  if (!field.flow || typeof from !== "string") return all;
  return (field.flow[from] ?? []).map((step) => (typeof step === "string" ? step : step.to));
}

/** Fields that a move of a state asks for and that are still empty. */
export function missingFor(field: Field, to: string, record: Values): string[] {
  const from = record[field.name];
  const steps = typeof from === "string" ? (field.flow?.[from] ?? []) : [];
  const step = steps.find((one) => typeof one !== "string" && one.to === to);
  const asked = new Set(field.requires?.[to] ?? []);
  if (step && typeof step !== "string") for (const name of step.requires ?? []) asked.add(name);
  return [...asked].filter((name) => plain(record[name]) === null);
}

const HIDDEN = new Set(["id", "version", "origin"]);
const DERIVED = new Set(["rollup", "lookup", "computed", "autonumber"]);

/** The sections of a form; what nobody declared is one section with all that can be written. */
export function sectionsOf(entity: Entity, kind: "form" | "quick"): Section[] {
  const view: View | undefined =
    entity.views.find((one) => one.kind === kind) ?? (kind === "form" ? undefined : quick(entity));
  if (view?.sections) return view.sections;
  const cells = entity.fields
    .filter((field) => !field.system && !DERIVED.has(field.type) && !HIDDEN.has(field.name))
    .map((field) => field.name);
  return [{ id: "section.all", cells: entity.owner ? [...cells, "owner"] : cells }];
}

function quick(entity: Entity): View {
  const fields = entity.fields.filter((one) => !one.readonly && (one.required || one.quick));
  const names = fields.map((field) => field.name);
  if (entity.title && !names.includes(entity.title)) names.unshift(entity.title);
  const known = names.filter((name) => entity.fields.some((field) => field.name === name));
  return { kind: "quick", sections: [{ id: "section.quick", cells: known }] };
}

export function cellField(cell: NonNullable<Section["cells"]>[number]): string {
  return typeof cell === "string" ? cell : (cell.field ?? "");
}

export const cellSpan = (cell: NonNullable<Section["cells"]>[number]) =>
  typeof cell === "string" ? 1 : (cell.span ?? 1);

export interface Difference {
  field: string;
  base: unknown;
  mine: unknown;
  theirs: unknown;
}

/** After 412: what I changed and somebody else has changed too. */
export function differences(base: Values, mine: Values, theirs: Rec): Difference[] {
  return Object.keys(mine)
    .filter((name) => !same(base[name], theirs[name]) && !same(mine[name], theirs[name]))
    .map((field) => ({ field, base: base[field], mine: mine[field], theirs: theirs[field] }));
}

export { viewOf };
