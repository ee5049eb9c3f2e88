// named - fields that hold the name of an object or of a field: chosen and shown by label.
// SPDX-License-Identifier: MIT
//
// A field's `widget` says so: "entity", "field:<the field beside it that names the object>".
import { shallowRef } from "vue";
import { get, http } from "@/api/http";
import type { Field, Option } from "@/api/types";
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

/** With what can be chosen; what is held and is not among them stays choosable by its name. */
export function named(field: Field, row: Record<string, unknown> = {}): Field {
  const by = /^(entity$|field:)(.*)$/.exec(field.widget ?? "");
  if (!by) return field;
  const options = by[2] ? fieldsNow(row[by[2]]) : objectsNow();
  if (!options?.length) return field;
  const held = row[field.name];
  const missing = (Array.isArray(held) ? held : [held])
    .filter((one) => typeof one === "string" && one && !options.some((o) => o.value === one))
    .map((one) => ({ value: String(one), label: String(one), active: true }));
  return { ...field, options: [...options, ...missing] };
}
