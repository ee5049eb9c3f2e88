// actions - the operations a model declares, and the ones every record has.
// SPDX-License-Identifier: MIT
import { ApiError, del, get, post, request } from "@/api/http";
import type { Entity, Field, Param, Rec, View } from "@/api/types";
import type { FilterScope } from "@/logic/filter";
import { matches } from "@/logic/filter";
import { isReference } from "@/logic/format";

/** As their metadata orders them; the others behind, as they were declared. */
export const byOrder = (actions: View[]): View[] =>
  [...actions].sort((a, b) => (a.order ?? LAST) - (b.order ?? LAST));
const LAST = 1000;

export function actionsAt(entity: Entity, place: string): View[] {
  const all = entity.views.filter(
    (view) => view.kind === "action" && (view.place ?? "record") === place,
  );
  return byOrder(all);
}

/** Operations that say something: what is written on top of the timeline. */
export const composing = (entity: Entity): View[] =>
  byOrder(entity.views.filter((view) => view.kind === "action" && view.composes));

/** The parameter that holds what is said: the first long text. */
export const saidIn = (action: View): Param | undefined =>
  action.params?.find((one) => one.type === "longtext") ?? action.params?.[0];

export const isEnabled = (action: View, row: Rec, scope: FilterScope) =>
  matches(action.enabled_when, row, scope);

/** A parameter as a field, so that the same controls ask for it. */
export function paramField(param: Param): Field {
  const options = param.values?.map((one) =>
    typeof one === "string"
      ? { value: one, label: one, active: true }
      : { value: one.value, label: one.label ?? one.value, active: true },
  );
  const ref = param.entity
    ? { entity: param.entity }
    : param.type === "user"
      ? { entity: "user" }
      : undefined;
  return { operators: [], options, ref, ...param } as Field;
}

/** An action that is asked for with what is known already, and why it was refused before. */
export type Asking = View & { values?: Record<string, unknown>; refused?: unknown };

/**
 * A move that the server refused for fields that somebody can fill in: the same move, asking for
 * them. undefined where nothing can be filled in.
 */
export function askedAgain(
  cause: unknown,
  entity: Entity,
  row: Rec,
  move: { field: string; name: string; label: string },
): Asking | undefined {
  if (!(cause instanceof ApiError) || cause.status !== 422) return undefined;
  const names = Object.keys(cause.fields).map((name) => name.split(/[.[]/)[0]);
  const fields = [...new Set(names)].flatMap(
    (name) => entity.fields.find((one) => one.name === name && !one.readonly) ?? [],
  );
  if (!fields.length || names.includes(move.field)) return undefined;
  return {
    kind: "action",
    name: move.name,
    label: move.label,
    params: fields.map((one) => ({ ...one, required: true, entity: one.ref?.entity })),
    values: Object.fromEntries(fields.map((one) => [one.name, row[one.name] ?? null])),
    refused: cause,
  };
}

export const act = (entity: string, id: string, name: string, args: Record<string, unknown>) =>
  post<Record<string, unknown>>(`/records/${entity}/${id}/actions/${name}`, args);

const path = (entity: string, id: string) => `/records/${entity}/${encodeURIComponent(id)}`;

const EXPANDS = 10; // that one answer may have; what is left is named by asking (people.ts)

/** A record with the titles of what it refers to. */
export function read(entity: Entity, id: string): Promise<Rec> {
  const own = entity.fields.filter(
    (field) => isReference(field) && !["created_by", "updated_by"].includes(field.name),
  );
  const names = own.slice(0, EXPANDS).map((field) => field.name);
  const expand = names.length ? `?expand=${names.join(",")}` : "";
  return get<Rec>(path(entity.name, id) + expand);
}

export const update = (entity: string, row: Rec, values: Record<string, unknown>) =>
  request<Rec>("PATCH", path(entity, row.id), {
    body: values,
    headers: { "If-Match": `"${row.id}-${row.version}"` },
  }).then((answer) => answer.data);

export const remove = (entity: string, id: string) => del(path(entity, id));
export const restore = (entity: string, id: string) => post(`${path(entity, id)}/restore`, {});
