// branches - records as a tree by a reference to the record above: lines in the order they stand.
// SPDX-License-Identifier: MIT
import type { Rec } from "@/api/types";
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
}

export const idOf = (value: unknown): string =>
  typeof value === "object" && value ? String((value as { id?: unknown }).id ?? "") : "";

/** Lines of what is open; a record that stands below itself is shown once. */
export function linesOf(
  branches: Map<string, Branch>,
  counts: Map<string, number>,
  open: Set<string>,
): Line[] {
  const lines: Line[] = [];
  const seen = new Set<string>();
  const walk = (id: string, depth: number) => {
    const branch = branches.get(id);
    for (const row of branch?.rows ?? []) {
      if (seen.has(row.id)) continue;
      seen.add(row.id);
      const below = counts.get(row.id) ?? 0;
      const isOpen = below > 0 && open.has(row.id) && branches.has(row.id);
      lines.push({ row, branch: id, depth, below, open: isOpen });
      if (isOpen) walk(row.id, depth + 1);
    }
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
