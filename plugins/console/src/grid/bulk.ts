// bulk - the same to many records, and the ids of all that a list finds.
// SPDX-License-Identifier: MIT
import { post } from "@/api/http";
import type { Entity, Field, Page } from "@/api/types";
import type { Tree } from "@/logic/filter";
import { counted } from "@/logic/format";
import { i18n } from "@/texts";
import { type Asked, queryOfList } from "./useList";

const BULK = 500;
const READ = 200; // records that one answer may have

interface BulkResult {
  done: number;
  failed: number;
  job?: string; // by which it can be taken back
  left?: number; // changes that can be
  results: { ok: boolean; id?: string; error?: Refusal }[];
}

type Named = Pick<Entity, "name" | "fields">;

interface Refusal {
  message: string;
  fields?: Record<string, { message: string }[]>;
}

/** What a record was refused for: what its fields were, by their names; else the sentence. */
export function reasonOf(error: Refusal, entity: Named): string {
  const told = Object.entries(error.fields ?? {}).map(([name, list]) => {
    const label = entity.fields.find((one) => one.name === name.replace(/[.[].*$/, ""))?.label;
    const text = list.map((one) => one.message).join(" ");
    return label ? i18n.global.t("bulk.why", { field: label, text }) : text;
  });
  return told.join(" ") || error.message;
}

export interface Outcome {
  done: number;
  failed: number;
  why: string[];
  job?: string;
}

function add(out: Outcome, answer: BulkResult, entity: Named): void {
  out.done += answer.done;
  out.failed += answer.failed;
  for (const result of answer.results) {
    const why = !result.ok && result.error ? reasonOf(result.error, entity) : "";
    if (why && !out.why.includes(why)) out.why.push(why);
  }
}

/** The same to many records, in calls of a few hundred; tells how far it is. All of it is one work,
 * which can be taken back by its job. */
export async function bulk(
  entity: Named,
  ids: string[],
  make: (id: string) => Record<string, unknown>,
  progress: (done: number) => void,
): Promise<Outcome> {
  const out: Outcome = { done: 0, failed: 0, why: [] };
  const path = `/records/${entity.name}/bulk`;
  let work: string | true = true;
  for (let at = 0; at < ids.length; at += BULK) {
    const items = ids.slice(at, at + BULK).map(make);
    const answer: BulkResult = await post(path, { atomic: false, items, undo: work });
    add(out, answer, entity);
    if (answer.job) work = answer.job;
    if (answer.left) out.job = answer.job;
    progress(Math.min(at + BULK, ids.length));
  }
  return out;
}

/** Takes back what a work has done, a part at a time, the newest first. */
export async function takeBack(job: string, entity: Named): Promise<Outcome> {
  const out: Outcome = { done: 0, failed: 0, why: [] };
  for (let left = 1; left > 0; ) {
    const answer: BulkResult = await post(`/jobs/${job}/undo`, {});
    add(out, answer, entity);
    left = answer.left ?? 0;
  }
  return out;
}

/** What came of taking it back, as one sentence. */
export function toldBack(out: Outcome): string {
  const { t } = i18n.global;
  const done = t("bulk.undone", { n: counted(out.done), count: out.done });
  if (!out.failed) return done;
  const kept = t("bulk.undo_kept", { n: counted(out.failed), count: out.failed });
  return [done, kept, ...out.why.slice(0, 3)].join(" ");
}

/** The ids of everything the list finds. */
export async function allIds(asked: Asked, progress: (count: number) => void): Promise<string[]> {
  const { filter, sort, q } = queryOfList(asked);
  const ids: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await post<Page>(
      `/records/${asked.entity.name}/query`,
      { filter, sort, q, fields: "id", limit: READ, cursor },
      { reads: true },
    );
    ids.push(...page.items.map((row) => row.id));
    cursor = page.next ?? undefined;
    progress(ids.length);
  } while (cursor);
  return ids;
}

/** Those records, however many they are. */
export function idsFilter(ids: string[]): Tree {
  const parts: Tree[] = [];
  for (let at = 0; at < ids.length; at += BULK) {
    parts.push({ id: { in: ids.slice(at, at + BULK) } });
  }
  return parts.length > 1 ? { or: parts } : parts[0];
}

/** The tags of an entity that people give. */
export const tagsOf = (entity: Entity): Field | undefined => {
  const all = entity.fields.filter((one) => one.type === "tags" && !one.readonly && !one.system);
  return all.find((one) => one.name === "tags") ?? all[0];
};

/** What each record's tags will be: some more, or some less; the others it had stay. */
export async function retagged(
  entity: string,
  ids: string[],
  field: string,
  change: { tags: string[]; removes: boolean },
): Promise<Map<string, string[]>> {
  const out = new Map<string, string[]>();
  for (let at = 0; at < ids.length; at += READ) {
    const filter = { id: { in: ids.slice(at, at + READ) } };
    const body = { filter, fields: `id,${field}`, limit: READ };
    const page = await post<Page>(`/records/${entity}/query`, body, { reads: true });
    for (const row of page.items) {
      const had = (row[field] ?? []) as string[];
      const left = had.filter((tag) => !change.tags.includes(tag));
      const next = change.removes ? left : [...had, ...change.tags.filter((t) => !had.includes(t))];
      if (next.length !== had.length) out.set(row.id, next);
    }
  }
  return out;
}
