// customdiff - what a change of the draft is about, and which of its members differ.
// SPDX-License-Identifier: MIT
import type { Json } from "./custom";

export interface CustomChange {
  part: string;
  name: string;
  change: string;
  before?: Json;
  after?: Json;
}

const PATCHES = ["list", "form", "quick", "page", "board", "mobile", "menu", "dashboard", "report"];

/** "lead.x_level", "form lead: section.main", "list lead.x_list1" */
export function subjectOf(change: CustomChange): string {
  const doc = change.after ?? change.before ?? {};
  if (change.part !== "views") return change.name;
  if (typeof doc.kind === "string") {
    return [doc.kind, [doc.entity, doc.name].filter(Boolean).join(".")].join(" ");
  }
  const kind = PATCHES.find((one) => typeof doc[one] === "string");
  if (!kind) return change.name;
  const section = doc.section as Json | undefined;
  const where = doc.set ?? doc.remove ?? section?.id;
  return `${kind} ${String(doc[kind])}${where ? `: ${String(where)}` : ""}`;
}

/** Members of which something was said anew; of what is new or gone, all of them. */
export function changedLines(change: CustomChange) {
  const { before = {}, after = {} } = change;
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return names
    .filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]))
    .map((name) => ({ name, before: before[name], after: after[name] }));
}
