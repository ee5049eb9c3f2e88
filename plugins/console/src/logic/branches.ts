// branches - records as a tree by a reference to the record above: lines in the order they stand.
// SPDX-License-Identifier: MIT
//
// The record above is one of the same entity, or one of another, an upper: then those are the upper
// levels, below each other where their entity refers to itself. The values of a field (categories
// of a dictionary) are uppers, too.
import type { Entity, Option, Rec } from "@/api/types";
import type { Tree } from "./filter";

/** What has been read of what stands below one record; "" is the top. */
export interface Branch {
  rows: Rec[];
  next: string | null;
}

export interface Line {
  row?: Rec; // absent: there is more of the branch to read
  branch: string;
  depth: number;
  below: number; // how many stand directly below
  open: boolean;
  upper?: boolean; // no record of the list: one of those that it is put under
}

/** The heading of records that refer to no upper; no record has such an id. */
export const NONE = "none";

export const idOf = (value: unknown): string =>
  typeof value === "object" && value ? String((value as { id?: unknown }).id ?? "") : "";

/** Lines of what is open; a record that stands below itself is shown once. */
export function linesOf(
  branches: Map<string, Branch>,
  counts: Map<string, number>,
  open: Set<string>,
  uppers?: Map<string, Rec[]>,
): Line[] {
  const lines: Line[] = [];
  const seen = new Set<string>();
  const walk = (id: string, depth: number) => {
    const branch = branches.get(id);
    const add = (row: Rec, upper?: true) => {
      if (seen.has(row.id)) return;
      seen.add(row.id);
      const below = uppers && !upper ? 0 : (counts.get(row.id) ?? 0);
      const isOpen = below > 0 && open.has(row.id) && branches.has(row.id);
      lines.push({ row, branch: id, depth, below, open: isOpen, ...(upper && { upper }) });
      if (isOpen) walk(row.id, depth + 1);
    };
    for (const row of uppers?.get(id) ?? []) add(row, true);
    for (const row of branch?.rows ?? []) add(row);
    if (branch?.next) lines.push({ branch: id, depth, below: 0, open: false });
  };
  walk("", 0);
  return lines;
}

const both = (tree: Tree | undefined, more: Tree): Tree => (tree ? { and: [tree, more] } : more);

/** What stands at the top: without a parent, or whose parent the list does not find. */
export function topOf(filter: Tree | undefined, parent: string, absent: string[]): Tree {
  const none: Tree = { [parent]: null };
  return both(filter, absent.length ? { or: [none, { [parent]: { in: absent } }] } : none);
}

export const belowOf = (filter: Tree | undefined, parent: string, id: string): Tree =>
  both(filter, { [parent]: id });

/** What an upper stands below: as its own tree says, else its only reference to itself. */
export function aboveOf(entity: Entity): string {
  const { name, fields } = entity;
  const own = fields.filter((one) => one.type === "ref" && one.ref?.entity === name);
  const said = entity.views.find((view) => view.kind === "tree")?.parent;
  if (said) return own.some((one) => one.name === said) ? said : "";
  return own.length === 1 ? own[0].name : "";
}

const refOf = (value: unknown): string => (typeof value === "string" ? value : idOf(value));

/** Uppers by what they stand below, and how many records of the list are below each in all. One
 * that stands below itself, however far around, stands at the top. */
export function uppersOf(rows: Rec[], above: string, direct: Map<string, number>) {
  const known = new Map(rows.map((row) => [row.id, row]));
  const next = (id: string) => {
    const up = above ? refOf(known.get(id)?.[above]) : "";
    return known.has(up) ? up : "";
  };
  const circles = new Set<string>();
  for (const { id } of rows) {
    const seen = new Set<string>();
    for (let at = next(id); at && !seen.has(at); at = next(at)) {
      if (at === id) circles.add(id);
      seen.add(at);
    }
  }
  const place = (id: string) => (circles.has(id) ? "" : next(id));
  const below = new Map<string, Rec[]>();
  const counts = new Map<string, number>();
  for (const row of rows) {
    const at = place(row.id);
    below.set(at, [...(below.get(at) ?? []), row]);
    const own = direct.get(row.id) ?? 0;
    for (let id = row.id; id; id = place(id)) counts.set(id, (counts.get(id) ?? 0) + own);
  }
  return { below, counts };
}

export const ABOVE = "above"; // of a value: the one that it stands below

/** Values of a field as uppers. */
export const valuesAsRows = (options: Option[]): Rec[] =>
  options.map(({ value, label, parent }) => ({
    id: value,
    version: 0,
    name: label,
    [ABOVE]: parent ?? null,
  }));

/** Those that something stands below, and those above them, in their order. */
export function withAbove(rows: Rec[], ids: string[]): Rec[] {
  const known = new Map(rows.map((row) => [row.id, row]));
  const wanted = new Set<string>();
  for (const id of ids) {
    for (let at: string | null = id; at && known.has(at) && !wanted.has(at); ) {
      wanted.add(at);
      at = known.get(at)![ABOVE] as string | null;
    }
  }
  return rows.filter((row) => wanted.has(row.id));
}

/** Ids of uppers that are referred to but have not been read. */
export const missingOf = (rows: Rec[], above: string, asked: Set<string>): string[] => [
  ...new Set(rows.map((row) => refOf(row[above])).filter((id) => id && !asked.has(id))),
];
