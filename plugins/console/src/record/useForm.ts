// useForm - a record that is being made or changed: values, rules, complaints, saving.
// SPDX-License-Identifier: MIT
import { computed, reactive, ref, shallowRef } from "vue";
import { ApiError, type FieldComplaint, get, newKey, post } from "@/api/http";
import type { Entity, Field, Rec } from "@/api/types";
import { type Asked, askedField, askedNow, asksOf } from "@/logic/asked";
import * as form from "@/logic/form";
import { fieldsIn, type FilterScope, matches } from "@/logic/filter";
import { read, update } from "./actions";

export interface Conflict {
  theirs: Rec;
  differences: form.Difference[];
}

/** What was typed in a short form and is gone on with in the whole one. */
let handed: { entity: string; values: form.Values } | null = null;

export function handOver(entity: string, values: form.Values): void {
  handed = { entity, values };
}

export function handedOver(entity: string): form.Values {
  const now = handed;
  handed = null;
  return now?.entity === entity ? now.values : {};
}

export function useForm(
  entity: Entity,
  record: Rec | null,
  scope: FilterScope,
  preset: form.Values = {},
) {
  const base = shallowRef<form.Values>(record ? { ...record } : {});
  const first = record ? { ...record } : { ...form.defaults(entity, scope), ...preset };
  const values = reactive<form.Values>(first);
  const version = ref(record?.version ?? 0);
  const errors = ref<Record<string, FieldComplaint[]>>({});
  const error = shallowRef<unknown>(null);
  const conflict = shallowRef<Conflict | null>(null);
  const busy = ref(false);
  let key = newKey(); // one for what is typed, so that trying again makes no second record

  const start = JSON.stringify(values);
  const isDirty = computed(() => JSON.stringify(values) !== start);
  const fields = new Map(entity.fields.map((field) => [field.name, field]));
  const told = shallowRef<Asked[]>([]);
  const asked = computed(() => askedNow(told.value, values, scope));
  const rules = computed(() => {
    const out: Record<string, form.Rules> = {};
    for (const field of entity.fields) {
      const rule = form.rulesOf(field, entity, values, scope);
      const by = askedField(asked.value, field.name);
      if (by?.required_when) rule.required ||= matches(by.required_when, values, scope);
      out[field.name] = rule;
    }
    return out;
  });
  if (asksOf(entity)) {
    get<{ items: Asked[] }>(asksOf(entity))
      .then(({ items }) => (told.value = items))
      .catch(() => undefined); // what is missing the server says when it is saved
  }

  /** What was empty before it was asked for stays so, until the record becomes one that asks. */
  function isOwed(field: Field): boolean {
    const by = record && askedField(asked.value, field.name);
    if (!by || form.rulesOf(field, entity, values, scope).required) return true;
    const decides = asked.value
      .filter((one) => one.fields.includes(by))
      .flatMap((one) => fieldsIn(one.when));
    return [field.name, ...decides].some((name) => !form.same(base.value[name], values[name]));
  }

  function set(name: string, value: unknown) {
    values[name] = value;
    if (name in errors.value) {
      const { [name]: gone, ...left } = errors.value;
      void gone;
      errors.value = left;
    }
    key = newKey();
  }

  /** What is required and empty; the server judges the rest. */
  function check(required: string): boolean {
    const found: Record<string, FieldComplaint[]> = {};
    for (const [name, rule] of Object.entries(rules.value)) {
      const isAsked = rule.required && rule.visible && !rule.readonly;
      const field = fields.get(name)!;
      const isEmpty = field.type !== "bool" && form.plain(values[name]) === null;
      if (isAsked && isEmpty && isOwed(field)) {
        found[name] = [{ code: "required", message: required }];
      }
    }
    errors.value = found;
    return !Object.keys(found).length;
  }

  async function conflicted() {
    const theirs = await read(entity, String(base.value.id));
    const mine = form.changed(base.value, values);
    conflict.value = { theirs, differences: form.differences(base.value, mine, theirs) };
    if (!conflict.value.differences.length) resolve({});
  }

  /** Takes over what somebody else saved; `mine` says of which fields my value stays. */
  function resolve(mine: Record<string, boolean>) {
    const now = conflict.value;
    if (!now) return;
    const kept = form.changed(base.value, values);
    for (const one of now.differences) if (!mine[one.field]) delete kept[one.field];
    base.value = { ...now.theirs };
    version.value = now.theirs.version;
    Object.assign(values, now.theirs, kept);
    conflict.value = null;
  }

  async function send(): Promise<Rec> {
    if (!record) {
      const body = form.changed({}, values);
      const headers = { "Idempotency-Key": key };
      return post<Rec>(`/records/${entity.name}`, body, { headers });
    }
    const row = { ...record, version: version.value };
    return update(entity.name, row, form.changed(base.value, values));
  }

  /** What somebody else has saved is read first; where even that fails, it is told as well. */
  async function refused(cause: unknown): Promise<Rec | null> {
    try {
      if (!record || !(cause instanceof ApiError) || cause.status !== 412) throw cause;
      await conflicted();
      return conflict.value ? null : await send();
    } catch (last) {
      errors.value = last instanceof ApiError ? last.fields : {};
      error.value = last;
      return null;
    }
  }

  /** The saved record, or null where something has to be mended first. */
  async function save(required: string): Promise<Rec | null> {
    if (busy.value || !check(required)) return null;
    busy.value = true;
    error.value = null;
    try {
      return await send();
    } catch (cause) {
      return await refused(cause);
    } finally {
      busy.value = false;
    }
  }

  const shown = { values, errors, error, rules, asked, busy, isDirty, conflict, base };
  return { ...shown, set, check, save, resolve };
}

export type RecordForm = ReturnType<typeof useForm>;
