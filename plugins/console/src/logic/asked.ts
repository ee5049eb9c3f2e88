// asked - what a form asks for besides its own fields, as records of the company say it.
// SPDX-License-Identifier: MIT
//
// A form names the route that tells it (`asks`): for which records, which fields, in what words.
import type { Entity, Field } from "@/api/types";
import { type FilterScope, matches, type Row, type Tree } from "./filter";

export interface AskedField {
  name: string;
  label?: string;
  help?: string;
  required_when?: Tree;
}

export interface Asked {
  when: Tree;
  label?: string;
  help?: string;
  fields: AskedField[];
}

export const asksOf = (entity: Entity): string =>
  entity.views.find((one) => one.kind === "form" && one.asks)?.asks ?? "";

/** Those that hold for a record now. */
export function askedNow(all: Asked[], row: Row, scope: FilterScope): Asked[] {
  return all.filter((one) => matches(one.when, row, scope));
}

export function askedField(all: Asked[], name: string): AskedField | undefined {
  return all.flatMap((one) => one.fields).find((one) => one.name === name);
}

/** A field in the words of who asks for it. */
export function worded(field: Field, all: Asked[]): Field {
  const by = askedField(all, field.name);
  if (!by?.label && !by?.help) return field;
  return { ...field, label: by.label ?? field.label, help: by.help ?? field.help };
}
