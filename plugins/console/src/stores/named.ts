// named - fields that hold the name of an object or of a field: chosen and shown by label.
// SPDX-License-Identifier: MIT
//
// A field's `widget` says so: "entity"; "field:<the field beside it that names the object>", or
// "field:=<object>" where it is always the same; "option:<names the object>.<names its field>" for
// one of the values that this field can take. "event" is what has happened ("lead.updated").
import { shallowRef } from "vue";
import { get, http } from "@/api/http";
import type { Field, Option } from "@/api/types";
import { i18n, t } from "@/texts";
import { entityNow, loadEntity } from "./meta";

const objects = shallowRef<Option[]>();
let asked = ""; // in which language

function objectsNow(): Option[] | undefined {
  if (asked !== http.lang) {
    asked = http.lang;
    get<{ entities: { name: string; label: string }[] }>("/meta?brief=true")
      .then(({ entities }) => {
        const all = entities.map((one) => ({ value: one.name, label: one.label, active: true }));
        objects.value = all.sort((a, b) => a.label.localeCompare(b.label));
      })
      .catch(() => (asked = "")); // the names are typed and shown instead
  }
  return objects.value;
}

function fieldsNow(named: unknown): Option[] {
  const all: unknown[] = Array.isArray(named) ? named : [named];
  const entities = all.filter((one) => typeof one === "string" && one);
  const found = new Map<string, Option>();
  for (const entity of entities as string[]) {
    if (!entityNow(entity)) void loadEntity(entity).catch(() => undefined);
    for (const { name, label } of entityNow(entity)?.fields ?? [])
      if (!found.has(name)) found.set(name, { value: name, label, active: true });
  }
  return [...found.values()];
}

/** The values that a field of an object can take. */
function valuesNow(entity: unknown, field: unknown): Option[] {
  if (typeof entity !== "string" || !entity) return [];
  const found = entityNow(entity);
  if (!found) void loadEntity(entity).catch(() => undefined);
  return found?.fields.find((one) => one.name === field)?.options ?? [];
}

/** "lead.updated" is what was done to a lead; a trial has no record. */
export function eventWords(event: string, labelOf: (entity: string) => string): string {
  if (event === "webhook.ping") return t("webhooks.trial");
  const [entity, op] = event.split(".");
  const key = `happened.${op}`;
  return i18n.global.te(key) ? `${labelOf(entity)} · ${t(key)}` : event;
}

function eventNow(held: unknown): Option[] {
  const labels = new Map(objectsNow()?.map((one) => [one.value, one.label]));
  const words = eventWords(String(held ?? ""), (entity) => String(labels.get(entity) ?? entity));
  return held ? [{ value: String(held), label: words, active: true }] : [];
}

const WIDGET = /^(?:entity$|field:=(\w+)$|field:(\w+)$|option:(\w+)\.(\w+)$)/;

/** The fields beside it that say what a value means: they are read along. */
export const readsOf = (field: Field | undefined): string[] =>
  (WIDGET.exec(field?.widget ?? "") ?? []).slice(2).filter(Boolean);

/** With what can be chosen; what is held and is not among them stays choosable by its name. */
export function named(field: Field, row: Record<string, unknown> = {}): Field {
  if (field.widget === "event") return { ...field, options: eventNow(row[field.name]) };
  const by = WIDGET.exec(field.widget ?? "");
  if (!by) return field;
  const [, always, beside, object, of] = by;
  const options = object
    ? valuesNow(row[object], row[of])
    : always || beside
      ? fieldsNow(always ?? row[beside])
      : objectsNow();
  if (!options?.length) return field;
  const held = row[field.name];
  const missing = (Array.isArray(held) ? held : [held])
    .filter((one) => typeof one === "string" && one && !options.some((o) => o.value === one))
    .map((one) => ({ value: String(one), label: String(one), active: true }));
  return { ...field, options: [...options, ...missing] };
}
