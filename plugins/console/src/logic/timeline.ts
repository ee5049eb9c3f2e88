// timeline - changes and what happened around a record, from several sources, in one order.
// SPDX-License-Identifier: MIT
//
// Each source has its own pages. What is older than the oldest entry that a source with more pages
// has shown is held back: otherwise something would be missing in between.
import type { Rec } from "@/api/types";

export interface Change {
  seq: number;
  at: string;
  actor: string | null;
  op: string;
  source?: string;
  changes: { field: string; old: unknown; new: unknown }[];
}

export interface Source {
  entity: string; // "" for changes
  at: string; // the field that says when
  filter?: unknown;
  next: string | null;
  changes: Change[];
  rows: Rec[];
}

export interface Entry {
  key: string;
  at: string;
  entity: string;
  change?: Change;
  row?: Rec;
}

export function entriesOf(source: Source): Entry[] {
  const changes = source.changes.map((change) => ({
    key: `change/${change.seq}`,
    at: change.at,
    entity: "",
    change,
  }));
  const rows = source.rows.map((row) => ({
    key: `${source.entity}/${row.id}`,
    at: String(row[source.at] ?? row.created_at ?? ""),
    entity: source.entity,
    row,
  }));
  return [...changes, ...rows];
}

/** Newest first; `hidden` are entries that wait until the sources before them are read further. */
export function merged(sources: Source[]): { entries: Entry[]; hidden: number; more: boolean } {
  let horizon = "";
  for (const source of sources) {
    if (!source.next) continue;
    const oldest = entriesOf(source).reduce((at, entry) => (entry.at < at ? entry.at : at), "~");
    if (oldest !== "~" && oldest > horizon) horizon = oldest;
  }
  const all = sources.flatMap(entriesOf);
  const entries = all
    .filter((entry) => entry.at >= horizon)
    .sort((a, b) => (a.at === b.at ? 0 : a.at < b.at ? 1 : -1));
  return { entries, hidden: all.length - entries.length, more: sources.some((one) => one.next) };
}

/** The first line of what was written, as a name for it; "" where there is nothing. */
export function subjectOf(text: string, most = 60): string {
  const line = text.trim().split("\n")[0].trim();
  const chars = [...line];
  return chars.length > most ? `${chars.slice(0, most - 1).join("")}…` : line;
}
