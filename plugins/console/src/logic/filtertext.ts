// filtertext - conditions of a filter as people say them.
// SPDX-License-Identifier: MIT
import type { Entity, Field } from "@/api/types";
import type { Tree } from "./filter";
import { type FilterRow, formOf } from "./filterrows";
import { formatValue, type Locale } from "./format";

export interface Words {
  t: (key: string, values?: Record<string, unknown>) => string;
  has: (key: string) => boolean;
  locale: Locale;
  title: (entity: string, id: string) => string; // of a record, "" where it is not known (yet)
}

const TIMES = new Set(["date", "datetime", "time"]);
const ORDERS = new Set(["lt", "lte", "gt", "gte"]);

/** How an operator is called: times are earlier and later, numbers smaller and larger. */
export function opWord(field: Field | undefined, op: string, t: Words["t"]): string {
  const isTime = field && TIMES.has(field.result ?? field.type) && ORDERS.has(op);
  return t(isTime ? `op_time.${op}` : `op.${op}`);
}

function valueText(field: Field | undefined, value: unknown, words: Words): string {
  if (typeof value === "string" && value.startsWith("$")) {
    const key = `var.${value.slice(1)}`;
    return words.has(key) ? words.t(key) : value.slice(1);
  }
  if (value === null || value === undefined) return "…";
  if (field?.ref && typeof value === "string") return words.title(field.ref.entity, value) || "…";
  return field ? formatValue(field, value, words.locale) : String(value);
}

/** What is said of the field, without its name. */
function askedText(field: Field | undefined, row: FilterRow, words: Words): string {
  const { t } = words;
  const say = (value: unknown) => valueText(field, value, words);
  const gap = words.locale.lang === "en" ? ", " : "、";
  if (row.op === "between" && Array.isArray(row.value)) return row.value.map(say).join(" – ");
  if (/_days$/.test(row.op)) return t(`op_days.${row.op}`, { n: String(row.value) });
  const word = opWord(field, row.op, t);
  if (typeof row.value === "boolean" && (field?.type !== "bool" || row.op === "null"))
    return row.value ? word : t("filter.not", { text: word });
  const value = Array.isArray(row.value) ? row.value.map(say).join(gap) : say(row.value);
  return row.op === "eq" || row.op === "in" ? value : `${word} ${value}`;
}

const colonOf = ({ locale }: Words) => (locale.lang === "en" ? ": " : "：");

export function conditionText(entity: Entity, row: FilterRow, words: Words): string {
  if (row.tree) return treeText(entity, row.tree, words);
  const field = entity.fields.find((one) => one.name === row.field);
  const label = field?.label ?? row.field;
  return label + colonOf(words) + askedText(field, row, words);
}

/** Alternatives of one field name it once. */
function treeText(entity: Entity, tree: Tree, words: Words): string {
  const key = Object.keys(tree)[0];
  if (key === "exists" || key === undefined) return words.t("filter.more");
  const inner = (one: unknown) => treeText(entity, one as Tree, words);
  if (key === "not") return words.t("filter.not", { text: inner(tree.not) });
  const { any, rows } = formOf(tree);
  const join = words.t(any ? "filter.or" : "filter.and");
  const names = new Set(rows.map((row) => row.field));
  const field = entity.fields.find((one) => one.name === rows[0]?.field);
  if (any && names.size === 1 && field) {
    const asked = rows.map((row) => askedText(field, row, words));
    return field.label + colonOf(words) + asked.join(join);
  }
  if (key === "or" && !any) {
    return (tree.or as Tree[]).map(inner).join(words.t("filter.or"));
  }
  return rows.map((row) => conditionText(entity, row, words)).join(join);
}
