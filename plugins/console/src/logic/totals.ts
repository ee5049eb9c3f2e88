// totals - what stands below the columns of a list: of all that it finds, not of a page.
// SPDX-License-Identifier: MIT
import type { Entity, Field } from "@/api/types";
import type { Column } from "./liststate";

export interface Total {
  field: Field;
  op: string; // sum, avg, min, max, count
  measure: string; // as it is asked for
}

const OPS = ["sum", "avg", "min", "max", "count"];

/** Of the columns that ask for one; each measure is asked for once. */
export function totalsOf(entity: Entity, columns: Column[]): Total[] {
  return columns.flatMap(({ field: name, agg }) => {
    const field = entity.fields.find((one) => one.name === name);
    if (!field || !agg || !OPS.includes(agg)) return [];
    return [{ field, op: agg, measure: agg === "count" ? "count" : `${agg}.${name}` }];
  });
}

export const measuresFor = (totals: Total[]): string[] => [
  ...new Set(totals.map((one) => one.measure)),
];
