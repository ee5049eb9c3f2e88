// report - groups of an aggregate as rows with words, numbers and the filter that leads to them.
// SPDX-License-Identifier: MIT
import type { Entity, View } from "@/api/types";
import type { Tree } from "./filter";
import { formatValue, grouped, type Locale } from "./format";
import { dayNumber, dayText } from "./zoned";

export interface ReportData {
  groups?: Record<string, unknown>[];
  titles?: Record<string, Record<string, string>>;
  error?: { message: string };
}

export interface ReportRow {
  label: string;
  parts: string[]; // of the label, one for each group
  value: number; // of the first measure
  shown: string[]; // of each
  filter: Tree;
}

/** "count", "sum.amount", or a part in percent that has a name. */
export type Measure = string | { as: string; label?: string; share?: Tree; ratio?: string[] };

type Group = string | { f: string; by?: string };

const MONTHS: Record<string, number> = { month: 1, quarter: 3, year: 12 };

/** The last day of the bucket that begins on a day. */
export function bucketEnd(day: string, by: string): string {
  if (by === "day") return day;
  if (by === "week") return dayText(dayNumber(day) + 6);
  const at = new Date(`${day}T00:00:00Z`);
  at.setUTCMonth(at.getUTCMonth() + (MONTHS[by] ?? 1));
  return dayText(dayNumber(at.toISOString().slice(0, 10)) - 1);
}

/** What the bucket that begins on a day is called: "2026", "2026-Q3", "2026-07", else the day. */
export function bucketName(day: string, by: string): string {
  if (by === "quarter") return `${day.slice(0, 4)}-Q${Math.ceil(Number(day.slice(5, 7)) / 3)}`;
  return day.slice(0, by === "year" ? 4 : by === "month" ? 7 : 10);
}

const numberOf = (value: unknown): number => {
  const plain = typeof value === "object" && value ? (value as { amount?: string }).amount : value;
  const number = Number(plain ?? 0);
  return Number.isFinite(number) ? number : 0;
};

function shownOf(measure: Measure, value: unknown): string {
  const plain = typeof value === "object" && value ? (value as { amount?: string }).amount : value;
  if (typeof measure === "object") return plain === null ? "" : `${plain}%`;
  return grouped(String(plain ?? 0));
}

export const measuresOf = (view: View) => (view.query?.measure ?? ["count"]) as Measure[];

export const measureName = (measure: Measure) =>
  typeof measure === "string" ? measure : measure.as;

/** What stands above a measure; `word` has the words for "count", "sum" and their kin. */
export function measureLabel(entity: Entity, measure: Measure, word: (op: string) => string) {
  if (typeof measure === "object") return measure.label ?? measure.as;
  const [op, ...path] = measure.split(".");
  const field = entity.fields.find((one) => one.name === path.join("."));
  return field ? `${field.label} (${word(op)})` : word(op);
}

export function groupsOf(view: View): { field: string; by: string }[] {
  const all = (view.query?.group ?? []) as Group[];
  return all.map((one) =>
    typeof one === "string" ? { field: one, by: "" } : { field: one.f, by: one.by ?? "" },
  );
}

/** Groups in the order of their states: those of `ranks`, others as they come. */
export function inOrder(
  groups: Record<string, unknown>[],
  ranks: Record<string, Map<string, number>>,
) {
  const seen: Record<string, Map<string, number>> = {};
  const names = Object.keys(ranks);
  const rank = (name: string, group: Record<string, unknown>) => {
    const value = String(group[name]);
    const first = (seen[name] ??= new Map());
    if (!first.has(value)) first.set(value, first.size);
    return ranks[name].get(value) ?? ranks[name].size + first.get(value)!;
  };
  return groups
    .map((group) => ({ group, at: names.map((name) => rank(name, group)) }))
    .sort((a, b) => a.at.map((one, i) => one - b.at[i]).find((by) => by) ?? 0)
    .map(({ group }) => group);
}

export function rowsOf(entity: Entity, view: View, data: ReportData, locale: Locale, none: string) {
  const groups = groupsOf(view);
  const measures = measuresOf(view);
  return (data.groups ?? []).map((row): ReportRow => {
    const parts: string[] = [];
    const trees: Tree[] = [];
    if (view.query?.filter) trees.push(view.query.filter as Tree);
    for (const { field, by } of groups) {
      const value = row[field] ?? null;
      const meta = entity.fields.find((one) => one.name === field);
      const title = data.titles?.[field]?.[String(value)];
      const day = String(value).slice(0, 10);
      if (value === null) parts.push(none);
      else if (by) parts.push(bucketName(day, by));
      else parts.push(title ?? (meta ? formatValue(meta, value, locale) : String(value)));
      if (by && value !== null) trees.push({ [field]: { between: [day, bucketEnd(day, by)] } });
      else trees.push({ [field]: value });
    }
    const filter = trees.length === 1 ? trees[0] : { and: trees };
    return {
      label: parts.join(" · ") || none,
      parts,
      value: numberOf(row[measureName(measures[0])]),
      shown: measures.map((one) => shownOf(one, row[measureName(one)] ?? null)),
      filter,
    };
  });
}
