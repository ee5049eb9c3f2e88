// actions - the operations a model declares, and the ones every record has.
// SPDX-License-Identifier: MIT
import { del, get, post, request } from "@/api/http";
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
