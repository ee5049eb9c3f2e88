// named - fields that hold the name of an object or of a field: chosen and shown by label.
// SPDX-License-Identifier: MIT
//
// A field's `widget` says so: "entity"; "field:<the field beside it that names the object>", or
// "field:=<object>" where it is always the same; "option:<names the object>.<names its field>" for
// one of the values that this field can take, "option:=<object>.<field>" where both are always the
// same. "event" is what has happened ("lead.updated").
import { shallowReactive, shallowRef } from "vue";
import { get, http } from "@/api/http";
import type { Entity, Field, Option } from "@/api/types";
import { i18n, t } from "@/texts";
import { entityNow, loadEntity } from "./meta";

const objects = shallowRef<Option[]>();
const isLost = shallowRef(false); // the objects could not be asked for
const lost = shallowReactive(new Set<string>()); // objects that could not be asked for
let asked = ""; // in which language

function objectsNow(): Option[] | undefined {
  if (asked !== http.lang) {
    asked = http.lang;
    get<{ entities: { name: string; label: string }[] }>("/meta?brief=true")
      .then(({ entities }) => {
        const all = entities.map((one) => ({ value: one.name, label: one.label, active: true }));
        objects.value = all.sort((a, b) => a.label.localeCompare(b.label));
        isLost.value = false;
      })
      .catch(() => {
        asked = "";
        isLost.value = true; // the names are typed and shown instead
      });
  }
  return objects.value;
}

/** Asks for what is not there yet; who reads this again is told. */
function entityAsked(name: string): Entity | undefined {
  const found = entityNow(name);
  if (!found) {
    loadEntity(name).then(
      () => lost.delete(name),
      () => lost.add(name),
    );
  }
  return found;
}

const namesIn = (held: unknown): string[] =>
  (Array.isArray(held) ? held : [held]).filter((one) => typeof one === "string" && one);

function fieldsNow(named: unknown): Option[] {
  const found = new Map<string, Option>();
  for (const entity of namesIn(named)) {
    for (const { name, label } of entityAsked(entity)?.fields ?? [])
      if (!found.has(name)) found.set(name, { value: name, label, active: true });
  }
  return [...found.values()];
}

/** The values that a field of an object can take. */
function valuesNow(entity: unknown, field: unknown): Option[] {
  if (typeof entity !== "string" || !entity) return [];
  return entityAsked(entity)?.fields.find((one) => one.name === field)?.options ?? [];
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

const WIDGET =
  /^(?:entity$|(?:field|option):=(\w+)(?:\.\w+)?$|field:(\w+)$|option:(\w+)\.(\w+)$)/;
const FIXED = /^option:=(\w+)\.(\w+)$/;

/** The fields beside it that say what a value means: they are read along. */
export const readsOf = (field: Field | undefined): string[] =>
  (WIDGET.exec(field?.widget ?? "") ?? []).slice(2).filter(Boolean);

/** Whether what can be chosen is on its way: until then nothing is typed that would be lost. */
function isAwaited(by: RegExpExecArray, row: Record<string, unknown>): boolean {
  const [, always, beside, object] = by;
  const named = always ?? row[beside ?? object];
  if (!always && !beside && !object) return !objects.value && !isLost.value;
  return namesIn(named).some((one) => !entityNow(one) && !lost.has(one));
}

/** With what can be chosen; what is held and is not among them stays choosable by its name. */
export function named(field: Field, row: Record<string, unknown> = {}): Field {
  if (field.widget === "event") return { ...field, options: eventNow(row[field.name]) };
  const by = WIDGET.exec(field.widget ?? "");
  if (!by) return field;
  const [, always, beside, object, of] = by;
  const fixed = FIXED.exec(field.widget ?? "");
  const options = fixed
    ? valuesNow(fixed[1], fixed[2])
    : object
      ? valuesNow(row[object], row[of])
      : always || beside
        ? fieldsNow(always ?? row[beside])
        : objectsNow();
  if (!options?.length) return isAwaited(by, row) ? { ...field, awaited: true } : field;
  const held = row[field.name];
  const missing = (Array.isArray(held) ? held : [held])
    .filter((one) => typeof one === "string" && one && !options.some((o) => o.value === one))
    .map((one) => ({ value: String(one), label: String(one), active: true }));
  return { ...field, options: [...options, ...missing] };
}
