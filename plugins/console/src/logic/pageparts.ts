// pageparts - the tabs and panels of a record's page as editors change them.
// SPDX-License-Identifier: MIT
import type { Cell } from "@/api/types";
import type { Tree } from "./filter";

export interface Part {
  id: string;
  label?: string;
  widget?: string;
  relation?: string;
  columns?: Cell[];
  visible_when?: Tree;
  [member: string]: unknown;
}

export function freePart(kind: "tab" | "panel", taken: string[]): string {
  for (let n = 1; ; n++) if (!taken.includes(`${kind}.x${n}`)) return `${kind}.x${n}`;
}

/** A part of our own: a widget by name, or the records of a relation. */
export function partOf(kind: "tab" | "panel", id: string, what: string, value: string): Part {
  if (what === "widget") return { id, widget: value };
  return kind === "tab" ? { id, widget: "related", relation: value } : { id, relation: value };
}
