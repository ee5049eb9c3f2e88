// importmap - which column of a table is meant for which field.
// SPDX-License-Identifier: MIT
import type { Field } from "@/api/types";

const plain = (text: string) => text.toLowerCase().replace(/[\s_\-()（）]/g, "");

/** Columns by name, label or alias of a field; a field is taken once. */
export function autoMap(columns: string[], fields: (Field & { import_alias?: string })[]) {
  const by = new Map<string, string>();
  for (const field of fields) {
    const names = [field.name, field.label, ...(field.import_alias ?? "").split(",")];
    for (const name of names) {
      const key = plain(name);
      if (key && !by.has(key)) by.set(key, field.name);
    }
  }
  const taken = new Set<string>();
  const out: Record<string, string> = {};
  for (const column of columns) {
    const target = by.get(plain(column)) ?? "";
    out[column] = taken.has(target) ? "" : target;
    if (target) taken.add(target);
  }
  return out;
}

/** Fields that more than one column is meant for. */
export function takenTwice(map: Record<string, string>): Set<string> {
  const all = Object.values(map).filter(Boolean);
  return new Set(all.filter((name, i) => all.indexOf(name) !== i));
}

export function mappingOf(map: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(map).filter(([, target]) => target));
}

/** "source: …; phones[0]: …" as the server has it, with the fields' labels. */
export function reasonWords(why: string, fields: Field[]): string {
  const label = (name: string) => fields.find((field) => field.name === name)?.label ?? name;
  return why.replace(
    /(^|; )([a-z]\w*)(?:\[(\d+)\])?: /g,
    (_, before: string, name: string, at?: string) =>
      `${before}${label(name)}${at === undefined ? "" : ` ${Number(at) + 1}`}：`,
  );
}
