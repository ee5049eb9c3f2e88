// filterrows - a filter tree as rows that people edit, and back.
// SPDX-License-Identifier: MIT
//
// The builder shows one level of AND or OR; a tree it cannot show is kept whole as one row.
import type { Tree } from "./filter";

export interface FilterRow {
  field: string; // "" = a tree the builder cannot show
  op: string;
  value: unknown;
  tree?: Tree;
}

export interface FilterForm {
  any: boolean;
  rows: FilterRow[];
}

const isObject = (value: unknown): value is Tree =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isMoney = (value: Tree) => "amount" in value || "minor" in value;

function rowsOf(tree: Tree): FilterRow[] {
  return Object.entries(tree).flatMap(([key, asked]): FilterRow[] => {
    if (["and", "or", "not", "exists"].includes(key)) {
      if (key === "and") return (asked as Tree[]).flatMap(rowsOf);
      return [{ field: "", op: "", value: null, tree: { [key]: asked } }];
    }
    if (asked === null) return [{ field: key, op: "null", value: true }];
    if (Array.isArray(asked)) return [{ field: key, op: "in", value: asked }];
    if (isObject(asked) && !isMoney(asked)) {
      return Object.entries(asked).map(([op, value]) => ({ field: key, op, value }));
    }
    return [{ field: key, op: "eq", value: asked }];
  });
}

export function formOf(tree: Tree | undefined): FilterForm {
  if (!tree) return { any: false, rows: [] };
  const keys = Object.keys(tree);
  if (keys.length === 1 && keys[0] === "or" && Array.isArray(tree.or)) {
    const parts = (tree.or as Tree[]).map(rowsOf);
    if (parts.every((part) => part.length === 1)) return { any: true, rows: parts.flat() };
  }
  return { any: false, rows: rowsOf(tree) };
}

function treeOf(row: FilterRow): Tree {
  if (row.tree) return row.tree;
  return { [row.field]: row.op === "eq" ? row.value : { [row.op]: row.value } };
}

/** Is there anything to ask for? A row without a value says nothing yet. */
export function isComplete(row: FilterRow): boolean {
  if (row.tree) return true;
  if (!row.field || !row.op || row.value === undefined || row.value === "") return false;
  if (row.op === "between") return (row.value as unknown[]).some((side) => side !== null);
  return !Array.isArray(row.value) || row.value.length > 0;
}

export function treeFrom(form: FilterForm): Tree | undefined {
  const trees = form.rows.filter(isComplete).map(treeOf);
  if (!trees.length) return undefined;
  if (trees.length === 1) return trees[0];
  return form.any ? { or: trees } : { and: trees };
}
